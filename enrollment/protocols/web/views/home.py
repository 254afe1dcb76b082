"""The pages that lead to the others, in the words of three generations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from enrollment import conf
from enrollment.protocols.web.answers import page
from enrollment.protocols.web.views.paste import paste_page
from enrollment.protocols.web.wire import query
from enrollment.protocols.web.wording import (
    SUBMIT_FILE_2000,
    SUBMIT_FILE_TODAY,
    Flow,
    wording,
)

if TYPE_CHECKING:
    from django.http import HttpRequest

_TASKS: Final = {
    "retrieve": "web:certcarc",
    "request": "web:certrqus",
    "check": "web:certckpn",
}


@require_safe
def root(request: HttpRequest) -> HttpResponse:
    """Lead from the bare host to the site."""
    del request
    return HttpResponseRedirect(reverse("web:home-slash"))


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show what can be done here; **Next >** of the Windows 2000 form leads on."""
    fields = query(request)
    address = _TASKS.get(fields.text("task").casefold())
    if address is not None:
        return _go(address, fields.text("flow"))
    return page(request, "home")


@require_safe
def certrqus(request: HttpRequest) -> HttpResponse:
    """Ask which kind of request it is."""
    fields = query(request)
    words = wording(fields.text("flow"))
    if words.flow is Flow.CERTIFICATE_SERVER_1:
        return page(request, "tools", words)
    if words.has_steps:
        kinds = {"advanced": "web:certrqad", "user": "web:certrqbi"}
        address = kinds.get(fields.text("type").casefold())
        if address is not None:
            return _go(address, words.flow)
        return page(request, "request_type_2000", words)
    return page(request, "request_type", words, long_link=SUBMIT_FILE_TODAY)


@require_safe
def certrqad(request: HttpRequest) -> HttpResponse:
    """Ask how; in today's words the paste form stands on this page already (contract 1.2)."""
    fields = query(request)
    words = wording(fields.text("flow"))
    if not words.has_steps:
        return paste_page(request, advanced=True)
    ways = {"file": "web:certrqxt", "form": "web:certrqma"}
    address = ways.get(fields.text("type").casefold())
    if address is not None:
        return _go(address, words.flow)
    return page(request, "advanced_2000", words, long_link=SUBMIT_FILE_2000)


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """Explain how a request becomes a certificate."""
    return page(request, "help", pending_days=conf.current().pending_days)


def result_part(request: HttpRequest) -> HttpResponse:
    """Lead home from the addresses that were parts of certfnsh.asp (contract 1.6)."""
    del request
    return HttpResponseRedirect(reverse("web:home-slash"))


def _go(address: str, flow: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse(address)}{wording(flow).query}")
