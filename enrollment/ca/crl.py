"""Certificate revocation lists, in the manner of AD CS.

`crl_times` says when a list begins and ends, `compose` writes what is signed, `sign` signs it.

Source: RFC 5280 section 5; ms-facts section (d.7) for Microsoft's times, extensions and order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509

from enrollment.ca import der
from enrollment.ca.issuance import IssuanceFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from enrollment.ca.issuance import Issuer, SigningKey

_ENUMERATED: Final = 0x0A
_VERSION_2: Final = der.integer(1)

_AUTHORITY_KEY_IDENTIFIER: Final = "2.5.29.35"
_CA_VERSION: Final = "1.3.6.1.4.1.311.21.1"
_CRL_NUMBER: Final = "2.5.29.20"
_NEXT_PUBLISH: Final = "1.3.6.1.4.1.311.21.4"
_REASON_CODE: Final = "2.5.29.21"

_LONGEST_OVERLAP: Final = timedelta(hours=12)
_OVERLAP_SHARE: Final = 0.1
_SKEW_SHARE: Final = 1.5

_REASON_NUMBERS: Final = {
    # RFC 5280 section 5.3.1; 7 is not used, and 8 stands in delta lists only.
    x509.ReasonFlags.key_compromise: 1,
    x509.ReasonFlags.ca_compromise: 2,
    x509.ReasonFlags.affiliation_changed: 3,
    x509.ReasonFlags.superseded: 4,
    x509.ReasonFlags.cessation_of_operation: 5,
    x509.ReasonFlags.certificate_hold: 6,
    x509.ReasonFlags.privilege_withdrawn: 9,
    x509.ReasonFlags.aa_compromise: 10,
}


@dataclass(frozen=True, slots=True)
class Revocation:
    """One line of a list: what is revoked, since when, and why."""

    serial_number: int
    revoked_at: datetime
    reason: x509.ReasonFlags = x509.ReasonFlags.unspecified


@dataclass(frozen=True, slots=True)
class CRLTimes:
    """When a list begins, when the next one comes, and when nobody may trust it any more."""

    this_update: datetime
    next_publish: datetime
    next_update: datetime


def crl_times(
    now: datetime, period: timedelta, skew: timedelta, *, not_before: datetime | None = None
) -> CRLTimes:
    """Say when a base list that is made now begins and ends.

    Between `next_publish` and `next_update` both the old and the new list are good, so that the
    new one has time to reach everybody.

    Args:
        now: timezone-aware UTC.
        period: how often a base list is published.
        skew: how far the clocks of relying parties may differ.
        not_before: of the CA certificate; a list does not begin before it.

    Raises:
        ValueError: `period` is not positive, or `skew` is negative.

    Source: ms-facts section (d.7); RFC 5280 sections 5.1.2.4 and 5.1.2.5.
    """
    if period <= timedelta() or skew < timedelta():
        raise ValueError("a CRL needs a positive period and a skew that is not negative")
    moment = now.replace(microsecond=0)
    overlap = min(max(min(period * _OVERLAP_SHARE, _LONGEST_OVERLAP), skew * _SKEW_SHARE), period)
    begin = moment - skew
    if not_before is not None:
        begin = max(begin, not_before)
    return CRLTimes(
        this_update=begin,
        next_publish=moment + period,
        next_update=(moment + period + overlap + skew).replace(microsecond=0),
    )


def compose(
    issuer: Issuer, revocations: Iterable[Revocation], *, number: int, times: CRLTimes
) -> bytes:
    """Write the TBSCertList of a complete base list.

    Args:
        issuer: the newest CA certificate of the key that signs.
        revocations: every unexpired certificate of that key now revoked, in any order.
        number: the CRL number; higher than on every list before.
        times: from `crl_times`.

    Source: RFC 5280 sections 5.1.2 and 5.2.
    """
    entries = [_entry(revocation) for revocation in revocations]
    return der.sequence(
        _VERSION_2,
        issuer.signature_algorithm.identifier,
        issuer.name_der,
        der.time(times.this_update),
        der.time(times.next_update),
        # "When there are no revoked certificates, the revoked certificates list MUST be absent."
        # -- RFC 5280 section 5.1.2.6
        der.sequence(*entries) if entries else b"",
        der.explicit(0, der.sequence(*_extensions(issuer, number, times.next_publish))),
    )


def sign(tbs: bytes, issuer: Issuer, key: SigningKey) -> bytes:
    """Sign what `compose` wrote, and check the signature before anybody sees the list.

    Raises:
        IssuanceFault: the key is not the issuer's, or the signature does not verify.
    """
    algorithm = issuer.signature_algorithm
    signature = key.sign(tbs)
    crl = der.sequence(tbs, algorithm.identifier, der.bit_string(signature))
    try:
        algorithm.verify(issuer.public_key, signature, tbs)
        x509.load_der_x509_crl(crl)
    except Exception as error:
        raise IssuanceFault("the signature just made on a CRL does not verify") from error
    return crl


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
    revoked = der.integer(revocation.serial_number) + der.time(revocation.revoked_at)
    # "the reason code CRL entry extension SHOULD be absent instead of using the unspecified (0)
    # reasonCode value" -- RFC 5280 section 5.3.1
    if revocation.reason is x509.ReasonFlags.unspecified:
        return der.sequence(revoked)
    code = der.tlv(_ENUMERATED, bytes((_REASON_NUMBERS[revocation.reason],)))
    return der.sequence(revoked, der.sequence(_extension(_REASON_CODE, code)))


def _extensions(issuer: Issuer, number: int, next_publish: datetime) -> tuple[bytes, ...]:
    """The extensions of a base list, none critical, in the order of AD CS."""
    return (
        _extension(_AUTHORITY_KEY_IDENTIFIER, der.sequence(der.implicit(0, issuer.key_identifier))),
        _extension(_CA_VERSION, der.integer(issuer.key_index << 16 | issuer.index)),
        _extension(_CRL_NUMBER, der.integer(number)),
        _extension(_NEXT_PUBLISH, der.time(next_publish)),
    )


def _extension(kind: str, value: bytes) -> bytes:
    return der.sequence(der.oid(kind), der.octet_string(value))
