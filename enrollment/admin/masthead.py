"""What the header and footer of every desk page say about the CA."""

from __future__ import annotations

from dataclasses import dataclass

from enrollment import __version__
from enrollment.admin.wording import grouped
from enrollment.ca import encode
from enrollment.models import Authority


@dataclass(frozen=True, slots=True)
class Masthead:
    """The CA as people know it; thumbprint empty while there is none."""

    name: str
    thumbprint: str
    version: str = __version__


def read() -> Masthead:
    """Return the newest CA certificate's name and thumbprint."""
    row = Authority.objects.only("name", "der").order_by("-index").first()
    if row is None:
        return Masthead("Certificate Services", "")
    return Masthead(row.name, grouped(encode.thumbprint(bytes(row.der))))
