"""deliver: what a request, a chain or a list is made of, by its id."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final

from django.db.models import Q

from enrollment import conf
from enrollment.ca.addresses import crl_file
from enrollment.ca.disposition import Disposition
from enrollment.models import Authority, Certificate, EnrollmentRequest
from enrollment.services import authority, crl_rows, cross, publication, published

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.db.models import QuerySet

    from enrollment.ca.policy import Requester
    from enrollment.models import CertificateRevocationList, CrossCertificate

# Ids are the database's integers; anything longer cannot be one.
_HIGHEST_ID = 2**63 - 1
_PARTITION: Final = re.compile(r"_partition([0-9]{5})\+?\.crl$")


def find(request_id: int | None, viewer: Requester) -> EnrollmentRequest | None:
    """Return a request that `viewer` may see; others look as if they did not exist.

    One's own always, and what one asked for on behalf of others; issued ones of others as far as
    the site's setting allows. `None` is what was typed and is no number.
    """
    if request_id is None or not 0 < request_id <= _HIGHEST_ID:
        return None
    row = (
        EnrollmentRequest.objects.select_related("certificate__authority", "renews")
        .defer("raw")
        .filter(pk=request_id)
        .first()
    )
    if row is None:
        return None
    if _is_of(row, viewer):
        return row
    visible_to = conf.current().certificates_visible_to
    is_open = visible_to == "anyone" or (visible_to == "signed-in" and not viewer.is_anonymous)
    return row if is_open and row.certificate is not None else None


def _is_of(row: EnrollmentRequest, viewer: Requester) -> bool:
    """Whether it is for `viewer`, or `viewer` is the agent who asked for another."""
    viewing = (viewer.name, viewer.account_id)
    if viewing == (row.requester, row.account_id):
        return True
    return bool(row.agent) and viewing == (row.agent, row.agent_account_id)


def is_issued(row: EnrollmentRequest) -> bool:
    """Whether a certificate can be fetched: revoked ones can, too."""
    return row.certificate is not None


def chain_of(certificate: Certificate) -> list[bytes]:
    """Return the certificate and everything above it, root last, in DER."""
    return [bytes(certificate.der), *_chain(certificate.authority)]


def _chain(row: Authority) -> list[bytes]:
    issuer = authority.issuer_of(row)
    return [issuer.der, *issuer.chain]


def authorities() -> list[Authority]:
    """Return every CA certificate, the newest first."""
    return list(Authority.objects.order_by("-index"))


def ca(renewal: int | None) -> Authority:
    """Return a CA certificate by its index; the newest for anything that is no index.

    A deviation from the original, which fails: an old client counts from one.
    Source: certsrv-contract section 1.8.

    Raises:
        authority.NoAuthority: set-up was not run.
    """
    row = None
    if renewal is not None and 0 <= renewal <= _HIGHEST_ID:
        row = Authority.objects.filter(index=renewal).first()
    return row or authority.current()


def ca_certificate(renewal: int | None) -> bytes:
    """Return a CA certificate in DER."""
    return bytes(ca(renewal).der)


def ca_chain(renewal: int | None) -> list[bytes]:
    """Return a CA certificate and everything above it, root last, in DER."""
    return _chain(ca(renewal))


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A list or a CA certificate as a file, and what caches want to know of it.

    Nothing is read before `open` is called. `modified` is missing where two lists of one second
    would look like one; `ends` is when a list may be used no more.
    """

    kind: str
    size: int
    sha256: str
    open: Callable[[], io.FileIO | io.BytesIO | None]
    modified: datetime | None = None
    ends: datetime | None = None


def crl(renewal: int | None, *, now: datetime, delta: bool = False) -> PublishedFile | None:
    """Return the current CRL of the key of a CA certificate, or None when there is none."""
    return _list_file(publication.current_list(ca(renewal), now=now, delta=delta))


def published_file(name: str, *, now: datetime) -> PublishedFile | None:
    """Return what `/CertEnroll/<name>` holds: kind ``crt`` or ``crl``.

    Names compare without regard to case, as on the file system of the original.
    """
    wanted = name.casefold()
    for row in authorities():
        if wanted == published.certificate_name(row).casefold():
            return _certificate_file(bytes(row.der), row.created_at)
    if wanted.endswith(".crt"):
        return _cross_file(wanted)
    found = _PARTITION.search(wanted)
    # A CA may be called like a partition.
    partitions = {0, int(found[1]) if found else 0}
    for row in publication.ca_keys():
        for partition, delta in product(partitions, (False, True)):
            place = authority.place_of(row, partition=partition, delta=delta)
            if wanted == crl_file(place).casefold() and _has(row, partition):
                crl = publication.current_list(row, now=now, delta=delta, partition=partition)
                return _list_file(crl)
    return None


def cross_certificates(now: datetime) -> list[tuple[str, CrossCertificate]]:
    """Return the cross certificates that are good, with the names of their files in /CertEnroll."""
    return [
        (cross.file_name(row), row)
        for row in cross.finished()
        if row.certificate is not None
        and row.certificate.revoked_at is None
        and row.certificate.not_after > now
    ]


def _has(key: Authority, partition: int) -> bool:
    return partition == 0 or partition <= publication.partitions_of(key)


def _cross_file(name: str) -> PublishedFile | None:
    for row in cross.finished():
        if row.certificate is not None and cross.file_name(row).casefold() == name:
            return _certificate_file(bytes(row.certificate.der), row.certificate.issued_at)
    return None


def _certificate_file(der: bytes, made_at: datetime) -> PublishedFile:
    digest = hashlib.sha256(der).hexdigest()
    return PublishedFile("crt", len(der), digest, lambda: io.BytesIO(der), modified=made_at)


def _list_file(row: CertificateRevocationList | None) -> PublishedFile | None:
    if row is None:
        return None
    before = crl_rows.before(row)
    is_younger = before is None or before.this_update < row.this_update
    return PublishedFile(
        "crl",
        row.size,
        row.sha256,
        lambda: published.open_list(row),
        modified=row.this_update if is_younger else None,
        ends=row.next_update,
    )


def requests_of(requester: Requester) -> QuerySet[EnrollmentRequest]:
    """Return everything `requester` ever asked for or was asked for, the newest first."""
    own = Q(requester=requester.name, account_id=requester.account_id)
    for_others = Q(agent=requester.name, agent_account_id=requester.account_id)
    if requester.name and EnrollmentRequest.objects.filter(for_others).exists():
        own |= for_others
    return (
        EnrollmentRequest.objects.filter(own)
        .select_related("certificate")
        .defer("raw", "certificate__der")
    )


def pending_of(requester: Requester) -> QuerySet[EnrollmentRequest]:
    """Return what `requester` waits for, the newest first."""
    return requests_of(requester).filter(disposition=Disposition.UNDER_SUBMISSION.value)
