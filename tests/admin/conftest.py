"""Requests that wait, and people who are signed in at the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.utils import timezone

from enrollment.services import directory, enroll
from tests import make

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from pytest_django.fixtures import SettingsWrapper  # type: ignore[attr-defined]  # has no stub

    from enrollment.models import EnrollmentRequest


@pytest.fixture(autouse=True)
def quick_passwords(settings: SettingsWrapper) -> None:
    """Hash passwords fast: these tests make many people and never guess a password."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def submit(
    user: User,
    common_name: str = "www.example.com",
    *,
    template: str = "SubCA",
    dns: tuple[str, ...] = (),
) -> EnrollmentRequest:
    """Send a request as `user`; template SubCA always waits and takes names from the request."""
    submission = enroll.Submission(
        raw=make.request_pem(common_name, dns=dns),
        attributes=f"CertificateTemplate:{template}",
        requester=directory.requester_of(user),
        door="web",
    )
    return enroll.enroll(submission, now=timezone.now())


@pytest.fixture
def signed_in(db: None) -> Callable[[User], Client]:
    """Return a browser in which somebody is signed in."""

    def sign_in(user: User) -> Client:
        client = Client(SERVER_NAME="localhost")
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def waiting(alice: User) -> EnrollmentRequest:
    """Alice's request, which waits for a manager."""
    return submit(alice)


@pytest.fixture
def desk(manager: User, signed_in: Callable[[User], Client]) -> Client:
    """The desk, with a certificate manager at it."""
    return signed_in(manager)
