"""Certificate revocation lists, in the manner of AD CS.

`crl_times` says when a list begins and ends, `compose` writes what is signed, `sign` signs it.

Source: RFC 5280 section 5; ms-facts section (d.7) for Microsoft's times, extensions and order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography import x509

from enrollment.ca import der
from enrollment.ca.issuer import signed
from enrollment.ca.revocation import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from enrollment.ca.issuer import Issuer, SigningKey

_ENUMERATED: Final = 0x0A
_VERSION_2: Final = der.integer(1)

_AUTHORITY_KEY_IDENTIFIER: Final = "2.5.29.35"
_CA_VERSION: Final = "1.3.6.1.4.1.311.21.1"
_CRL_NUMBER: Final = "2.5.29.20"
_NEXT_PUBLISH: Final = "1.3.6.1.4.1.311.21.4"
_REASON_CODE: Final = "2.5.29.21"
_INVALIDITY_DATE: Final = "2.5.29.24"
_DELTA_INDICATOR: Final = "2.5.29.27"
_ISSUING_POINT: Final = "2.5.29.28"
_FRESHEST: Final = "2.5.29.46"

_LONGEST_OVERLAP: Final = timedelta(hours=12)
_OVERLAP_SHARE: Final = 0.1
_SKEW_SHARE: Final = 1.5


class Revocation(NamedTuple):
    """One line of a list: what is revoked, since when, and why.

    A tuple, because a million are made for one list.
    """

    serial_number: int
    revoked_at: datetime
    reason: Reason = Reason.UNSPECIFIED
    invalidity_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a list is about, beyond "everything this key revoked".

    Attributes:
        base_number: of a delta: the CRL number of the base it is relative to.
        distribution_points: of a partition: the addresses of the certificates it speaks for.
        freshest_addresses: of a base: where its deltas are.
    """

    base_number: int | None = None
    distribution_points: tuple[str, ...] = ()
    freshest_addresses: tuple[str, ...] = ()


COMPLETE: Final = Scope()


@dataclass(frozen=True, slots=True)
class CRLTimes:
    """When a list begins, when the next one comes, and when nobody may trust it any more."""

    this_update: datetime
    next_publish: datetime
    next_update: datetime


def crl_times(
    now: datetime,
    period: timedelta,
    skew: timedelta,
    *,
    not_before: datetime | None = None,
    base_period: timedelta | None = None,
) -> CRLTimes:
    """Say when a list that is made now begins and ends.

    Between `next_publish` and `next_update` both the old and the new list are good, so that the
    new one has time to reach everybody.

    Args:
        now: timezone-aware UTC.
        period: how often such a list is published.
        skew: how far the clocks of relying parties may differ.
        not_before: of the CA certificate; a list does not begin before it.
        base_period: of a delta: how often its base is published.

    Raises:
        ValueError: `period` is not positive, or `skew` is negative.

    Source: ms-facts section (d.7); RFC 5280 sections 5.1.2.4 and 5.1.2.5.
    """
    if period <= timedelta() or skew < timedelta():
        raise ValueError("a CRL needs a positive period and a skew that is not negative")
    moment = now.replace(microsecond=0)
    share = _OVERLAP_SHARE if base_period is None else 1.0
    least = max(min(period * share, _LONGEST_OVERLAP), skew * _SKEW_SHARE)
    overlap = min(least, base_period or period)
    begin = moment - skew
    if not_before is not None:
        begin = max(begin, not_before)
    return CRLTimes(
        this_update=begin,
        next_publish=moment + period,
        next_update=(moment + period + overlap + skew).replace(microsecond=0),
    )


def last_crl_times(
    now: datetime, skew: timedelta, *, not_before: datetime, not_after: datetime
) -> CRLTimes:
    """Say how long the last list of a key is good: as long as its CA certificate.

    Nothing follows it, so its publishing time is its end.

    Args:
        now: timezone-aware UTC, before `not_after`.
        skew: how far the clocks of relying parties may differ.
        not_before: of the CA certificate.
        not_after: of the CA certificate.

    Source: RFC 5280 section 5.1.2.5 wants a nextUpdate on every list; where there is no next one,
    it says how long this one may be used.
    """
    begin = max(now.replace(microsecond=0) - skew, not_before)
    return CRLTimes(this_update=begin, next_publish=not_after, next_update=not_after)


def compose(
    issuer: Issuer,
    revocations: Iterable[Revocation],
    *,
    number: int,
    times: CRLTimes,
    scope: Scope = COMPLETE,
) -> bytes:
    """Write the TBSCertList of a list.

    Args:
        issuer: the newest CA certificate of the key that signs.
        revocations: of a base, every unexpired certificate of that key now revoked; of a delta,
            what changed since its base, released ones with the reason `REMOVE_FROM_CRL`.
        number: the CRL number; higher than on every list before.
        times: from `crl_times`.
        scope: what makes it a delta or a partition.

    Source: RFC 5280 sections 5.1.2 and 5.2.
    """
    entries = b"".join(map(_entry, revocations))
    return der.sequence(
        _VERSION_2,
        issuer.signature_algorithm.identifier,
        issuer.name_der,
        der.time(times.this_update),
        der.time(times.next_update),
        # "When there are no revoked certificates, the revoked certificates list MUST be absent."
        # -- RFC 5280 section 5.1.2.6
        der.sequence(entries) if entries else b"",
        der.explicit(0, der.sequence(*_extensions(issuer, number, times.next_publish, scope))),
    )


def sign(tbs: bytes, issuer: Issuer, key: SigningKey) -> bytes:
    """Sign what `compose` wrote, and check the signature before anybody sees the list.

    Raises:
        IssuanceFault: see `issuer.signed`.
    """
    return signed(tbs, issuer, key, x509.load_der_x509_crl)


def build_crl(  # noqa: PLR0913 - all that a list says
    issuer: Issuer,
    revocations: Sequence[Revocation],
    key: SigningKey,
    *,
    number: int,
    now: datetime,
    period: timedelta,
    skew: timedelta,
) -> bytes:
    """Make a complete base list in DER that begins now; see `crl_times`, `compose` and `sign`."""
    times = crl_times(now, period, skew, not_before=issuer.not_before)
    return sign(compose(issuer, revocations, number=number, times=times), issuer, key)


def _entry(revocation: Revocation) -> bytes:
    """Encode one entry; a list of a million lives on how little is done here."""
    serial_number, revoked_at, reason, invalidity_date = revocation
    return der.sequence(
        der.integer(serial_number),
        der.time(revoked_at),
        _entry_extensions(reason, invalidity_date),
    )


@lru_cache(maxsize=4096)
def _entry_extensions(reason: Reason, invalidity_date: datetime | None) -> bytes:
    parts = b""
    # "the reason code CRL entry extension SHOULD be absent instead of using the unspecified (0)
    # reasonCode value" -- RFC 5280 section 5.3.1
    if reason is not Reason.UNSPECIFIED:
        parts += _extension(_REASON_CODE, der.tlv(_ENUMERATED, bytes((reason.value,))))
    if invalidity_date is not None:
        moment = f"{invalidity_date:%Y%m%d%H%M%SZ}".encode("ascii")
        parts += _extension(_INVALIDITY_DATE, der.tlv(der.GENERALIZED_TIME, moment))
    return der.sequence(parts) if parts else b""


def _extensions(
    issuer: Issuer, number: int, next_publish: datetime, scope: Scope
) -> tuple[bytes, ...]:
    """The extensions of a list, in the order of AD CS (ms-facts section d.7)."""
    parts = [
        _extension(_AUTHORITY_KEY_IDENTIFIER, der.sequence(der.implicit(0, issuer.key_identifier))),
        _extension(_CA_VERSION, der.integer(issuer.key_index << 16 | issuer.index)),
        _extension(_CRL_NUMBER, der.integer(number)),
        _extension(_NEXT_PUBLISH, der.time(next_publish)),
    ]
    if scope.base_number is not None:
        parts.append(_extension(_DELTA_INDICATOR, der.integer(scope.base_number), critical=True))
    elif scope.freshest_addresses:
        parts.append(_extension(_FRESHEST, der.sequence(_point(scope.freshest_addresses))))
    if scope.distribution_points:
        point = _point_name(scope.distribution_points)
        parts.append(_extension(_ISSUING_POINT, der.sequence(point), critical=True))
    return tuple(parts)


def _point(addresses: tuple[str, ...]) -> bytes:
    return der.sequence(_point_name(addresses))


def _point_name(addresses: tuple[str, ...]) -> bytes:
    """DistributionPointName inside its own tag: [0] { fullName [0] GeneralNames }."""
    names = b"".join(der.implicit(6, address.encode("ascii")) for address in addresses)
    return der.explicit(0, der.explicit(0, names))


def _extension(kind: str, value: bytes, *, critical: bool = False) -> bytes:
    flag = der.boolean(True) if critical else b""  # noqa: FBT003 - the value itself
    return der.sequence(der.oid(kind), flag, der.octet_string(value))
