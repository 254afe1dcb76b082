"""Codes of apps and recovery codes: each counts once, and none can be guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.utils import timezone

from enrollment.conf_people import SecondFactor
from enrollment.models import AuditEvent, RecoveryCode, SignInFailures
from enrollment.models import SecondFactor as Factor
from enrollment.services import second_factor
from tests.signin.second_factors import SECRET, code, give_app
from tests.signin.test_second_factor import DESK, show, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("of_managers")]


@pytest.fixture
def of_managers(configure: Callable[..., None]) -> None:
    configure(second_factor=SecondFactor())


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_clock_may_be_half_a_minute_off(steps: int, manager: User) -> None:
    give_app(manager)
    now = timezone.now()

    assert second_factor.check_code(manager, code(steps=steps, at=now.timestamp()), now)


@pytest.mark.parametrize("steps", [-2, 2])
def test_a_clock_may_not_be_further_off(steps: int, manager: User) -> None:
    give_app(manager)
    now = timezone.now()

    assert second_factor.check_code(manager, code(steps=steps, at=now.timestamp()), now) is None


def test_a_code_counts_once(manager: User) -> None:
    give_app(manager)
    now = timezone.now()
    sent = code(steps=0, at=now.timestamp())

    assert second_factor.check_code(manager, sent, now)
    assert second_factor.check_code(manager, sent, now) is None


def test_a_code_from_before_the_last_one_counts_no_more(manager: User) -> None:
    give_app(manager)
    now = timezone.now()
    assert second_factor.check_code(manager, code(steps=0, at=now.timestamp()), now)

    assert second_factor.check_code(manager, code(steps=-1, at=now.timestamp()), now) is None


def test_codes_are_typed_as_they_are_shown(manager: User) -> None:
    give_app(manager)
    now = timezone.now()
    sent = code(steps=0, at=now.timestamp())

    assert second_factor.check_code(manager, f" {sent[:3]} {sent[3:]} ", now)


def test_codes_cannot_be_guessed(client: Client, manager: User) -> None:
    give_app(manager)
    sign_in(client, manager)
    wrong = "000000" if code() != "000000" else "111111"
    for _ in range(5):
        assert show(client, wrong).status_code == 200

    answer = show(client, code())

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert AuditEvent.objects.get(verb="sign-in locked").detail["counted"][0] == "5 wrong codes"


def test_another_browser_does_not_begin_a_new_count(manager: User) -> None:
    give_app(manager)
    wrong = "000000" if code() != "000000" else "111111"
    for _ in range(5):
        client = Client(SERVER_NAME="localhost")
        sign_in(client, manager)
        show(client, wrong)

    fresh = Client(SERVER_NAME="localhost")
    sign_in(fresh, manager)
    assert show(fresh, code()).status_code == 429
    assert not SignInFailures.objects.filter(kind="pair", failures__gt=0).exists()


def test_a_recovery_code_signs_in_once(client: Client, manager: User) -> None:
    give_app(manager)
    codes = second_factor.make_codes(manager, timezone.now())
    sign_in(client, manager)

    assert show(client, codes[0].upper())["Location"] == DESK
    assert client.get(DESK).status_code == 200

    other = Client(SERVER_NAME="localhost")
    sign_in(other, manager)
    assert "This code is not right" in show(other, codes[0]).content.decode()
    assert show(other, codes[1].replace("-", " "))["Location"] == DESK
    assert AuditEvent.objects.filter(verb="recovery code used").count() == 2


def test_another_account_s_recovery_code_is_nothing(manager: User, alice: User) -> None:
    codes = second_factor.make_codes(alice, timezone.now())
    give_app(manager)

    assert second_factor.check_code(manager, codes[0], timezone.now()) is None


def test_secrets_lie_sealed_and_recovery_codes_as_digests(manager: User) -> None:
    row = give_app(manager)
    codes = second_factor.make_codes(manager, timezone.now())

    assert SECRET not in bytes(row.secret)
    stored = set(RecoveryCode.objects.values_list("digest", flat=True))
    assert not stored & {sent.replace("-", "") for sent in codes}
    assert len(set(codes)) == 10


def test_a_secret_opens_for_its_account_only(manager: User, alice: User) -> None:
    Factor.objects.filter(pk=give_app(manager).pk).update(user=alice)

    assert second_factor.check_code(alice, code(), timezone.now()) is None
