"""What this CA waits for: certificates that another CA has to sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from enrollment.models import Authority, AuthorityRequest

if TYPE_CHECKING:
    from django.db.models import QuerySet

REQUEST_FILE: Final = "ca-request.pem"


def open_requests() -> QuerySet[AuthorityRequest]:
    """Return the requests whose answer could be installed now, the newest first."""
    newest = Authority.objects.order_by("-index").first()
    return AuthorityRequest.objects.filter(authority=None, follows=newest)


def no_certificate_yet() -> str:
    """Say why there is no CA certificate, and what comes next."""
    waiting = open_requests().first()
    if waiting is None:
        return "There is no CA yet. Run: python manage.py setup"
    return (
        f"The CA waits for its certificate from the CA above it. Have {REQUEST_FILE}, in the "
        "site's home, signed there, then run: python manage.py ca install FILE"
    )
