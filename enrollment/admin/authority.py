"""The CA's own certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography import x509
from django.contrib import admin
from django.utils import timezone

from enrollment.admin import facts, links, trail
from enrollment.admin.readonly import RecordAdmin
from enrollment.ca import encode
from enrollment.models import Authority, CertificateRevocationList
from enrollment.services import cross, own_addresses

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.safestring import SafeString


@admin.register(Authority)
class AuthorityAdmin(RecordAdmin[Authority]):
    """CA certificates are made, renewed and installed by commands, never edited."""

    list_display = ("name", "index", "key_index", "ends")
    change_list_template = "admin/enrollment/authority/change_list.html"
    story_template = "admin/enrollment/authority/story.html"

    def story(self, request: HttpRequest, row: Authority) -> dict[str, Any]:
        parsed = x509.load_der_x509_certificate(bytes(row.der))
        addresses = own_addresses.written(row)
        return {
            "facts": facts.certificate_facts(parsed),
            "thumbprints": facts.thumbprints(parsed),
            "addresses": addresses,
            "remarks": list(dict.fromkeys(note for one in addresses for note in one.remarks)),
            "pem": encode.pem(bytes(row.der)),
            "ends": links.moment(parsed.not_valid_after_utc, timezone.now()),
            "crosses": [
                (cross.file_name(bridge), bridge)
                for bridge in cross.finished()
                if row in (bridge.issuing, bridge.target)
            ],
            "newest_crl": CertificateRevocationList.objects.filter(authority=row).first(),
            **trail.of(f"ca {row.index}"),
        }

    @admin.display(description="ends")
    def ends(self, row: Authority) -> SafeString:
        parsed = x509.load_der_x509_certificate(bytes(row.der))
        return links.moment(parsed.not_valid_after_utc, timezone.now())
