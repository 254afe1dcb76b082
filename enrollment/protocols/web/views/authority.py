"""certcarc.asp: the CA's certificates, chain and lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone
from django.views.decorators.http import require_safe

from enrollment import conf
from enrollment.protocols.web import authorities, codec
from enrollment.protocols.web.answers import page
from enrollment.protocols.web.wire import query
from enrollment.protocols.web.wording import wording
from enrollment.services import delivery

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
def certcarc(request: HttpRequest) -> HttpResponse:
    """Show every CA certificate, newest first, and what can be downloaded of each."""
    fields = query(request)
    shown = authorities.authority_page(
        delivery.authorities(),
        delivery.cross_certificates(timezone.now()),
        position=codec.position(fields.text("lbCaInstance")),
        has_delta=bool(conf.current().delta_period),
        encoding="bin" if codec.wants_der(fields.text("rbEncoding") or "bin") else "b64",
    )
    return page(request, "authority", wording(fields.text("flow")), page=shown)
