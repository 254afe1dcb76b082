"""Tests reach nobody but this machine."""

from __future__ import annotations

import socket

import pytest


@pytest.mark.parametrize("act", ["connect", "connect_ex"])
def test_a_test_cannot_connect_to_the_world(act: str) -> None:
    """192.0.2.1 belongs to nobody (RFC 5737)."""
    with socket.socket() as one, pytest.raises(AssertionError, match=r"192\.0\.2\.1"):
        getattr(one, act)(("192.0.2.1", 443))


def test_a_test_can_connect_to_this_machine() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert client.getpeername() == server.getsockname()
