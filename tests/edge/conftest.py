"""Settings that a test may change, and accounts with known passwords."""

from tests.signin.conftest import _fast_hashes, _nothing_remembered, carol, configure

__all__ = ["_fast_hashes", "_nothing_remembered", "carol", "configure"]
