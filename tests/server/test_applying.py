"""Threads that wait for clients keep no connection to the database."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from django.http import HttpResponse, StreamingHttpResponse

from enrollment.serving import applying
from enrollment.serving.applying import Applying

if TYPE_CHECKING:
    from collections.abc import Iterator

# Whoever closes an answer tells Django, which looks at the connections of the thread.
pytestmark = pytest.mark.django_db


class Connections:
    """Tells which threads closed theirs."""

    def __init__(self) -> None:
        self.closed: list[int] = []

    def close_all(self) -> None:
        """Note the thread."""
        self.closed.append(threading.get_ident())


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Connections:
    found = Connections()
    monkeypatch.setattr(applying, "connections", found)
    return found


def ask(answer: Any) -> Any:
    return Applying(lambda _environ, _start: answer, 1, 0)({}, lambda *_: lambda _: None)


def test_a_table_closes_its_connection_in_the_thread_that_made_it(connections: Connections) -> None:
    made = []

    def pieces() -> Iterator[bytes]:
        made.append(threading.get_ident())
        yield b"one"

    answer = ask(StreamingHttpResponse(pieces()))
    assert list(answer) == [b"one"]
    assert connections.closed == []
    answer.close()

    assert connections.closed == made == [threading.get_ident()]


def test_a_table_that_nobody_reads_to_the_end_closes_it_too(connections: Connections) -> None:
    answer = ask(StreamingHttpResponse(iter([b"one", b"two"])))
    assert next(iter(answer)) == b"one"
    answer.close()

    assert len(connections.closed) == 1


def test_a_page_leaves_the_connection_of_its_own_thread_open(connections: Connections) -> None:
    answer = ask(HttpResponse(b"one"))
    answer.close()

    assert connections.closed == []
