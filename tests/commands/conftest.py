"""A shell: runs a command, and gives back what it said."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from tests.admin.conftest import quick_passwords, submit, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["quick_passwords", "submit", "waiting"]


class Shell:
    """What a person at a terminal sees of `manage.py`."""

    def __call__(self, *words: str) -> str:
        """Run a command that succeeds; return what it printed."""
        out = io.StringIO()
        call_command(*words, stdout=out)
        return out.getvalue()

    def json(self, *words: str) -> Any:
        """Run a reading command for a program; return what it read."""
        return json.loads(self(*words, "--json"))

    def refused(self, *words: str) -> str:
        """Run a command that is refused; return the sentence."""
        with pytest.raises(CommandError) as caught:
            call_command(*words, stdout=io.StringIO())
        return str(caught.value)


@pytest.fixture
def shell(db: None) -> Callable[..., str]:
    """A shell with the site's database behind it."""
    return Shell()
