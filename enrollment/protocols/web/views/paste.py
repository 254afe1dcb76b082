"""certrqxt.asp: paste, drop or choose a request; and the preview of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from enrollment import conf
from enrollment.ca.disposition import Disposition
from enrollment.protocols.web import codec, commands
from enrollment.protocols.web.answers import page
from enrollment.protocols.web.forms import SubmitForm
from enrollment.protocols.web.pages import RenewingNote, name_of
from enrollment.protocols.web.previews import PreviewPage, preview_of, unreadable
from enrollment.protocols.web.wire import BodyUnreadable, posted, query, submitted_request
from enrollment.protocols.web.wording import SUBMIT_FILE_TODAY, Wording, wording
from enrollment.services import delivery, directory

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from enrollment.ca.policy import Requester
    from enrollment.protocols.web.codec import Fields

# What most visitors come for; it only stands chosen in the list when it is offered.
_USUAL_TEMPLATE: Final = "WebServer"


@require_safe
def certrqxt(request: HttpRequest) -> HttpResponse:
    """Show the box for a saved request."""
    return paste_page(request)


def paste_page(request: HttpRequest, *, advanced: bool = False) -> HttpResponse:
    """Show the paste form; `renews` names the request whose certificate shall be renewed."""
    fields = query(request)
    requester = directory.requester_of(request.user)
    words = wording(fields.text("flow"))
    note, template = _renewing(fields, requester)
    initial = {"lbCertTemplate": template}
    return _draw(request, words, requester, initial, advanced=advanced, renewing=note)


@require_http_methods(["GET", "HEAD", "POST"])
def preview(request: HttpRequest) -> HttpResponse:
    """Tell what the CA reads in a request, as a part of a page or (`full`) as the whole page."""
    if request.method != "POST":
        return paste_page(request)
    requester = directory.requester_of(request.user)
    try:
        fields = posted(request)
    except BodyUnreadable as error:
        return page(request, "preview", preview=unreadable(str(error)))
    raw = submitted_request(request, fields, conf.current().max_request_bytes)
    shown = preview_of(raw, _attributes(fields), requester, timezone.now())
    if not fields.text("full"):
        return page(request, "preview", preview=shown)
    initial = {
        "CertRequest": _text_again(fields, raw, shown),
        "CertAttrib": fields.text("CertAttrib"),
        "lbCertTemplate": codec.template_of_option(fields.text("lbCertTemplate")),
    }
    return _draw(request, wording(fields.text("flow")), requester, initial, preview=shown)


def _attributes(fields: Fields) -> str:
    return codec.attribute_text(fields.text("CertAttrib"), fields.text("lbCertTemplate"))


def _text_again(fields: Fields, raw: bytes, shown: PreviewPage) -> str:
    """Fill the box once more; a file that was chosen comes back as text, a secret never."""
    if shown.is_secret:
        return ""
    return fields.text("CertRequest") or codec.as_text(raw)


def _renewing(fields: Fields, requester: Requester) -> tuple[RenewingNote | None, str]:
    number = codec.request_id(fields.text("renews"))
    row = delivery.find(number, requester)
    if row is None or row.certificate is None:
        return None, ""
    if row.state is not Disposition.ISSUED:
        # What was taken back is replaced with a new key, not renewed with the old one.
        return None, row.template_name
    note = RenewingNote(name_of(row), row.certificate.not_after, commands.renewal_command())
    return note, row.template_name


def _draw(  # noqa: PLR0913 - one page, three ways to it
    request: HttpRequest,
    words: Wording,
    requester: Requester,
    initial: dict[str, str],
    *,
    advanced: bool = False,
    renewing: RenewingNote | None = None,
    preview: PreviewPage | None = None,
) -> HttpResponse:
    templates = directory.templates_for(requester)
    chosen = initial.get("lbCertTemplate") or _USUAL_TEMPLATE
    form = SubmitForm(
        wording=words, templates=templates, initial={**initial, "lbCertTemplate": chosen}
    )
    return page(
        request,
        "paste",
        words,
        form=form,
        title=words.advanced_title if advanced else words.paste_title,
        advanced=advanced,
        long_link=SUBMIT_FILE_TODAY,
        renewing=renewing,
        preview=preview,
    )
