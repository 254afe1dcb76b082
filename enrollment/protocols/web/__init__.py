"""The `/certsrv` pages of Certificate Services, from 1.0 to today's, for people and programs."""
