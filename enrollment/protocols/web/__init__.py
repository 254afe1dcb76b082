"""The `/certsrv` pages of Microsoft Certificate Services, from 1.0 to today's, for people and programs."""
