"""A handful of certificates, and what happens to them: for `test_lists_agree.py`."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from cryptography import x509
from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st

from enrollment import keys
from enrollment.ca import encode
from enrollment.ca.revocation import Act, Reason
from enrollment.models import Certificate, CertificateRevocationList
from enrollment.services import authority, crl_rows, ocsp, publication, revocation

if TYPE_CHECKING:
    from collections.abc import Iterator


MANAGER = revocation.Revoker("maria", may_revoke=True)
START = timezone.now().replace(microsecond=0) + timedelta(hours=1)
HOUR = timedelta(hours=1)
# How long the certificates of a story live; the lists come weekly and daily.
LIVES = (timedelta(days=1), timedelta(days=3), timedelta(days=9), timedelta(days=60), HOUR)

State = tuple[bool, Reason | None]
GOOD: State = (False, None)

which = st.integers(0, len(LIVES) - 1)
steps = st.one_of(
    st.tuples(st.just("revoke"), which, st.sampled_from(["published", "not published"])),
    st.tuples(st.just("hold"), which, st.sampled_from(["published", "not published"])),
    st.tuples(st.just("release"), which, st.sampled_from(["published", "not published"])),
    st.tuples(st.just("publish"), st.sampled_from(["base", "delta", "due"])),
    st.tuples(
        st.just("wait"),
        st.sampled_from(
            [
                *(timedelta(microseconds=1), timedelta(seconds=1), timedelta(minutes=20), 3 * HOUR),
                *(timedelta(hours=13), timedelta(days=2), timedelta(days=8)),
                *(timedelta(seconds=-5), -2 * HOUR),
            ]
        ),
    ),
)


@dataclass
class Story:
    """A site in the middle of a story, and what was true when each of its lists was made."""

    rows: list[Certificate]
    now: datetime = START
    truth: dict[int, dict[int, State]] = field(default_factory=dict)

    def act(self, verb: str, *how: Any) -> None:
        """Do one thing, and remember which lists it made."""
        before = set(CertificateRevocationList.objects.values_list("pk", flat=True))
        getattr(self, f"_{verb}")(*how)
        states = self.states()
        for row in CertificateRevocationList.objects.exclude(pk__in=before):
            self.truth[row.pk] = states

    def _revoke(self, position: int, how: str) -> None:
        self._change(position, revocation.Order(Act.REVOKE, Reason.KEY_COMPROMISE), how)

    def _hold(self, position: int, how: str) -> None:
        self._change(position, revocation.Order(Act.HOLD), how)

    def _release(self, position: int, how: str) -> None:
        self._change(position, revocation.Order(Act.RELEASE), how)

    def _change(self, position: int, order: revocation.Order, how: str) -> None:
        with keys_that(fail=how == "not published"):
            revocation.change_status([self.rows[position]], order, MANAGER, now=self.now)

    def _publish(self, kind: str) -> None:
        if kind == "due":
            publication.paused.end_all()
            publication.keep_published(self.now)
            self.nothing_is_unsaid()
        else:
            publication.publish(now=self.now, actor="maria", base=kind == "base")

    def nothing_is_unsaid(self) -> None:
        """After housekeeping, the newest lists know every change."""
        newest = crl_rows.newest_list(0, delta=True)
        assert newest is not None
        changes = Certificate.objects.filter(status_changed_at__gt=newest.as_of)
        assert not changes.exists()

    def _wait(self, time: timedelta) -> None:
        self.now = max(self.now + time, START)

    def states(self) -> dict[int, State]:
        """Return what the database says of each certificate, by serial number."""
        return {
            int(row.serial_number, 16): (status.is_revoked, status.reason)
            for row in Certificate.objects.filter(pk__in=[row.pk for row in self.rows])
            for status in [revocation.status_of(row)]
        }

    def ends(self) -> dict[int, datetime]:
        """Return when each certificate ends, by serial number."""
        return {int(row.serial_number, 16): row.not_after for row in self.rows}

    def partition_of(self) -> dict[int, int]:
        """Return the partition of each certificate, by serial number."""
        return {int(row.serial_number, 16): row.crl_partition for row in self.rows}


@contextmanager
def keys_that(*, fail: bool) -> Iterator[None]:
    """Let no list be made while the block runs: the change stands, and the next list says so."""
    if not fail:
        yield
        return
    lost = keys.KeyFileMissing("There is no private key.")
    with patch.object(authority, "signer_of", side_effect=lost):
        yield


@contextmanager
def forgotten_afterwards() -> Iterator[None]:
    """Run a story on the database, and take all of it back."""
    story = transaction.atomic()
    story._from_testcase = True  # type: ignore[attr-defined]  # noqa: SLF001 - as Django's own TestCase
    with story:
        yield
        transaction.set_rollback(True)
    ocsp._kept.clear()  # noqa: SLF001 - serial numbers are the same in the next story


def begin(contents: list[bytes]) -> Story:
    """Write the certificates down as if they had been issued, and publish the first lists."""
    CertificateRevocationList.objects.all().delete()
    ca = authority.current()
    rows = []
    for content in contents:
        leaf = x509.load_der_x509_certificate(content)
        rows.append(
            Certificate.objects.create(
                authority=ca,
                serial_number=f"{leaf.serial_number:x}",
                der=content,
                not_before=leaf.not_valid_before_utc,
                not_after=leaf.not_valid_after_utc,
                issued_at=START,
                thumbprint_sha256=encode.thumbprint_sha256(content),
                crl_partition=authority.partition_of(leaf.serial_number),
            )
        )
    story = Story(rows)
    story.act("publish", "base")
    return story
