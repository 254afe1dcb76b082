"""Clients on another machine: what comes from this one may come from a proxy of everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.test import Client

from tests.signin.people import basic

if TYPE_CHECKING:
    from collections.abc import Callable

SIGN_IN = "/accounts/login/"


def outside(**options: Any) -> Client:
    """Return a client with an address of its own."""
    return Client(REMOTE_ADDR="198.51.100.7", **options)


def guess(client: Client, name: str = "carol", **extra: str) -> int:
    return client.get("/certsrv/", headers=basic(name, "guess"), **extra).status_code  # type: ignore[arg-type]  # of the environment


def statuses(times: int, act: Callable[[], int]) -> list[int]:
    return [act() for _ in range(times)]
