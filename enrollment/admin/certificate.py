"""Certificates: what did we issue, to whom, and when does it end?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone

from enrollment.admin import facts, links, state
from enrollment.admin.filters import EndFilter, IssuedFilter, TemplateFilter
from enrollment.admin.readonly import RecordAdmin
from enrollment.admin.wording import grouped
from enrollment.ca import encode
from enrollment.models import AuditEvent, Certificate
from enrollment.services import delivery, search

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.urls import URLPattern
    from django.utils.safestring import SafeString

_FIRST_NAMES: Final = 3
_EVENTS: Final = 20


@admin.register(Certificate)
class CertificateAdmin(RecordAdmin[Certificate]):
    """Certificates may be found, read and downloaded; never edited or deleted."""

    list_display = ("names_shown", "requester_shown", "template_name", "ends", "state_shown",
                    "serial_shown")  # fmt: skip
    list_filter = (EndFilter, IssuedFilter, TemplateFilter)
    # Only makes the search box appear; `get_search_results` does the search.
    search_fields = ("names__value",)
    search_help_text = (
        "A name or its beginning, a serial number, a thumbprint (in any writing), or an account."
    )
    change_list_template = "admin/enrollment/certificate/change_list.html"
    story_template = "admin/enrollment/certificate/story.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Certificate]:
        return super().get_queryset(request).prefetch_related("names").defer("der")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Return an order that an index has: by end when an end is asked for."""
        return ("not_after", "pk") if request.GET.get("ends") else ("-pk",)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """List certificates, and say how the search was understood."""
        reading = search.read(request.GET.get("q", "")[:255])
        return super().changelist_view(request, {**(extra_context or {}), "read_as": reading.words})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Certificate], search_term: str
    ) -> tuple[QuerySet[Certificate], bool]:
        """Look the term up in the indexes; see `services.search`."""
        return queryset.filter(search.read(search_term[:255]).condition), False

    def get_urls(self) -> list[URLPattern]:
        """One more address: the certificate itself, in three encodings."""
        download = path(
            "<int:certificate_id>/download/<str:encoding>/",
            self.admin_site.admin_view(self.download),
            name="enrollment_certificate_download",
        )
        return [download, *super().get_urls()]

    def download(self, request: HttpRequest, certificate_id: int, encoding: str) -> HttpResponse:
        """Answer the octets of one certificate."""
        row = get_object_or_404(Certificate, pk=certificate_id)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if encoding not in _ENCODINGS:
            raise Http404
        media_type, ending = _ENCODINGS[encoding]
        response = HttpResponse(_encoded(row, encoding), content_type=media_type)
        name = f"{row.serial_number}.{ending}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def story(self, request: HttpRequest, row: Certificate) -> dict[str, Any]:
        parsed = x509.load_der_x509_certificate(bytes(row.der))
        now = timezone.now()
        enrollment_request = getattr(row, "request", None)
        subject = f"request {enrollment_request.pk}" if enrollment_request else ""
        return {
            "title": row.subject or "Certificate",
            "names": [name.value for name in row.names.all()],
            "state": state.of_certificate(row, now),
            "ends": links.moment(row.not_after, now),
            "serial": grouped(row.serial_number),
            "facts": facts.certificate_facts(parsed),
            "thumbprints": facts.thumbprints(parsed),
            "pem": encode.pem(bytes(row.der)),
            "enrollment_request": enrollment_request,
            "renewals": row.renewals.defer("raw").order_by("-pk")[:_EVENTS],
            "events": AuditEvent.objects.filter(subject=subject)[:_EVENTS] if subject else (),
            "events_address": links.events_of(subject),
            "requester_address": links.requests_of(row.requester),
            "same_requester_address": links.certificates_of(row.requester),
        }

    @admin.display(description="names")
    def names_shown(self, row: Certificate) -> str:
        values = list(dict.fromkeys(name.value for name in row.names.all()))
        if not values:
            return row.subject or "(no name)"
        rest = len(values) - _FIRST_NAMES
        return ", ".join(values[:_FIRST_NAMES]) + (f" and {rest} more" if rest > 0 else "")

    @admin.display(description="requester")
    def requester_shown(self, row: Certificate) -> SafeString:
        return links.anchor(links.certificates_of(row.requester), row.requester)

    @admin.display(description="ends")
    def ends(self, row: Certificate) -> SafeString:
        return links.moment(row.not_after, timezone.now())

    @admin.display(description="state")
    def state_shown(self, row: Certificate) -> SafeString:
        return state.of_certificate(row, timezone.now())

    @admin.display(description="serial number")
    def serial_shown(self, row: Certificate) -> str:
        return grouped(row.serial_number)


_ENCODINGS: Final = {
    "der": ("application/pkix-cert", "cer"),
    "pem": ("application/x-pem-file", "pem"),
    "p7b": ("application/x-pkcs7-certificates", "p7b"),
}


def _encoded(row: Certificate, encoding: str) -> bytes:
    der = bytes(row.der)
    if encoding == "der":
        return der
    if encoding == "pem":
        return encode.pem(der).encode()
    return encode.pkcs7(delivery.chain_of(row))
