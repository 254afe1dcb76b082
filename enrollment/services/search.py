"""Find certificates by what people have in hand: a name, a number, a thumbprint, a requester.

Every way is one look-up in an index. A part from the middle of a name is no way: it would read
every row.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import connection
from django.db.models import Q

from enrollment.ca.names import visible
from enrollment.models import Certificate, CertificateName

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

# A prefix like "www" may fit millions of names; more than this nobody leafs through.
MOST_NAMES: Final = 10_000
_SHORTEST_NUMBER: Final = 8
_SHA1_DIGITS: Final = 40
_SHA256_DIGITS: Final = 64
_LAST_CHARACTER: Final = "\U0010ffff"
_GROUPING: Final = str.maketrans("", "", ": -\t")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a search was understood, and what fits it; `requester` when it is somebody's."""

    condition: Q
    words: str
    requester: str = ""

    def rows(self) -> QuerySet[Certificate]:
        """Return the certificates that fit, newest first."""
        return Certificate.objects.filter(self.condition).order_by("-pk")


def hexadecimal(text: str) -> str | None:
    """Read a number in any writing: colons, blanks, ``0x``, upper case, invisible marks.

    Windows puts an invisible mark in front of a thumbprint that is copied from its dialog.

    Returns:
        lower-case digits only, or None when `text` is something else.
    """
    seen = "".join(char for char in text if unicodedata.category(char) != "Cf")
    digits = seen.replace("\N{NO-BREAK SPACE}", " ").strip().lower().removeprefix("0x")
    digits = digits.translate(_GROUPING)
    return digits if digits and set(digits) <= set("0123456789abcdef") else None


def by_serial_number(text: str) -> Certificate | None:
    """Return the certificate with this serial number, in any writing."""
    digits = hexadecimal(text)
    if digits is None:
        return None
    return Certificate.objects.filter(serial_number=digits.lstrip("0")).first()


def read(term: str) -> Reading:
    """Understand what was typed: a number first, then a whole name, a requester, a beginning."""
    # No name holds a NUL, and PostgreSQL does not even look for one.
    term = " ".join(term.replace("\0", " ").split())
    if not term:
        return Reading(Q(), "")
    return _as_number(term) or _as_name(term) or _as_requester(term) or _as_beginning(term)


def _as_number(term: str) -> Reading | None:
    digits = hexadecimal(term)
    if digits is None:
        return None
    if len(digits) == _SHA256_DIGITS:
        return Reading(Q(thumbprint_sha256=digits), "the thumbprint (SHA-256) typed")
    if len(digits) == _SHA1_DIGITS:
        return Reading(Q(thumbprint_sha1=digits), "the thumbprint (SHA-1) typed")
    serial = Q(serial_number=digits.lstrip("0"))
    # "cafe" and "face" are hexadecimal and host names too; a long number is nothing else.
    if len(digits) >= _SHORTEST_NUMBER or Certificate.objects.filter(serial).exists():
        return Reading(serial, "the serial number typed")
    return None


def _as_name(term: str) -> Reading | None:
    names = CertificateName.objects.filter(value=term.casefold())
    if not names.exists():
        return None
    return Reading(_holding(names), f"the name '{visible(term.casefold())}'")


def _as_requester(term: str) -> Reading | None:
    account = Q(requester=term)
    if not Certificate.objects.filter(account).exists():
        return None
    return Reading(account, f"requester '{visible(term)}'", requester=term)


def _as_beginning(term: str) -> Reading:
    """A name that begins like this, by the index: SQLite takes a range, PostgreSQL a LIKE."""
    start = term.casefold().removesuffix("*")
    if connection.vendor == "sqlite":
        names = CertificateName.objects.filter(value__gte=start, value__lt=start + _LAST_CHARACTER)
    else:
        names = CertificateName.objects.filter(value__startswith=start)
    return Reading(_holding(names), f"names that begin with '{visible(start)}'")


def _holding(names: QuerySet[CertificateName]) -> Q:
    holders = names.order_by().values("certificate_id")[:MOST_NAMES]
    if connection.vendor == "postgresql":
        # Told the numbers, it looks them up. Asked to find them, it leafs through the certificates
        # from the newest on until it has met fifty of them, and the oldest come last.
        return Q(pk__in=[number for (number,) in holders.values_list("certificate_id")])
    return Q(pk__in=holders)


def ending(rows: QuerySet[Certificate], *, now: datetime, days: int) -> QuerySet[Certificate]:
    """Keep the unrevoked certificates that end within `days`, the first to end first."""
    end = now + timedelta(days=max(0, min(days, 36_500)))
    return rows.filter(not_after__gte=now, not_after__lt=end, revoked_at=None).order_by(
        "not_after", "pk"
    )
