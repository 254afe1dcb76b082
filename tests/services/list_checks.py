"""Whether lists, deltas and OCSP say what the database says: for `test_lists_agree.py`."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509 import ocsp as library

from enrollment import conf
from enrollment.ca import encode
from enrollment.ca.revocation import Reason
from enrollment.models import Certificate, CertificateRevocationList
from enrollment.services import authority, ocsp
from tests import tools
from tests.ocsp import questions

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tests.services.list_stories import Story


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
    crl = x509.load_der_x509_crl(bytes(row.content.der))
    number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert number == row.number
    assert crl.next_update_utc is not None
    assert crl.last_update_utc == row.this_update < crl.next_update_utc
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
    crl = x509.load_der_x509_crl(bytes(delta.content.der))
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
    crl = x509.load_der_x509_crl(bytes(row.content.der))
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
        path.write_text(encode.pem_crl(bytes(one.content.der)))
        files += ["-CRLfile", path]
    done = tools.run(
        # Without -extended_crl it takes the delta itself for a complete list.
        *("openssl", "verify", "-crl_check", "-extended_crl", "-use_deltas"),
        *("-attime", str(int(now.timestamp())), "-CAfile", ca, *files, leaf),
    )
    if b"certificate revoked" in done.stdout:
        return "revoked"
    return "good" if done.returncode == 0 else done.stdout.decode()
