"""Somebody with a second factor: what the app would show, and a browser that has shown it."""

from __future__ import annotations

import base64
import re
import time
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from django.test import Client
from django.utils import timezone

from enrollment.models import SecondFactor
from enrollment.models.second_factor import APP
from enrollment.services import sealing

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SECRET: Final = b"twenty octets secret"


def code(secret: bytes = SECRET, *, steps: int = 0, at: float | None = None) -> str:
    """Return what the app shows, some steps of 30 seconds from a moment, or from now."""
    moment = int(time.time() if at is None else at)
    return HOTP(secret, 6, SHA1()).generate(moment // 30 + steps).decode()  # noqa: S303 - RFC 4226


def key_on(page: str) -> bytes:
    """Return the secret that a page shows as text."""
    found = re.search(r'class="secret-key">([A-Z2-7 ]+)<', page)
    assert found is not None, page
    return base64.b32decode(found[1].replace(" ", ""))


def give_app(user: User, secret: bytes = SECRET) -> SecondFactor:
    """Give somebody an authenticator app that has shown no code yet."""
    return SecondFactor.objects.create(
        user=user,
        kind=APP,
        label="Phone",
        secret=sealing.seal(secret, f"user {user.pk}", purpose=sealing.SECOND_FACTORS),
        added_at=timezone.now(),
    )


def browser(user: User, factor: SecondFactor | None = None) -> Client:
    """Return a browser in which somebody is signed in, with a second factor or without."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    if factor is not None:
        session = client.session
        session["second_factor"] = str(factor.pk)
        session.save()
    return client
