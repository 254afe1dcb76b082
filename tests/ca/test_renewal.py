"""What a signature by an earlier certificate proves, and what it must not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from enrollment.ca import errors
from enrollment.ca.names import HeldName
from enrollment.ca.policy import LostKey
from enrollment.ca.renewal import EarlierCertificate, check_signer
from enrollment.ca.revocation import Reason
from tests import make

DAY = timedelta(days=1)
EARLIER = EarlierCertificate(
    requester="alice",
    serial_number="4a",
    names=frozenset({HeldName("cn", "www.example.com"), HeldName("dns", "www.example.com")}),
    not_after=make.NOW + DAY,
    is_revoked=False,
)


def check(
    earlier: EarlierCertificate | None,
    *,
    common_name: str = "www.example.com",
    dns: tuple[str, ...] = ("www.example.com",),
    grace: timedelta = timedelta(0),
) -> None:
    check_signer(
        make.request(common_name, dns=dns, kind="ec:p256"),
        earlier,
        make.requester("alice"),
        now=make.NOW,
        grace=grace,
    )


def test_ones_own_valid_certificate_may_sign_a_renewal_with_its_names() -> None:
    check(EARLIER)


def test_a_renewal_may_ask_for_fewer_names() -> None:
    check(EARLIER, dns=())


def test_a_strangers_certificate_proves_nothing() -> None:
    with pytest.raises(errors.SignerNotOurs) as caught:
        check(None)

    assert caught.value.hresult == 0x800B0109


def test_a_revoked_certificate_renews_nothing() -> None:
    with pytest.raises(errors.SignerRevoked) as caught:
        check(replace(EARLIER, is_revoked=True))

    assert caught.value.hresult == 0x800B010C


def test_a_certificate_that_ended_renews_nothing() -> None:
    with pytest.raises(errors.SignerExpired, match="ended on 2026-11-22") as caught:
        check(replace(EARLIER, not_after=make.NOW - DAY))

    assert caught.value.hresult == 0x800B0101


def test_a_certificate_may_sign_until_its_last_second() -> None:
    check(replace(EARLIER, not_after=make.NOW))


def test_a_site_may_grant_some_days_after_the_end() -> None:
    ended = replace(EARLIER, not_after=make.NOW - DAY)

    check(ended, grace=DAY)
    with pytest.raises(errors.SignerExpired):
        check(ended, grace=DAY - timedelta(seconds=1))


def test_somebody_elses_certificate_renews_nothing_for_me() -> None:
    with pytest.raises(errors.SignerNotHolder, match="'alice'") as caught:
        check(replace(EARLIER, requester="bob"))

    assert caught.value.hresult == 0x80094806


@pytest.mark.parametrize(
    ("common_name", "dns", "strange"),
    [
        pytest.param("www.example.com", ("www.example.com", "db.example.com"), "db", id="SAN"),
        pytest.param("db.example.com", ("www.example.com",), "db", id="common name"),
    ],
)
def test_names_beyond_the_old_ones_are_refused_and_named(
    common_name: str, dns: tuple[str, ...], strange: str
) -> None:
    with pytest.raises(errors.SignerNamesDiffer, match=f"{strange}.example.com") as caught:
        check(EARLIER, common_name=common_name, dns=dns)

    assert caught.value.hresult == 0x80094806


def test_a_revoked_certificate_is_called_revoked_even_when_it_also_ended() -> None:
    with pytest.raises(errors.SignerRevoked):
        check(replace(EARLIER, is_revoked=True, not_after=make.NOW - DAY))


def test_a_certificate_on_hold_renews_nothing_and_is_not_called_revoked() -> None:
    with pytest.raises(errors.SignerRevoked, match=r"is on hold\. Ask a certificate manager"):
        check(replace(EARLIER, is_revoked=True, is_held=True))


def test_a_signature_by_a_key_that_was_lost_proves_nothing() -> None:
    """The certificate that signed is valid; another one with its key was revoked."""
    with pytest.raises(errors.SignerRevoked, match="has the key of the certificate 4b"):
        check(replace(EARLIER, lost_key=LostKey("4b", Reason.KEY_COMPROMISE)))
