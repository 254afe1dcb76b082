"""Whatever stands in place of a passkey's answer is refused, and breaks nothing."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from hypothesis import example, given, settings
from hypothesis import strategies as st

from enrollment.signin import passkeys
from tests.signin.authenticator import Authenticator, text

if TYPE_CHECKING:
    from django.http import HttpRequest

NESTED = b"\x81" * 5000
AUTHENTICATOR = Authenticator()
SOMEBODY = User(pk=1, username="carol")


@pytest.fixture(scope="module")
def request_of_carol() -> HttpRequest:
    from django.test import RequestFactory

    found: Any = RequestFactory().get("/", HTTP_HOST="localhost")
    found.session = {}
    return found  # type: ignore[no-any-return]  # one with a session


@pytest.fixture(autouse=True)
def no_passkeys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passkeys, "_rows", lambda _user: [])


def spoilt(octets: bytes, at: int, what: bytes, cut: int) -> bytes:
    """Put something into octets, and cut some away behind it."""
    at %= len(octets) + 1
    return octets[:at] + what + octets[at + cut :]


@settings(max_examples=300, deadline=None)
@given(
    field=st.sampled_from(("attestationObject", "clientDataJSON")),
    at=st.integers(0, 400),
    what=st.binary(max_size=12),
    cut=st.integers(0, 40),
)
@example(field="attestationObject", at=0, what=NESTED, cut=0)
@example(field="attestationObject", at=30, what=NESTED, cut=0)
@example(field="attestationObject", at=1, what=b"\x9b", cut=400)
@example(field="clientDataJSON", at=0, what=b"[" * 5000, cut=0)
def test_a_spoilt_answer_is_refused_or_read_as_it_is(
    field: str, at: int, what: bytes, cut: int, request_of_carol: HttpRequest
) -> None:
    options = passkeys.options_to_add(request_of_carol, SOMEBODY)
    answer = json.loads(AUTHENTICATOR.make(options))
    octets = base64.urlsafe_b64decode(answer["response"][field] + "==")
    answer["response"][field] = text(spoilt(octets, at, what, cut))

    try:
        found = passkeys.added(request_of_carol, json.dumps(answer))
    except passkeys.PasskeyRefused:
        return
    assert found.public


@pytest.mark.parametrize("sent", ["[" * 8000, "9" * 9000, '"x"', "", "{", "x" * 20_000])
def test_what_is_no_answer_at_all_is_refused(sent: str, request_of_carol: HttpRequest) -> None:
    passkeys.options_to_add(request_of_carol, SOMEBODY)

    with pytest.raises(passkeys.PasskeyRefused):
        passkeys.added(request_of_carol, sent)


def test_what_is_right_is_taken(request_of_carol: HttpRequest) -> None:
    options = passkeys.options_to_add(request_of_carol, SOMEBODY)

    found = passkeys.added(request_of_carol, AUTHENTICATOR.make(options))

    assert found.identifier == AUTHENTICATOR.identifier
