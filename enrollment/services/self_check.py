"""The CA looks at itself from outside: fetch its lists, certificates and OCSP as others must.

Addresses come from `own_addresses`, that is from the settings, and from nowhere else.
"""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from cryptography import x509

from enrollment import conf
from enrollment.ca import addresses, encode, relying_ocsp, relying_party
from enrollment.ca.address_rules import AddressKind, host_of, is_local
from enrollment.ca.check import Check, Severity, Verdict, critical, ok, warning
from enrollment.ca.relying_ocsp import Question, Status
from enrollment.ca.relying_party import ExpectedList
from enrollment.models import Authority, Certificate, Responder
from enrollment.services import authority, crl_rows, own_addresses
from enrollment.services.fetch import SECONDS, Fault, Fetch, NotFetched, fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from enrollment.services.own_addresses import OwnAddress

NAMES: Final = {
    AddressKind.CRL: "CRL as served",
    AddressKind.CERTIFICATE: "CA certificate as served",
    AddressKind.OCSP: "OCSP as served",
}
# All of it together: what hangs must not hold up what comes after it in an hour.
MOST_SECONDS: Final = 60.0
_NONCE_OCTETS: Final = 32
_SERIAL_BITS: Final = 127
_FETCHED: Final = ("http", "https")
_HTTP_PORT: Final = 80


class _Visit:
    """What one look may take, and whom it trusts."""

    def __init__(self) -> None:
        self._ends_at = time.monotonic() + MOST_SECONDS
        # Who relies on this CA trusts it, also for the TLS of its addresses.
        self._trusted = "".join(encode.pem(bytes(row.der)) for row in Authority.objects.all())

    def get(self, url: str, *, post: bytes | None = None) -> bytes:
        """Fetch an address, or post an OCSP request to it.

        Raises:
            NotFetched: see `fetch`.
            _OutOfTime: nothing more is fetched in this look.
        """
        seconds = min(SECONDS, self._ends_at - time.monotonic())
        if seconds <= 0:
            raise _OutOfTime
        return fetch(Fetch(url, post, "application/ocsp-request", self._trusted, seconds))


class _OutOfTime(Exception):
    """The whole look took too long."""


def look(now: datetime) -> Iterator[Check]:
    """Fetch every address of every CA certificate that still matters, and judge what comes."""
    for address, verdict in judged(own_addresses.every(now, _partitions()), now):
        yield Check(NAMES[address.kind], verdict.severity, verdict.finding, _about(address))


def judged(those: Iterable[OwnAddress], now: datetime) -> Iterator[tuple[OwnAddress, Verdict]]:
    """Fetch each of our own addresses, and judge what comes."""
    visit = _Visit()
    for address in those:
        yield address, _judge(address, now, visit)


def _about(address: OwnAddress) -> str:
    # All keys answer at one OCSP address.
    is_shared = address.kind is AddressKind.OCSP and address.row.key_index
    return f"{address.url}, key {address.row.key_index}" if is_shared else address.url


def _partitions() -> list[int]:
    """Return the complete list, the first partition, the last, and one in between."""
    last = conf.current().crl_partitions
    chosen = {0, min(last, 1), last}
    if last > len(chosen):
        chosen.add(2 + secrets.randbelow(last - 2))
    return sorted(chosen)


def _judge(address: OwnAddress, now: datetime, visit: _Visit) -> Verdict:
    scheme = address.url.partition(":")[0].casefold()
    if scheme not in _FETCHED:
        return ok(f"Not checked: clients of {scheme} fetch it, and this site speaks http only.")
    judge = _JUDGES[address.kind]
    try:
        return judge(address, now, visit)
    except NotFetched as fault:
        return critical(_sentence(address, fault))
    except _OutOfTime:
        return warning(
            f"Not checked: the addresses before it took more than {MOST_SECONDS:.0f} seconds."
        )


def _judge_list(address: OwnAddress, now: datetime, visit: _Visit) -> Verdict:
    place = address.place
    newest = crl_rows.newest_list(
        address.row.key_index, delta=place.delta, partition=place.partition
    )
    expected = ExpectedList(
        issuer=authority.issuer_of(address.row),
        point=addresses.expand(address.template, replace(place, delta=False)),
        is_delta=place.delta,
        is_partition=bool(place.partition),
        number=newest.number if newest is not None else 0,
        published_at=newest.as_of if newest is not None else now,
        margin=(newest.next_update - newest.next_publish) / 2 if newest else timedelta(),
    )
    return relying_party.judge_list(visit.get(address.url), expected, now)


def _judge_certificate(address: OwnAddress, now: datetime, visit: _Visit) -> Verdict:
    del now
    issuer = authority.issuer_of(address.row)
    return relying_party.judge_certificate(visit.get(address.url), issuer)


def _judge_ocsp(address: OwnAddress, now: datetime, visit: _Visit) -> Verdict:
    """Ask twice, as new and as old clients do: about one that nobody issued, and one we did."""
    issuer = authority.issuer_of(address.row)
    invented = Question(
        issuer,
        secrets.randbits(_SERIAL_BITS) | 1,
        Status.UNKNOWN,
        nonce=secrets.token_bytes(_NONCE_OCTETS),
    )
    verdict = relying_ocsp.judge(visit.get(address.url, post=invented.der()), invented, now)
    # By now the key has a responder, whose certificate is known.
    known = _known_certificate(address.row)
    if verdict.severity is not Severity.OK or known is None:
        return verdict
    question = Question(issuer, int(known.serial_number, 16), _status_of(known))
    path = quote(base64.b64encode(question.der()).decode("ascii"), safe="")
    return relying_ocsp.judge(visit.get(f"{address.url.rstrip('/')}/{path}"), question, now)


def _known_certificate(row: Authority) -> Certificate | None:
    """Return a certificate of the key: its OCSP responder's, or else the newest."""
    responder = Responder.objects.filter(authority__key_index=row.key_index).first()
    if responder is not None:
        serial = x509.load_der_x509_certificate(bytes(responder.der)).serial_number
        found = Certificate.objects.defer("der").filter(serial_number=f"{serial:x}").first()
        if found is not None:
            return found
    return Certificate.objects.defer("der").filter(authority=row).order_by("-pk").first()


def _status_of(row: Certificate) -> Status:
    return Status.GOOD if row.revoked_at is None else Status.REVOKED


_JUDGES: Final[dict[AddressKind, Callable[[OwnAddress, datetime, _Visit], Verdict]]] = {
    AddressKind.CRL: _judge_list,
    AddressKind.CERTIFICATE: _judge_certificate,
    AddressKind.OCSP: _judge_ocsp,
}


def _sentence(address: OwnAddress, fault: NotFetched) -> str:
    """Say what a failed fetch means, and what to do."""
    if fault.fault is Fault.UNRESOLVED:
        return (
            f"The name {host_of(address.url)} has no address on this machine. Put it into the DNS, "
            f"or correct {address.setting} or CERTSRV_HOSTNAME for certificates to come."
        )
    if fault.fault is Fault.REFUSED and _is_own(address.url):
        return (
            "The site itself does not answer there, so relying parties cannot check certificates. "
            "It is not running, or listens elsewhere. Run: python manage.py serve"
        )
    return (
        f"It cannot be fetched: {fault.detail}. Relying parties see the same. Mend what serves it, "
        f"or correct {address.setting} for certificates to come."
    )


def _is_own(url: str) -> bool:
    """Whether an address leads to a listener of this very site."""
    settings = conf.current()
    if settings.http is None:
        return False
    host = host_of(url)
    port = urlsplit(url).port or _HTTP_PORT
    return port == settings.http.port and (host == settings.hostname or is_local(host))
