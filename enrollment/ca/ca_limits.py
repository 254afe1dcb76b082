"""What the operator of a CA should know about its chain: limits, which are no faults."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509

from enrollment.ca import names, oids
from enrollment.ca.ca_path import called, cas, extension_of
from enrollment.ca.template import ANY_PURPOSE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

_SHORT_LIFETIME: Final = timedelta(days=365)


def remarks(path: Sequence[x509.Certificate], requested: bytes, *, now: datetime) -> Iterator[str]:
    """Say what is worth knowing about a chain that can be installed.

    Args:
        path: our own certificate first, root last.
        requested: DER of the subject that was asked for.
        now: timezone-aware UTC.
    """
    certificate = path[0]
    end = certificate.not_valid_after_utc
    asked_for = x509.Name.from_bytes(requested)
    if certificate.subject != asked_for:
        yield (
            f"The CA above changed the name from '{names.display(asked_for)}' to "
            f"{called(certificate)}; what is issued here names that."
        )
    if end - now < _SHORT_LIFETIME:
        yield (
            f"It ends on {end:%Y-%m-%d}, in {(end - now).days} days; no certificate issued here "
            "lives longer."
        )
    for above in path[1:]:
        if above.not_valid_after_utc < end:
            yield (
                f"{called(above)} ends on {above.not_valid_after_utc:%Y-%m-%d}, before this CA's "
                "certificate does; from then on nothing below it verifies."
            )
    if extension_of(certificate, x509.AuthorityKeyIdentifier) is None:
        yield "It has no authority key identifier; programs that keep to RFC 5280 may refuse it."
    for each in path:
        yield from limits_of(each)


def limits_of(certificate: x509.Certificate) -> Iterator[str]:
    """Say what a CA certificate allows below it, beyond being a CA."""
    constraints = extension_of(certificate, x509.BasicConstraints)
    if constraints is not None and constraints.path_length is not None:
        yield f"{called(certificate)} allows {cas(constraints.path_length)} below it."
    purposes = extension_of(certificate, x509.ExtendedKeyUsage)
    listed = [oid.dotted_string for oid in purposes or ()]
    if listed and ANY_PURPOSE not in listed:
        words = ", ".join(map(oids.purpose_name, listed))
        yield f"{called(certificate)} is for these purposes only: {words}."
    limits = extension_of(certificate, x509.NameConstraints)
    if limits is not None:
        permitted, excluded = (
            ", ".join(str(names.general_name(name)) for name in subtrees or ())
            for subtrees in (limits.permitted_subtrees, limits.excluded_subtrees)
        )
        yield (
            f"{called(certificate)} constrains names: permitted {permitted or 'all'}, excluded "
            f"{excluded or 'none'}. Programs refuse certificates outside of that."
        )
