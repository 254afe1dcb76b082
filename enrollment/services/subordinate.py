"""A CA below another CA asks for its certificate; `installation` takes the answer.

The request goes to the CA above as a file and the answer comes back as one: that CA may be offline,
in a safe, or somebody else's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from django.db import transaction

from enrollment import conf
from enrollment.ca import encode
from enrollment.ca import subordinate as core
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.root import Generation
from enrollment.models import Authority, AuthorityRequest
from enrollment.services import audit, authority, awaited, keyring, locks

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from enrollment import keys


class RequestRefused(Exception):
    """No request is made, and why, in a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The request that waits, and whether it was made now."""

    row: AuthorityRequest
    is_new: bool


def is_expected() -> bool:
    """Whether the next certificate of this CA comes from another CA.

    The setting says so for a new CA, and turns a self-signed one into one below another. A CA whose
    certificate came from another stays below it, whatever the setting is now; and so does one that
    has asked already.
    """
    if conf.current().is_subordinate or awaited.open_requests().exists():
        return True
    newest = Authority.objects.order_by("-index").first()
    return newest is not None and not authority.is_root(newest)


def is_to_be_made() -> bool:
    """Whether there is no CA yet, and the setting puts it below another one."""
    return conf.current().is_subordinate and not Authority.objects.exists()


def request(*, new_key: bool, actor: str, now: datetime) -> Asked:
    """Make the request for the next certificate of this CA, and write it into a file in the home.

    A request that waits is given again, so that asking twice makes no second key; only another name
    of a CA that has no certificate yet makes it anew, with the same key.

    Args:
        new_key: make a new key, and a request for it, in any case.
        actor: who asked.
        now: timezone-aware UTC.

    Raises:
        RequestRefused: this CA signs its own certificate, a key cannot be had, or the file cannot
            be written.
    """
    if not is_expected():
        raise RequestRefused(
            "This CA signs its own certificate. To put it below another CA, set "
            "CERTSRV_CA_ROLE=subordinate and run this again."
        )
    with locks.exclusive("ca"):
        try:
            asked = _request(new_key=new_key, actor=actor, now=now)
        except (keyring.KeyProblem, EnrollmentError) as error:
            raise RequestRefused(str(error)) from error
    try:
        _write(bytes(asked.row.der))
    except OSError as error:
        raise RequestRefused(
            f"{conf.current().home / awaited.REQUEST_FILE} cannot be written: {error.strerror}."
        ) from error
    return asked


def _request(*, new_key: bool, actor: str, now: datetime) -> Asked:
    before = Authority.objects.order_by("-index").first()
    waiting = awaited.open_requests().first()
    subject = _subject(before)
    if waiting is not None and not new_key:
        key = _key_of(waiting)
        if subject_of(waiting).public_bytes() == subject:
            return Asked(waiting, is_new=False)
        reference, is_new_key = waiting.key_reference, waiting.has_new_key
    elif before is not None and not new_key:
        reference, is_new_key = before.key_reference, False
        key = authority.signer_of(before)
    else:
        is_new_key = True
        reference, key = keyring.make_key(conf.current().ca_key, "ca")
    der = core.request(
        subject,
        key,
        is_enterprise=conf.current().is_enterprise,
        generation=_generation(before, new_key=is_new_key),
    )
    with transaction.atomic():
        row = AuthorityRequest.objects.create(
            key_reference=reference,
            has_new_key=is_new_key,
            der=der,
            created_at=now.replace(microsecond=0),
            follows=before,
        )
        audit.record(
            "ca certificate requested",
            actor=actor,
            subject=f"ca {_next_index(before)}",
            at=now,
            request=row.digest,
            new_key=is_new_key,
        )
    return Asked(row, is_new=True)


def _next_index(before: Authority | None) -> int:
    return 0 if before is None else before.index + 1


def _generation(before: Authority | None, *, new_key: bool) -> Generation:
    index = _next_index(before)
    if before is None:
        return Generation(index, index)
    return Generation(index, index if new_key else before.key_index, bytes(before.der))


def _subject(before: Authority | None) -> bytes:
    """Return the name to ask for: what the CA is called, once it is called something."""
    if before is None:
        return core.subject_of(conf.current().ca_name)
    return authority.issuer_of(before).name_der


def public_key_of(row: AuthorityRequest) -> CertificatePublicKeyTypes:
    """Return the key that the certificate must be for."""
    return _loaded(row).public_key()


def subject_of(row: AuthorityRequest) -> x509.Name:
    """Return the name that was asked for."""
    return _loaded(row).subject


def _loaded(row: AuthorityRequest) -> x509.CertificateSigningRequest:
    return x509.load_der_x509_csr(bytes(row.der))


def _key_of(row: AuthorityRequest) -> keys.Signer:
    """Open the key of a request: an answer for a key that is lost would be of no use.

    Raises:
        RequestRefused: it cannot be had, with the way out.
    """
    try:
        return keyring.open_key(row.key_reference, expected=public_key_of(row))
    except keyring.KeyProblem as error:
        raise RequestRefused(
            f"A {row} waits, but its key cannot be used: {error} If it is lost, make another "
            "request: python manage.py ca request --new-key"
        ) from error


def _write(der: bytes) -> None:
    """Write the request into the home in one step; whoever looks finds the old one or the new."""
    home = conf.current().home
    draft = home / f".{awaited.REQUEST_FILE}.{os.getpid()}.new"
    draft.write_text(encode.pem_request(der), encoding="ascii", newline="\n")
    draft.replace(home / awaited.REQUEST_FILE)
