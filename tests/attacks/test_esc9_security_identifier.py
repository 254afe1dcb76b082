"""ESC9: certificates without a security identifier, or with one that the enrollee wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from enrollment.ca import content
from enrollment.models import Account
from tests.attacks.playing import ALICE_SID, AT_ONCE, BOB_SID, names_in, octets_of, unknown

if TYPE_CHECKING:
    from tests.attacks.playing import Attacker

EXTENSION = "1.3.6.1.4.1.311.25.2"
CLAIMED = content._security_identifier(BOB_SID)  # noqa: SLF001 - as Windows writes it
ASKED = [unknown(EXTENSION, CLAIMED)]


@pytest.mark.parametrize("template", ["User", "Machine"])
def test_a_certificate_that_signs_in_carries_the_identifier_of_its_account(
    alice: Attacker, template: str
) -> None:
    """On the default site, and whatever the request brings instead."""
    answer = alice.ask(template, extensions=ASKED)

    assert octets_of(answer.certificate, EXTENSION) == content._security_identifier(ALICE_SID)  # noqa: SLF001 - as above


def test_where_the_directory_has_none_the_request_brings_none(alice: Attacker) -> None:
    Account.objects.filter(user__username="alice").update(sid="")

    answer = alice.ask("User", extensions=ASKED)

    assert octets_of(answer.certificate, EXTENSION) is None


def test_a_name_from_the_request_gets_no_identifier_at_all(alice: Attacker) -> None:
    """Not even that of the account: it would vouch for a name that nobody checked."""
    answer = alice.ask("WebServer", extensions=ASKED)

    assert octets_of(answer.certificate, EXTENSION) is None


@pytest.mark.parametrize("template", AT_ONCE)
def test_an_identifier_as_a_url_is_never_copied(alice: Attacker, template: str) -> None:
    url = f"tag:microsoft.com,2022-09-14:sid:{BOB_SID}"

    answer = alice.ask(template, names=[x509.UniformResourceIdentifier(url)])

    assert not answer.is_issued or url not in map(str, names_in(answer.certificate))
    assert answer.is_issued is (template != "WebServer")


def test_another_url_is_a_name_like_any(alice: Attacker) -> None:
    url = x509.UniformResourceIdentifier("https://mine.example.com/")

    assert url in names_in(alice.ask("WebServer", names=[url]).certificate)
