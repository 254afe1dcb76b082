"""Which request is being answered: what the log adds to every line that is written meanwhile."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Trace:
    """The request at hand; who asks, and from where, is looked up when a line is written."""

    request: str
    account: Callable[[], str]
    address: Callable[[], str]

    def facts(self) -> Iterator[tuple[str, Any]]:
        """Yield what is known."""
        for name, value in (
            ("request", self.request),
            ("account", self.account()),
            ("address", self.address()),
        ):
            if value:
                yield name, value


current: Final[ContextVar[Trace | None]] = ContextVar("certsrv_trace", default=None)
