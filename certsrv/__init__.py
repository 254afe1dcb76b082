"""The Django project: wiring, no behavior."""
