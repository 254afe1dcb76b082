"""From one thing to the next: request, certificate, requester, template, events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

if TYPE_CHECKING:
    from datetime import datetime

    from django.utils.safestring import SafeString

from enrollment.admin.wording import relative


def request_page(request_id: int) -> str:
    """Return the address of one request."""
    return reverse("admin:enrollment_enrollmentrequest_change", args=[request_id])


def certificate_page(certificate_id: int) -> str:
    """Return the address of one certificate."""
    return reverse("admin:enrollment_certificate_change", args=[certificate_id])


def requests_of(requester: str) -> str:
    """Return the address of the requests of one requester."""
    query = urlencode({"requester": requester})
    return f"{reverse('admin:enrollment_enrollmentrequest_changelist')}?{query}"


def requests_by(agent: str) -> str:
    """Return the address of what an enrollment agent asked for on behalf of others."""
    query = urlencode({"agent": agent})
    return f"{reverse('admin:enrollment_enrollmentrequest_changelist')}?{query}"


def certificates_of(term: str) -> str:
    """Return the address of the certificates that a search for `term` finds."""
    return f"{reverse('admin:enrollment_certificate_changelist')}?{urlencode({'q': term})}"


def certificates_with(spki_sha256: str) -> str:
    """Return the address of the certificates that have one key."""
    query = urlencode({"key": spki_sha256})
    return f"{reverse('admin:enrollment_certificate_changelist')}?{query}"


def events_of(*subjects: str) -> str:
    """Return the address of the audit events about one thing, or about several."""
    query = urlencode({"subject": subjects}, doseq=True)
    return f"{reverse('admin:enrollment_auditevent_changelist')}?{query}"


def anchor(address: str, text: object) -> SafeString:
    """Draw a link; `bdi` keeps a name in another script from turning its neighbors around."""
    return format_html('<a href="{}"><bdi>{}</bdi></a>', address, text)


def moment(at: datetime, now: datetime) -> SafeString:
    """Draw a time: relative for the eye, exact at hand."""
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        at.isoformat(),
        at.strftime("%Y-%m-%d %H:%M:%S"),
        relative(at, now),
    )
