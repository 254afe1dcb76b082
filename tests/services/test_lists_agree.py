"""Lists, deltas and OCSP agree with the database, whatever happens in whatever order.

Random stories over a handful of certificates: revoked, held, released, ending while time passes or
steps back, lists published or not. After each act cryptography reads the lists, and at the end of a
story OpenSSL says what is valid under a base that somebody may still hold and the newest delta.
"""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from cryptography import x509
from cryptography.x509 import ocsp as library
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from enrollment import conf, keys
from enrollment.ca import encode, issuance
from enrollment.ca.revocation import Act, Reason
from enrollment.models import Certificate, CertificateRevocationList
from enrollment.services import authority, ocsp, publication, revocation
from tests import make, tools
from tests.ocsp import questions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from enrollment.ca.crl import Revocation
    from enrollment.services.setup import SetupReport
    from tests.services.acts import Configure

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
            publication.keep_published(self.now)
        else:
            publication.publish(now=self.now, actor="maria", base=kind == "base")

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


@pytest.fixture
def contents(
    site: SetupReport, configure: Configure, request: pytest.FixtureRequest
) -> list[bytes]:
    """Certificates of the site, with its settings: one for each life."""
    configure(**request.param)
    ca = site.authority
    leaves = []
    for number, life in enumerate(LIVES, 1):
        issuer = authority.issuer_of(ca, partition=authority.partition_of(number))
        prepared = issuance.prepare(
            make.request(f"host{number}.example.com", kind="ec:p256"),
            make.template(validity=life),
            issuer,
            make.requester(),
            serial_number=number,
            now=START,
            backdate=timedelta(),
        )
        leaves.append(issuance.sign(prepared, issuer, authority.signer_of(ca)))
    return leaves


SITES = {
    "one list": {},
    "partitions": {"CERTSRV_CRL_PARTITIONS": "2"},
    "ended ones stay": {"CERTSRV_KEEP_EXPIRED_ON_CRL": "yes"},
    "partitions where ended ones stay": {
        "CERTSRV_CRL_PARTITIONS": "2",
        "CERTSRV_KEEP_EXPIRED_ON_CRL": "yes",
    },
}


@pytest.mark.parametrize("contents", SITES.values(), ids=SITES.keys(), indirect=True)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(
    # An ended certificate, and lists that replace each other before their time: RFC 5280, 3.3.
    acts=[
        *(("revoke", 0, "published"), ("wait", timedelta(days=2)), ("revoke", 1, "published")),
        *(("publish", "base"), ("wait", timedelta(days=8)), ("publish", "due")),
    ]
)
@example(
    # Held and released again and again, in no time and with a clock that goes backwards.
    acts=[
        *(("hold", 3, "published"), ("release", 3, "published"), ("hold", 3, "not published")),
        *(("wait", timedelta(hours=13)), ("publish", "base"), ("release", 3, "not published")),
        *(("wait", -2 * HOUR), ("publish", "delta"), ("hold", 3, "not published")),
        *(("publish", "delta"), ("release", 3, "published"), ("hold", 2, "published")),
    ]
)
@given(acts=st.lists(steps, min_size=4, max_size=14))
def test_lists_and_answers_agree_with_the_database(
    contents: list[bytes], tmp_path: Path, acts: list[tuple[Any, ...]]
) -> None:
    with forgotten_afterwards():
        story = begin(contents)
        for act in acts:
            story.act(*act)
            check_answers(story)
        check_lists(story)
        story.act("publish", "delta")
        check_openssl(story, tmp_path)


def check_answers(story: Story) -> None:
    """OCSP says what the database says, at once."""
    issuer = questions.Issuer.of(authority.current())
    for serial, (is_revoked, reason) in story.states().items():
        answer = library.load_der_ocsp_response(
            ocsp.respond(questions.request(issuer.identity(serial)), now=story.now).der
        )
        assert answer.certificate_status.name == ("REVOKED" if is_revoked else "GOOD")
        told = answer.revocation_reason
        assert (told.name if told else None) == (_flag(reason) if reason is not None else None)


def _flag(reason: Reason) -> str:
    return {Reason.KEY_COMPROMISE: "key_compromise", Reason.CERTIFICATE_HOLD: "certificate_hold"}[
        reason
    ]


def check_lists(story: Story) -> None:
    """Every list ever made was right, and they fit together."""
    made = list(CertificateRevocationList.objects.exclude(sha256="").order_by("pk"))
    for partition, group in itertools.groupby(
        sorted(made, key=lambda row: (row.partition, row.pk)), key=lambda row: row.partition
    ):
        rows = list(group)
        bases = [row for row in rows if not row.is_delta]
        numbers = [row.number for row in bases]
        assert numbers == sorted(set(numbers))
        for row in bases:
            check_base(story, row)
            check_that_ended_ones_stood_long_enough(story, row, bases)
        for delta in rows:
            if delta.is_delta:
                check_delta(story, delta, bases)
        assert partition in {0, *story.partition_of().values()}


def wanted(story: Story, row: CertificateRevocationList) -> dict[int, Reason | None]:
    """Return what a list must say, alone or with its base, of certificates that have not ended."""
    partition, ends = story.partition_of(), story.ends()
    return {
        serial: reason
        for serial, (is_revoked, reason) in story.truth[row.pk].items()
        if is_revoked and ends[serial] > row.as_of and row.partition in (0, partition[serial])
    }


def entries(row: CertificateRevocationList) -> dict[int, Reason | None]:
    """Read a list with cryptography."""
    crl = x509.load_der_x509_crl(bytes(row.der))
    number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert number == row.number
    assert crl.last_update_utc == row.this_update < crl.next_update_utc  # type: ignore[operator]
    found: dict[int, Reason | None] = {}
    for entry in crl:
        try:
            code = entry.extensions.get_extension_for_class(x509.CRLReason).value.public_bytes()
            found[entry.serial_number] = Reason(code[-1])
        except x509.ExtensionNotFound:
            found[entry.serial_number] = None
    return found


def check_base(story: Story, row: CertificateRevocationList) -> None:
    """A base has every revoked certificate that lives, and of others only revoked ones."""
    found, ends = entries(row), story.ends()
    alive = {serial: reason for serial, reason in found.items() if ends[serial] > row.as_of}
    assert alive == wanted(story, row)
    assert all(story.truth[row.pk][serial][0] for serial in found)
    assert Reason.REMOVE_FROM_CRL not in found.values()


def check_that_ended_ones_stood_long_enough(
    story: Story, row: CertificateRevocationList, bases: list[CertificateRevocationList]
) -> None:
    """An ended certificate leaves only after a whole scheduled list that began after its end.

    "An entry MUST NOT be removed from the CRL until it appears on one regularly scheduled CRL
    issued beyond the revoked certificate's validity period." -- RFC 5280 section 3.3
    """
    found, ends, partition = entries(row), story.ends(), story.partition_of()
    for serial, (is_revoked, _) in story.truth[row.pk].items():
        if not is_revoked or serial in found or row.partition not in (0, partition[serial]):
            continue
        assert not conf.current().keep_expired_on_crl
        assert any(
            serial in entries(older)
            and older.this_update > ends[serial]
            and older.next_publish <= row.as_of
            for older in bases
            if older.number < row.number
        ), f"{serial} left too early"


def check_delta(
    story: Story, delta: CertificateRevocationList, bases: list[CertificateRevocationList]
) -> None:
    """With every base that it may be used with, it says what was true when it was made."""
    crl = x509.load_der_x509_crl(bytes(delta.der))
    indicator = crl.extensions.get_extension_for_class(x509.DeltaCRLIndicator)
    assert indicator.critical
    assert indicator.value.crl_number == delta.base_number
    assert delta.base_number in {row.number for row in bases}
    older = [row for row in bases if row.number < delta.number and row.next_update > delta.as_of]
    assert delta.base_number < delta.number or not older, "nobody holds the base of this delta"
    ends = story.ends()
    for base in bases:
        if not is_applicable(delta, base):
            continue
        assert scope_of(base) == scope_of(delta)
        combined = entries(base)
        for serial, reason in entries(delta).items():
            if reason is Reason.REMOVE_FROM_CRL:
                combined.pop(serial, None)
            else:
                combined[serial] = reason
        alive = {
            serial: reason for serial, reason in combined.items() if ends[serial] > delta.as_of
        }
        assert alive == wanted(story, delta), (base.number, delta.number)


def is_applicable(delta: CertificateRevocationList, base: CertificateRevocationList) -> bool:
    """RFC 5280 section 5.2.4, (c) and (d)."""
    assert delta.base_number is not None
    return delta.base_number <= base.number < delta.number


def scope_of(row: CertificateRevocationList) -> bytes | None:
    """RFC 5280 section 5.2.4 (b): both without an issuing distribution point, or with the same."""
    crl = x509.load_der_x509_crl(bytes(row.der))
    try:
        return crl.extensions.get_extension_for_class(
            x509.IssuingDistributionPoint
        ).value.public_bytes()
    except x509.ExtensionNotFound:
        return None


def check_openssl(story: Story, folder: Path) -> None:
    """OpenSSL says the same of every certificate, from the oldest base that fits each delta."""
    lists = list(
        CertificateRevocationList.objects.exclude(sha256="").filter(next_update__gt=story.now)
    )
    ends, states = story.ends(), story.states()
    for row in story.rows:
        serial = int(row.serial_number, 16)
        own = [one for one in lists if one.partition == row.crl_partition]
        deltas = [one for one in own if one.is_delta]
        if not deltas or ends[serial] <= story.now:
            continue
        delta = max(deltas, key=lambda one: one.number)
        base = min(
            (one for one in own if not one.is_delta and is_applicable(delta, one)),
            key=lambda one: one.number,
            default=None,
        )
        if base is None or max(base.this_update, delta.this_update) > story.now:
            continue
        said = verdict(folder, story.now, row, base, delta)
        assert said == ("revoked" if states[serial][0] else "good"), (base.number, delta.number)


def verdict(
    folder: Path,
    now: datetime,
    row: Certificate,
    base: CertificateRevocationList,
    delta: CertificateRevocationList,
) -> str:
    ca = folder / "ca.pem"
    ca.write_text(encode.pem(bytes(row.authority.der)))
    leaf = folder / "leaf.pem"
    leaf.write_text(encode.pem(bytes(row.der)))
    files: list[str | Path] = []
    for name, one in (("base", base), ("delta", delta)):
        path = folder / f"{name}.pem"
        path.write_text(encode.pem_crl(bytes(one.der)))
        files += ["-CRLfile", path]
    done = tools.run(
        # Without -extended_crl it takes the delta itself for a complete list.
        *("openssl", "verify", "-crl_check", "-extended_crl", "-use_deltas"),
        *("-attime", str(int(now.timestamp())), "-CAfile", ca, *files, leaf),
    )
    if b"certificate revoked" in done.stdout:
        return "revoked"
    return "good" if done.returncode == 0 else done.stdout.decode()


@pytest.mark.parametrize("contents", [{}], ids=["one list"], indirect=True)
def test_a_delta_that_forgets_a_release_would_be_noticed(
    contents: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that cannot fail is none."""
    changed = publication._changed  # noqa: SLF001 - broken on purpose

    def forgetful(*arguments: Any) -> Iterator[Revocation]:
        return (line for line in changed(*arguments) if line.reason is not Reason.REMOVE_FROM_CRL)

    monkeypatch.setattr(publication, "_changed", forgetful)
    with forgotten_afterwards():
        story = begin(contents)
        for verb in ("hold", "release"):
            story.act(verb, 3, "published")

        with pytest.raises(AssertionError):
            check_lists(story)
