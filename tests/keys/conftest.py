"""No key stays loaded from one test to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment import keys
from tests.keys.softhsm import soft_token

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["soft_token"]


@pytest.fixture(autouse=True)
def _no_loaded_keys() -> Iterator[None]:
    keys.forget_signers()
    yield
    keys.forget_signers()
