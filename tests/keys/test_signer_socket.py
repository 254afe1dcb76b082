"""Who may talk to the signer, and what comes of those who do not speak its language."""

from __future__ import annotations

import os
import socket
import stat
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from enrollment import keys
from enrollment.keys import remote, wire
from enrollment.signer import server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from enrollment.signer.desk import Desk


class Echo:
    """Answers with what came, or as it is told."""

    refusal: dict[str, Any] | None = None

    def answer(self, head: wire.Head, message: bytes, _asker: int) -> tuple[wire.Head, bytes]:
        """Say it again."""
        return self.refusal or {"verb": head.get("verb")}, message


@pytest.fixture
def desk() -> Echo:
    return Echo()


@pytest.fixture
def path(tmp_path: Path, desk: Echo) -> Iterator[Path]:
    """A socket at which the echo answers."""
    path = tmp_path / "signer.sock"
    listener = server.listen(path)
    places = threading.BoundedSemaphore(2)
    door = server.Door(cast("Desk", desk), server.users_served(None), places)

    def answer() -> None:
        while True:
            try:
                door.accept(listener)
            except OSError:
                return

    thread = threading.Thread(target=answer)
    thread.start()
    yield path
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(10)
    connection.connect(str(path))
    return connection


def test_a_question_is_answered_with_its_content(path: Path) -> None:
    content = os.urandom(3 * 1024 * 1024)

    assert remote.ask(path, {"verb": "sign"}, content) == content


def test_only_its_own_user_may_open_the_socket(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_user_is_turned_away_by_the_kernels_word(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "peer", lambda _: (1, os.geteuid() + 1))

    with connect(path) as connection:
        assert connection.recv(1) == b""


def test_the_kernel_tells_who_asks() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        assert server.peer(ours) == (os.getpid(), os.geteuid())


@pytest.mark.parametrize(
    "octets",
    [
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x00",
        b"\x00\x00\x00\x02[]",
        b"\x00\x00\x00\x02{}",
        b"\x00\x00\x00\x03{{{",
        b'\x00\x00\x00\x0f{"content": -1}',
        b'\x00\x00\x00\x18{"content": 99999999999}',
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_question_ends_the_connection(octets: bytes, path: Path) -> None:
    with connect(path) as connection:
        connection.sendall(octets)

        assert _read_or_reset(connection) == b""
    assert remote.ask(path, {"verb": "sign"}, b"still there") == b"still there"


def _read_or_reset(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1)
    except ConnectionResetError:
        return b""


def test_a_second_signer_is_refused(path: Path) -> None:
    with pytest.raises(server.SignerRunning, match="already"):
        server.listen(path)


def test_a_socket_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    server.listen(tmp_path / "signer.sock").close()

    server.listen(tmp_path / "signer.sock").close()


def test_more_connections_than_places_are_closed(path: Path) -> None:
    held = [connect(path) for _ in range(2)]
    for connection in held:
        wire.send(connection, {"verb": "sign"})
        assert wire.receive(connection) is not None

    with connect(path) as third:
        assert third.recv(1) == b""
    for connection in held:
        connection.close()


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        ("TokenPinWrong", keys.TokenPinWrong),
        ("SignerRefused", keys.SignerRefused),
        ("annotations", keys.SignerRefused),
        ("__builtins__", keys.SignerRefused),
        (None, keys.SignerRefused),
    ],
)
def test_a_refusal_comes_back_as_what_it_was(
    named: str | None, problem: type[keys.KeyProblem], path: Path, desk: Echo
) -> None:
    desk.refusal = {"refused": "No.", "problem": named}

    with pytest.raises(keys.KeyProblem, match="No") as refusal:
        remote.ask(path, {"verb": "sign"}, b"")

    assert type(refusal.value) is problem


def test_a_signer_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PATIENCE_SECONDS", 0)

    with pytest.raises(keys.SignerUnreachable, match=r"manage\.py signer"):
        remote.ask(tmp_path / "nowhere.sock", {"verb": "sign"})
