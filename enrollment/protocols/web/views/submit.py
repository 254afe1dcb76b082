"""certfnsh.asp: submit a request, or ask after one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote_plus, unquote_plus

from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from enrollment import conf
from enrollment.ca import hresult
from enrollment.ca.disposition import Disposition
from enrollment.protocols.web import codec, pages
from enrollment.protocols.web.answers import error_page, note_unknown_id, page
from enrollment.protocols.web.wire import BodyUnreadable, posted, query, submitted_request
from enrollment.protocols.web.wording import Wording, wording
from enrollment.services import delivery, directory, enroll

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from enrollment.models import EnrollmentRequest
    from enrollment.protocols.web.codec import Fields

DOOR: Final = "web"
_NEW: Final = "newreq - New Request"
_CHECK: Final = "chkpnd - Check Pending"


@require_http_methods(["GET", "HEAD", "POST"])
def certfnsh(request: HttpRequest) -> HttpResponse:
    """Take a request in, or tell where one stands; a GET only meets a probing client."""
    if request.method != "POST":
        return page(request, "home")
    try:
        fields = posted(request)
    except BodyUnreadable as error:
        return error_page(
            request,
            pages.unusable(
                str(error), "Send one request, as text or DER.", hresult.INVALID_DATA, mode=_NEW
            ),
        )
    if fields.text("Mode").strip().casefold() == "chkpnd":
        return _standing(request, fields, fields.text("ReqID"))
    return _submit(request, fields)


def _submit(request: HttpRequest, fields: Fields) -> HttpResponse:
    raw = submitted_request(request, fields, conf.current().max_request_bytes)
    if not raw.strip():
        return error_page(request, _nothing_sent())
    attributes = codec.attribute_text(fields.text("CertAttrib"), fields.text("lbCertTemplate"))
    submission = enroll.Submission(
        raw=raw,
        attributes=attributes,
        requester=directory.requester_of(request.user),
        door=DOOR,
        friendly_type=fields.text("FriendlyType"),
    )
    row = enroll.enroll(submission, now=timezone.now())
    return result_page(request, row, wording(fields.text("flow")))


def _standing(request: HttpRequest, fields: Fields, number: str) -> HttpResponse:
    row = delivery.find(codec.request_id(number), directory.requester_of(request.user))
    if row is None:
        note_unknown_id(request)
        return error_page(request, pages.unknown_request(mode=_CHECK))
    return result_page(request, row, wording(fields.text("flow")), is_return=True)


@require_http_methods(["GET", "HEAD"])
def standing(request: HttpRequest) -> HttpResponse:
    """Tell where a request stands, at the address the waiting page gives to come back by."""
    fields = query(request)
    return _standing(request, fields, fields.text("id"))


def result_page(
    request: HttpRequest, row: EnrollmentRequest, words: Wording, *, is_return: bool = False
) -> HttpResponse:
    """Draw the page of a request's disposition."""
    if row.state is Disposition.REVOKED:
        return error_page(request, pages.revoked(row))
    if row.certificate is not None:
        return page(request, "issued", words, page=pages.issued_page(row))
    if row.state in (Disposition.UNDER_SUBMISSION, Disposition.INCOMPLETE):
        return _pending(request, row, words, is_return=is_return)
    return page(request, "denied", words, page=pages.standing_page(row))


def _pending(
    request: HttpRequest, row: EnrollmentRequest, words: Wording, *, is_return: bool
) -> HttpResponse:
    settings = conf.current()
    come_back = request.build_absolute_uri(f"{reverse('web:status')}?id={row.pk}")
    shown = pages.standing_page(
        row, come_back=come_back, pending_days=settings.pending_days, is_return=is_return
    )
    response = page(request, "pending", words, page=shown)
    entries = codec.read_pending_cookie(unquote_plus(request.COOKIES.get(codec.PENDING_COOKIE, "")))
    kept = [entry for entry in entries if entry.request_id != row.pk]
    kept.append(codec.PendingEntry(row.pk, row.friendly_type))
    remember(response, kept, request)
    return response


def remember(
    response: HttpResponse, entries: list[codec.PendingEntry], request: HttpRequest
) -> None:
    """Write the cookie by which this browser knows what it waits for (contract 1.5)."""
    response.set_cookie(
        codec.PENDING_COOKIE,
        quote_plus(codec.write_pending_cookie(entries)),
        max_age=conf.current().pending_days * 24 * 60 * 60,
        path=reverse("web:home"),
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def _nothing_sent() -> pages.ErrorPage:
    return pages.unusable(
        "No request was sent.",
        "Paste the whole block, from BEGIN to END CERTIFICATE REQUEST, or choose its file.",
        hresult.INVALID_DATA,
        mode=_NEW,
    )
