"""The default site with its cast: Alice attacks, Bob is the one she wants to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

from enrollment.models import Account
from enrollment.services import setup
from tests.attacks.playing import ALICE_SID, BOB_SID, Attacker
from tests.conftest import person
from tests.undone import undone

if TYPE_CHECKING:
    from collections.abc import Iterator


def _people() -> None:
    setup.run_setup(now=timezone.now())
    alice, bob = person("alice", "Enrollees"), person("bob", "Enrollees")
    Account.objects.create(user=alice, dns_name="alice-pc.example.com", sid=ALICE_SID)
    Account.objects.create(
        user=bob, dns_name="Bob-PC.example.com", upn="bob@corp.example.com", sid=BOB_SID
    )
    person("ada", "CA Administrators")
    person("maria", "Certificate Managers")


@pytest.fixture(scope="package")
def default_site(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """One site for all of these tests: what set-up makes, and nothing changed about it."""
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with (
        django_db_blocker.unblock(),
        override_settings(PASSWORD_HASHERS=hashers),
        undone(),
    ):
        _people()
        yield


@pytest.fixture
def alice(default_site: None) -> Iterator[Attacker]:
    """The attacker, an ordinary enrollee; what she does is gone after the test."""
    with undone():
        yield Attacker("alice")


@pytest.fixture
def office(alice: Attacker) -> Client:
    """The desk, with a CA administrator at it."""
    from django.contrib.auth.models import User

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(username="ada"))
    return client
