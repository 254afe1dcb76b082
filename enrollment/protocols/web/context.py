"""What every page shows about the site: the CA's name and thumbprint, the version, addresses."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from django.urls import reverse

from enrollment import __version__, conf
from enrollment.ca import encode
from enrollment.services import delivery

if TYPE_CHECKING:
    from django.http import HttpRequest

# A renewed CA shows its new thumbprint after this long at most, in every process.
_SECONDS_KEPT: Final = 60


@dataclass(frozen=True, slots=True)
class Site:
    """The header's and footer's facts."""

    ca_name: str
    thumbprint: str
    version: str
    home: str
    my_requests: str
    help: str
    has_tokens: bool


def site(request: HttpRequest) -> dict[str, Site]:
    """Give `site` to every template (a context processor)."""
    del request
    return {"site": _site(int(time.monotonic()) // _SECONDS_KEPT)}


@lru_cache(maxsize=1)
def _site(period: int) -> Site:
    del period
    rows = delivery.authorities()
    return Site(
        ca_name=rows[0].name if rows else conf.current().ca_name,
        thumbprint=encode.thumbprint(bytes(rows[0].der)) if rows else "",
        version=__version__,
        home=reverse("web:home"),
        my_requests=reverse("web:my-requests"),
        help=reverse("web:help"),
        has_tokens="token" in conf.current().sign_in,
    )
