"""The live site, for the tests of the server."""

from tests.live import live_site

__all__ = ["live_site"]
