"""Numbers for a monitoring system, read from the database: right in whichever process answers."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from enrollment import __version__, conf
from enrollment.ca.disposition import Disposition
from enrollment.models import EnrollmentRequest, Responder
from enrollment.services import authority, crl_rows, publication, reports, site_certificate, tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from enrollment.models import CertificateRevocationList

_MOST_PENDING: Final = 100_000
_MOST_CERTIFICATES: Final = 20


@dataclass(frozen=True, slots=True)
class Sample:
    """One number, and of what it is."""

    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Family:
    """Numbers of one name; `kind` is ``gauge`` or ``counter``."""

    name: str
    kind: str
    help: str
    samples: tuple[Sample, ...]


def gather(now: datetime) -> list[Family]:
    """Return everything that is measured.

    Each is a look-up by an index, or was counted before: nothing here grows with the number of
    certificates.
    """
    return [*_of_checks(now), *_of_lists(now), *_of_work()]


def _of_checks(now: datetime) -> Iterator[Family]:
    yield _gauge("certsrv_build_info", "The running version.", _one(1, version=__version__))
    report = reports.read(now)
    yield _gauge(
        "certsrv_check",
        "What the last look found: 0 in order, 1 attention, 2 wrong.",
        *(_one(worst, name=name, about=about) for (name, about), worst in _worst(report)),
    )
    if report.looked_at is not None:
        age = (now - report.looked_at).total_seconds()
        yield _gauge("certsrv_last_check_age_seconds", "Since the last look.", _one(age))


def _worst(report: reports.Report) -> Iterable[tuple[tuple[str, str], int]]:
    """Return one number for each check: two of the same labels would spoil the whole scrape."""
    worst: dict[tuple[str, str], int] = {}
    for one in report.checks:
        key = (one.name, one.about)
        worst[key] = max(worst.get(key, 0), one.severity.value)
    return worst.items()


def _of_lists(now: datetime) -> Iterator[Family]:
    lists = tuple(_newest_lists(now))
    yield _gauge(
        "certsrv_seconds_until_end",
        "Seconds until something is not valid any more; negative after its end.",
        *_ends(now),
        *(_end(one, now) for one in lists),
    )
    yield _gauge(
        "certsrv_crl_number",
        "Number of the newest list that was published.",
        *(_one(one.row.number, **one.labels) for one in lists),
    )


def _of_work() -> Iterator[Family]:
    yield _gauge(
        "certsrv_requests_pending",
        "Requests that wait for a certificate manager.",
        _one(_pending()),
    )
    counted = sorted(tally.read().items())
    yield Family(
        "certsrv_events_total",
        "counter",
        "Events of the audit trail, for example signed, denied, held.",
        tuple(_one(count, event=verb) for verb, count in counted),
    )
    yield _gauge(
        "certsrv_home_free_bytes",
        "Room where database, keys and lists of this machine are written.",
        _one(shutil.disk_usage(conf.current().home).free),
    )


def _gauge(name: str, what: str, *samples: Sample) -> Family:
    return Family(name, "gauge", what, samples)


def _one(value: float, **labels: str) -> Sample:
    return Sample(value, labels)


def _ends(now: datetime) -> Iterator[Sample]:
    """Yield how long certificates of the CA's own last."""

    def left(end: datetime, of: str, key: str) -> Sample:
        return _one((end - now).total_seconds(), of=of, key=key)

    for row in publication.ca_keys()[:_MOST_CERTIFICATES]:
        yield left(authority.issuer_of(row).not_after, "CA certificate", str(row.key_index))
    for row in publication.signing_keys(now):
        responder = Responder.objects.filter(authority__key_index=row.key_index).first()
        if responder is not None:
            yield left(responder.not_after, "OCSP responder", str(row.key_index))
    held = site_certificate.on_disk() if conf.current().https is not None else None
    if held is not None:
        yield left(held.not_valid_after_utc, "site certificate", "")


@dataclass(frozen=True, slots=True)
class _Newest:
    row: CertificateRevocationList
    labels: Mapping[str, str]


def _newest_lists(now: datetime) -> Iterator[_Newest]:
    """Yield the newest lists of each key: the complete ones, and those of the last partition."""
    for key in publication.signing_keys(now):
        for delta, kind in ((False, "CRL"), (True, "delta CRL")):
            for partition in sorted({0, conf.current().crl_partitions}):
                row = crl_rows.newest_list(key.key_index, delta=delta, partition=partition)
                if row is not None:
                    labels = {"of": kind, "key": str(key.key_index), "partition": str(partition)}
                    yield _Newest(row, labels)


def _end(one: _Newest, now: datetime) -> Sample:
    return _one((one.row.next_update - now).total_seconds(), **one.labels)


def _pending() -> int:
    waiting = EnrollmentRequest.objects.filter(disposition=Disposition.UNDER_SUBMISSION.value)
    return waiting.order_by()[:_MOST_PENDING].count()
