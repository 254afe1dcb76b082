"""Certificates: what did we issue, to whom, and when does it end?"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseNotAllowed, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html

from enrollment.admin import access, facts, links, state, trail
from enrollment.admin.filters import EndFilter, IssuedFilter, KeyFilter, TemplateFilter
from enrollment.admin.paging import CEILING
from enrollment.admin.readonly import RecordAdmin
from enrollment.admin.revoke import names_of
from enrollment.admin.wording import grouped
from enrollment.ca import encode, lookalikes
from enrollment.ca.revocation import Act
from enrollment.models import Certificate
from enrollment.services import delivery, inventory, revocation, search, sheets
from enrollment.services.holdings import Holding, Of
from enrollment.services.revocation import Order, Revoker

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase
    from django.urls import URLPattern
    from django.utils.safestring import SafeString

_RENEWALS: Final = 20
_LONGEST_KEY: Final = 64


@admin.register(Certificate)
class CertificateAdmin(RecordAdmin[Certificate]):
    """Certificates may be found, read, downloaded and taken back; never edited or deleted."""

    list_display = ("names_shown", "requester_shown", "template_name", "ends", "state_shown",
                    "serial_shown")  # fmt: skip
    list_display_links = ("names_shown",)
    list_filter = (EndFilter, IssuedFilter, TemplateFilter, KeyFilter)
    # Only makes the search box appear; `get_search_results` does the search.
    search_fields = ("names__value",)
    search_help_text = (
        "A name or its beginning, a serial number, a thumbprint (in any writing), or an account."
    )
    change_list_template = "admin/enrollment/certificate/change_list.html"
    story_template = "admin/enrollment/certificate/story.html"

    def has_view_permission(self, request: HttpRequest, obj: Certificate | None = None) -> bool:
        return access.may_see_certificates(request.user)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Let those who may take certificates back select some."""
        columns = self.list_display
        return ("selected", *columns) if access.may_revoke(request.user) else columns

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
        key = search.hexadecimal(request.GET.get("key", "")[:_LONGEST_KEY]) or ""
        context = {
            "read_as": f"the key {grouped(key)}" if key else reading.words,
            "may_revoke": access.may_revoke(request.user),
            "holdings": _listed(reading, key),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Certificate], search_term: str
    ) -> tuple[QuerySet[Certificate], bool]:
        """Look the term up in the indexes; see `services.search`."""
        return queryset.filter(search.read(search_term[:255]).condition), False

    def get_urls(self) -> list[URLPattern]:
        """Two more addresses: the certificate itself in three encodings, and the list as CSV."""
        download = path(
            "<int:certificate_id>/download/<str:encoding>/",
            self.admin_site.admin_view(self.download),
            name="enrollment_certificate_download",
        )
        sheet = path(
            "csv/", self.admin_site.admin_view(self.sheet), name="enrollment_certificate_csv"
        )
        return [download, sheet, *super().get_urls()]

    def sheet(self, request: HttpRequest) -> HttpResponseBase:
        """Answer what the list would show, all its pages as one table."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return redirect("admin:enrollment_certificate_changelist")
        now = timezone.now()
        lines = sheets.csv(inventory.HEADINGS, inventory.lines(rows, CEILING, now))
        response = StreamingHttpResponse(
            itertools.chain([sheets.BYTE_ORDER_MARK], lines), content_type="text/csv; charset=utf-8"
        )
        name = f"certificates-{now:%Y-%m-%d}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

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
        subjects = [f"certificate {row.serial_number}"]
        if enrollment_request is not None:
            subjects.append(f"request {enrollment_request.pk}")
        takes_back = access.may_revoke(request.user)
        revoker = revocation.revoker_of(request.user)
        beyond = takes_back and not revoker.remit.certificates_among([row])
        names = list(dict.fromkeys(name.value for name in row.names.all()))
        return {
            "title": row.subject or "Certificate",
            "names": names,
            "doubts": lookalikes.doubts([row.subject, *names, row.requester]),
            "state": state.of_certificate(row, now),
            "mood": state.words_of_certificate(row, now)[0],
            "status": revocation.status_of(row),
            "taken_back": links.moment(row.revoked_at, now) if row.revoked_at else "",
            "acts": _acts(row, revoker, now) if takes_back and not beyond else (),
            "beyond": revoker.remit.refusal("this certificate") if beyond else "",
            "holdings": _around(row) if takes_back else (),
            "ends": links.moment(row.not_after, now),
            "serial": grouped(row.serial_number),
            "facts": facts.certificate_facts(parsed),
            "thumbprints": facts.thumbprints(parsed),
            "pem": encode.pem(bytes(row.der)),
            "enrollment_request": enrollment_request,
            "renewals": row.renewals.defer("raw").order_by("-pk")[:_RENEWALS],
            **trail.of(*subjects),
            "requester_address": links.requests_of(row.requester),
            "same_requester_address": links.certificates_of(row.requester),
            "same_key_address": links.certificates_with(row.spki_sha256),
        }

    @admin.display(
        description=format_html(
            '<input type="checkbox" data-desk-all="certificate" aria-label="{}">',
            "Select all on this page",
        )
    )
    def selected(self, row: Certificate) -> SafeString:
        return format_html(
            '<input type="checkbox" name="certificate" value="{}" aria-label="Select {}">',
            row.pk,
            names_of(row),
        )

    @admin.display(description="names")
    def names_shown(self, row: Certificate) -> str:
        return names_of(row)

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


def _acts(row: Certificate, revoker: Revoker, now: datetime) -> tuple[Act, ...]:
    """Return what this person may do to a certificate as it is."""
    return tuple(act for act in Act if revocation.objection(row, Order(act), revoker, now) is None)


def _around(row: Certificate) -> tuple[Holding, ...]:
    """Return the sets in which a certificate does not stand alone."""
    sets = (Holding(Of.REQUESTER, row.requester), Holding(Of.KEY, row.spki_sha256))
    return tuple(one for one in sets if one.rows().exclude(pk=row.pk).exists())


def _listed(reading: search.Reading, key: str) -> tuple[Holding, ...]:
    """Return the set that a list shows, when it shows one."""
    if key:
        return (Holding(Of.KEY, key),)
    return (Holding(Of.REQUESTER, reading.requester),) if reading.requester else ()


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
