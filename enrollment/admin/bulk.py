"""Several requests at once: a page that shows each of them, then each decided on its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from enrollment.admin import access
from enrollment.admin import decide as desk
from enrollment.admin.chosen import ids
from enrollment.admin.queue import names_of
from enrollment.ca.disposition import Disposition
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.policy import Deny
from enrollment.models import EnrollmentRequest
from enrollment.services import manager_scopes, review

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

    from enrollment.admin.access import Person

_TITLES: Final = {"issue": "Issue these requests?", "deny": "Deny these requests?"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One selected request: what would be signed, or why it cannot be."""

    row: EnrollmentRequest
    names: str
    digest: str = ""
    subject: str = ""
    ends: datetime | None = None
    problem: str = ""


@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """Show what was selected; when confirmed, decide each on its own."""
    if not access.may_review(request.user):
        raise PermissionDenied
    act = request.POST.get("act", "")
    chosen = ids(request, "request")
    if act not in _TITLES or not chosen:
        messages.warning(request, "Select at least one request, then choose Issue or Deny.")
        return redirect("admin:index")
    form = desk.DenyForm(request.POST if "confirmed" in request.POST else None)
    if "confirmed" in request.POST and (act == "issue" or form.is_valid()):
        return _carry_out(request, act, chosen, form)
    context = {
        **admin.site.each_context(request),
        "title": _TITLES[act],
        "act": act,
        "candidates": [_candidate(row, act, request.user) for row in _rows(chosen)],
        "form": form,
    }
    return render(request, "admin/queue_decide.html", context)


def _rows(chosen: list[int]) -> list[EnrollmentRequest]:
    return list(EnrollmentRequest.objects.filter(pk__in=chosen).order_by("pk"))


def _candidate(row: EnrollmentRequest, act: str, person: Person) -> Candidate:
    names = names_of(row)
    if row.disposition != Disposition.UNDER_SUBMISSION:
        return Candidate(row, names, problem=f"It is already {row.state.name.lower()}.")
    remit = manager_scopes.of(person)
    if not remit.has_request(row):
        return Candidate(row, names, problem=remit.refusal("this request"))
    if act == "deny":
        return Candidate(row, names)
    try:
        seen = review.prepare_review(row.pk, now=timezone.now())
    except (review.DecisionRefused, EnrollmentError) as error:
        return Candidate(row, names, problem=str(error))
    prepared = seen.prepared
    if prepared is None:
        reason = str(seen.decision.error) if isinstance(seen.decision, Deny) else "Open it."
        return Candidate(row, names, problem=f"It cannot be issued. {reason}")
    return Candidate(row, names, prepared.digest, prepared.subject_text, prepared.not_after)


def _carry_out(
    request: HttpRequest, act: str, chosen: list[int], form: desk.DenyForm
) -> HttpResponse:
    for request_id in chosen:
        if act == "issue":
            digest = request.POST.get(f"digest_{request_id}", "")
            result = desk.issue(request_id, digest, request.user)
        else:
            result = desk.deny(request_id, form.cleaned_data["reason"], request.user)
        messages.add_message(request, result.level, result.text)
    return redirect("admin:index")
