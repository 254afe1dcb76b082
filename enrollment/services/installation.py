"""The answer of the CA above: judged, installed, and in use at once.

How an answer is judged is `enrollment.ca.subordinate`; ADR 0016 has the reasons.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import transaction

from enrollment import conf
from enrollment.ca import encode
from enrollment.ca import subordinate as core
from enrollment.ca.answer_errors import AnswerRefused, NothingAwaited, OtherKey
from enrollment.ca.certificate_file import read_certificates
from enrollment.ca.issuer import IssuanceFault
from enrollment.ca.names import display
from enrollment.keys.signer import spki
from enrollment.models import Authority
from enrollment.services import (
    audit,
    authority,
    awaited,
    keyring,
    locks,
    publication,
    subordinate,
)

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.models import AuthorityRequest

_LONGEST_NAME = 64


class NotInstalled(Exception):
    """The answer is not installed, and why, in a sentence for the operator."""


class ListsMissing(Exception):
    """The certificate is installed, but not every list could be published."""


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file of the operator, and what they call it."""

    name: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class Installed:
    """The CA certificate of an answer, and whether it was installed now."""

    row: Authority
    is_new: bool
    remarks: tuple[str, ...] = ()


def install(answer: GivenFile, chain: GivenFile | None, *, actor: str, now: datetime) -> Installed:
    """Install the certificate that answers a request of this CA, and publish its lists.

    The same answer again changes nothing.

    Args:
        answer: holds the certificate, perhaps with its chain, in any order.
        chain: holds what is missing in `answer`.
        actor: who installs it.
        now: timezone-aware UTC.

    Raises:
        NotInstalled: it is not the answer, its chain is not good, or the key cannot be had.
        ListsMissing: it is installed, and the list of some key could not be made.
    """
    try:
        with locks.exclusive("ca"):
            installed = _install(answer, chain, actor=actor, now=now)
    except (AnswerRefused, keyring.KeyProblem) as error:
        raise NotInstalled(str(error)) from error
    if installed.is_new:
        # It is answered; were it sent once more, nothing would be lost but time.
        with contextlib.suppress(OSError):
            (conf.current().home / awaited.REQUEST_FILE).unlink()
        _publish(installed.row, actor=actor, now=now)
    return installed


def _install(answer: GivenFile, chain: GivenFile | None, *, actor: str, now: datetime) -> Installed:
    found = read_certificates(answer.octets, answer.name)
    above = read_certificates(chain.octets, chain.name) if chain is not None else ()
    waiting = {_awaited(row): row for row in awaited.open_requests()}
    before = {bytes(row.der): row for row in Authority.objects.all()}
    new = [each for each in found if _der(each) not in before]
    try:
        if not waiting:
            raise _nothing_awaited()
        certificate, wanted = core.for_keys(new or found, tuple(waiting))
    except (NothingAwaited, OtherKey):
        known = [before[_der(each)] for each in found if _der(each) in before]
        if known:
            return Installed(known[0], is_new=False)
        raise
    follows = waiting[wanted].follows
    stored = x509_of(authority.issuer_of(follows).chain) if follows is not None else ()
    judged = core.judge(certificate, (*found, *above, *stored), wanted, now=now)
    keyring.open_key(
        waiting[wanted].key_reference, expected=subordinate.public_key_of(waiting[wanted])
    )
    row = _store(waiting[wanted], judged, actor=actor, now=now)
    return Installed(row, is_new=True, remarks=judged.remarks)


def _awaited(row: AuthorityRequest) -> core.Awaited:
    return core.Awaited(
        spki(subordinate.public_key_of(row)),
        subordinate.subject_of(row).public_bytes(),
        keeps_name=row.follows is not None and not row.has_new_key,
    )


def _nothing_awaited() -> NothingAwaited:
    return NothingAwaited(
        "No request of this CA waits for a certificate.",
        remedy="Make one first: python manage.py ca request. A certificate that was signed for the "
        "key this CA has can be installed after that.",
    )


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def x509_of(chain: tuple[bytes, ...]) -> tuple[x509.Certificate, ...]:
    """Return a stored chain as values."""
    return tuple(x509.load_der_x509_certificate(each) for each in chain)


@transaction.atomic
def _store(
    request: AuthorityRequest, judged: core.Answer, *, actor: str, now: datetime
) -> Authority:
    before = request.follows
    index = 0 if before is None else before.index + 1
    certificate = x509.load_der_x509_certificate(judged.certificate)
    row = Authority.objects.create(
        index=index,
        key_index=index if before is None or request.has_new_key else before.key_index,
        name=judged.common_name[:_LONGEST_NAME] or conf.current().ca_name,
        der=judged.certificate,
        chain=encode.pem_bundle(judged.chain),
        key_reference=request.key_reference,
        created_at=now.replace(microsecond=0),
    )
    request.authority = row
    request.save(update_fields=["authority"])
    audit.record(
        "ca certificate installed",
        actor=actor,
        subject=f"ca {index}",
        at=now,
        request=request.digest,
        thumbprint=encode.thumbprint_sha256(judged.certificate),
        issuer=display(certificate.issuer),
        root=encode.thumbprint_sha256(judged.chain[-1]),
        new_key=request.has_new_key,
    )
    return row


def _publish(row: Authority, *, actor: str, now: datetime) -> None:
    try:
        publication.publish(now=now, actor=actor)
    except (keyring.KeyProblem, IssuanceFault) as fault:
        raise ListsMissing(
            f"The certificate is installed: certificate {row.index}, key {row.key_index}. But not "
            f"every list could be published: {fault} Then run: python manage.py crl publish"
        ) from fault
