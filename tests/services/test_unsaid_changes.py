"""A change whose list was never made, because a process died or a key failed, is not forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from enrollment.ca.revocation import Act, Reason
from enrollment.models import Certificate, CertificateRevocationList
from enrollment.services import publication, revocation

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.services.setup import SetupReport

from tests.services.test_publication import current, load


def unsaid(site: SetupReport, monkeypatch: pytest.MonkeyPatch, now: datetime) -> int:
    """Revoke a certificate while no list can be made; return its serial number."""
    row = Certificate.objects.create(
        authority=site.authority,
        serial_number="4711",
        der=b"",
        not_before=now,
        not_after=now + timedelta(days=300),
        issued_at=now,
        thumbprint_sha256="4711",
    )
    maria = revocation.Revoker("maria", may_revoke=True)
    with monkeypatch.context() as patch:
        patch.setattr(publication, "publish_after_revocation", _dies)
        order = revocation.Order(Act.REVOKE, Reason.KEY_COMPROMISE)
        with pytest.raises(_Died):
            revocation.change_status([row], order, maria, now=now)
    return 0x4711


class _Died(BaseException):
    """As a process that was killed."""


def _dies(**_: object) -> int:
    raise _Died


def test_housekeeping_publishes_a_change_that_no_list_says_yet(
    site: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise those who read lists would learn of it in a day, or in a week."""
    now = timezone.now()
    serial = unsaid(site, monkeypatch, now)
    later = now + timedelta(minutes=1)

    publication.keep_published(later)

    for delta in (False, True):
        crl = load(publication.current_crl(site.authority, now=later, delta=delta))
        assert crl.get_revoked_certificate_by_serial_number(serial) is not None


@pytest.mark.parametrize("step", [timedelta(minutes=1), -timedelta(hours=2)])
def test_housekeeping_publishes_it_once_also_when_the_clock_goes_back(
    step: timedelta, site: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    unsaid(site, monkeypatch, now)
    publication.keep_published(now + step)
    numbers = current(now + step), current(now + step, delta=True)

    publication.keep_published(now + step + timedelta(minutes=1))

    assert (current(now + step), current(now + step, delta=True)) == numbers


def test_where_lists_are_long_housekeeping_publishes_the_delta_alone(
    site: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    CertificateRevocationList.objects.filter(is_delta=False).update(entries=20_000)
    serial = unsaid(site, monkeypatch, now)

    publication.keep_published(now + timedelta(minutes=1))

    assert current(now) == 1
    crl = load(publication.current_crl(site.authority, now=now, delta=True))
    assert crl.get_revoked_certificate_by_serial_number(serial) is not None
