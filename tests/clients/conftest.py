"""The live site, for the clients that are let loose on it."""

from tests.live import live_site

__all__ = ["live_site"]
