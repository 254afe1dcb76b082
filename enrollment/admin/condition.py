"""The CA's condition: a banner on every page while something is wrong, and the page behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.utils import timezone

from enrollment.admin import access, links, state
from enrollment.ca.check import Severity
from enrollment.services import condition, ntlm_checks, reports

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.utils.safestring import SafeString

    from enrollment.admin.site import DeskSite
    from enrollment.ca.check import Check

_BADGES: Final = {
    Severity.OK: ("good", "✓", "In order"),
    Severity.WARNING: ("wait", "⚠", "Attention"),
    Severity.CRITICAL: ("bad", "✕", "Wrong"),
}
_OUTCOMES: Final = {
    Severity.OK: "The CA is in order.",
    Severity.WARNING: "The CA works, and something needs attention.",
    Severity.CRITICAL: "Something is wrong with the CA.",
}


@dataclass(frozen=True, slots=True)
class Banner:
    """The worst that is known, and how much there is beside it."""

    mood: str
    badge: SafeString
    name: str
    sentence: str
    others: int


@dataclass(frozen=True, slots=True)
class Line:
    """One check as the page shows it."""

    badge: SafeString
    check: Check


def banners(request: HttpRequest) -> tuple[Banner, ...]:
    """Return what is wrong, for those who can do something about it; nobody else sees it.

    The worst stands for all. What is a standing danger stands beside it, however bad the rest.
    """
    if not access.may_see_condition(request.user):
        return ()
    troubles = reports.read(timezone.now()).troubles
    shown = list(troubles[:1])
    if shown and shown[0].name != ntlm_checks.NAME:
        shown += [one for one in troubles if one.name == ntlm_checks.NAME][:1]
    others = len(troubles) - len(shown)
    return tuple(_banner(check, 0 if at else others) for at, check in enumerate(shown))


def _banner(check: Check, others: int) -> Banner:
    badge = _BADGES[check.severity]
    return Banner(badge[0], state.badge(*badge), check.name, check.sentence, others)


def page(request: HttpRequest, site: DeskSite) -> HttpResponse:
    """Show everything that was looked at, the worst first."""
    if not access.may_see_condition(request.user):
        raise PermissionDenied
    now = timezone.now()
    report = reports.read(now)
    context = {
        **site.each_context(request),
        "title": "Condition",
        "banners": (),
        "lines": [Line(state.badge(*_BADGES[one.severity]), one) for one in report.checks],
        "mood": _BADGES[report.worst][0],
        "outcome": _OUTCOMES[report.worst],
        "looked_at": report.looked_at and links.moment(report.looked_at, now),
        "may_check": access.may_check_condition(request.user),
    }
    return render(request, "admin/condition.html", context)


def check_now(request: HttpRequest) -> HttpResponse:
    """Look now; not more often than twice a minute, however many ask."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not access.may_check_condition(request.user):
        raise PermissionDenied
    try:
        done = reports.look_now(timezone.now())
    except condition.CaFault as fault:
        messages.error(request, str(fault))
    else:
        if done:
            messages.success(request, "Everything was looked at again.")
        else:
            messages.warning(
                request, "Somebody had it looked at less than half a minute ago. Wait, then reload."
            )
    return redirect("admin:condition")
