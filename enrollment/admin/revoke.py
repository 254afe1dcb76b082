"""Revoke, Hold and Release: a page that shows each certificate, then each changed on its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from enrollment.admin import access, links, state, target
from enrollment.admin.status_form import StatusForm
from enrollment.admin.wording import first_names
from enrollment.ca import lookalikes
from enrollment.ca.revocation import Act
from enrollment.services import crl_rows, revocation
from enrollment.services.holdings import MOST_AT_ONCE
from enrollment.services.revocation import Order, Outcome, Revoker

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse
    from django.utils.safestring import SafeString

    from enrollment.admin.target import Target
    from enrollment.models import Certificate

SHOWN: Final = 50
_MOST_REFUSALS: Final = 10
_DONE: Final = {Act.REVOKE: "revoked", Act.HOLD: "on hold", Act.RELEASE: "valid again"}
_VERBS: Final = {Act.REVOKE: "Revoke", Act.HOLD: "Hold", Act.RELEASE: "Release"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One certificate that would change, or why it cannot."""

    row: Certificate
    names: str
    state: SafeString
    ends: SafeString
    address: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the page asks: so many certificates, the first of them, and what is said with it."""

    act: Act
    target: Target
    form: StatusForm
    candidates: tuple[Candidate, ...]
    count: int
    newest: int
    programs_until: datetime | None

    @property
    def verb(self) -> str:
        """What the button says."""
        return _VERBS[self.act]

    @property
    def hidden(self) -> int:
        """How many are not shown one by one."""
        return self.count - len(self.candidates)

    @property
    def is_cut(self) -> bool:
        """Whether there may be more than are done in one go."""
        return self.count >= MOST_AT_ONCE

    @property
    def is_possible(self) -> bool:
        """Whether anything would change at all."""
        return any(not candidate.problem for candidate in self.candidates)


@require_POST
def change(request: HttpRequest) -> HttpResponse:
    """Show what the act is for; when confirmed, carry it out."""
    if not access.may_revoke(request.user):
        raise PermissionDenied
    if request.POST.get("act") not in list(Act):
        return _nothing(request, "Choose Revoke, Hold or Release.")
    act, now = Act(request.POST["act"]), timezone.now()
    meant = target.of(request, act)
    # A set that was not counted before cannot have been confirmed.
    is_confirmed = "confirmed" in request.POST and (
        meant.holding is None or meant.newest is not None
    )
    form = StatusForm(act, request.POST if is_confirmed else None)
    if is_confirmed and form.is_valid():
        return _carry_out(request, meant, form.order(), now)
    asked = _ask(meant, form, revocation.revoker_of(request.user), now)
    if not asked.candidates:
        return _nothing(request, _none_sentence(meant))
    context = {
        **admin.site.each_context(request),
        "title": _title(asked),
        "asked": asked,
    }
    return render(request, "admin/enrollment/certificate/status.html", context)


def _nothing(request: HttpRequest, sentence: str) -> HttpResponse:
    messages.warning(request, sentence)
    return redirect("admin:enrollment_certificate_changelist")


def _none_sentence(meant: Target) -> str:
    if meant.holding is None:
        return "Select at least one certificate, then choose Revoke, Hold or Release."
    wanted = "on hold" if meant.act is Act.RELEASE else "valid"
    yours = " and yours to take back" if meant.remit.is_limited else ""
    return f"There is no certificate {meant.holding.words} that is {wanted}{yours}: nothing to do."


def _title(asked: Confirmation) -> str:
    if asked.target.holding is not None:
        return f"{asked.verb} all certificates {asked.target.holding.words}?"
    return (
        f"{asked.verb} this certificate?"
        if asked.count == 1
        else (f"{asked.verb} these certificates?")
    )


def _ask(meant: Target, form: StatusForm, revoker: Revoker, now: datetime) -> Confirmation:
    rows = meant.rows(now)
    keys = list(rows.values_list("pk", flat=True))
    base = crl_rows.newest_base()
    return Confirmation(
        act=meant.act,
        target=meant,
        form=form,
        candidates=tuple(
            _candidate(row, meant.act, revoker, now)
            for row in rows.prefetch_related("names")[:SHOWN]
        ),
        count=len(keys),
        newest=keys[-1] if keys else 0,
        programs_until=base.next_update if base is not None else None,
    )


def _candidate(row: Certificate, act: Act, revoker: Revoker, now: datetime) -> Candidate:
    refused = revocation.objection(row, Order(act), revoker, now)
    return Candidate(
        row,
        names_of(row),
        state.of_certificate(row, now),
        links.moment(row.not_after, now),
        links.certificate_page(row.pk),
        problem=str(refused) if refused is not None else "",
    )


def names_of(row: Certificate) -> str:
    """Return the first names of a certificate, or its subject where it has none."""
    values = (lookalikes.told(name.value) for name in row.names.all())
    return first_names(values, lookalikes.told(row.subject))


def _carry_out(request: HttpRequest, meant: Target, order: Order, now: datetime) -> HttpResponse:
    revoker = revocation.revoker_of(request.user)
    done = revocation.change_status(meant.rows(now), order, revoker, now=now)
    _tell(request, done, order.act)
    left = meant.left(now)
    if left and meant.holding is not None:
        words = meant.holding.words
        count = f"More than {MOST_AT_ONCE:,}" if left > MOST_AT_ONCE else f"{left:,}"
        these = f"1 certificate {words} is" if left == 1 else f"{count} certificates {words} are"
        messages.warning(
            request,
            f"{these} left: issued meanwhile, or more than are done in one go. Look at them, and "
            "do it again.",
        )
    return redirect(meant.address)


def _tell(request: HttpRequest, done: Outcome, act: Act) -> None:
    """Say what changed and which list says so, and of the others why not."""
    if done.changed:
        level = messages.SUCCESS if done.crl_number is not None else messages.ERROR
        messages.add_message(request, level, f"{_what(done)} {_DONE[act]}{_published(done)}")
    elif not done.refused:
        messages.warning(request, "Nothing was changed: the certificates are not there any more.")
    for row, refused in done.refused[:_MOST_REFUSALS]:
        messages.error(request, f"{_one(row)}, was left as it is. {refused}")
    more = len(done.refused) - _MOST_REFUSALS
    if more > 0:
        messages.error(request, f"{more:,} more certificates were left as they are.")


def _what(done: Outcome) -> str:
    if len(done.changed) > 1:
        return f"{len(done.changed):,} certificates are"
    [row] = done.changed
    return f"{_one(row)}, is"


def _one(row: Certificate) -> str:
    return f"The certificate for {names_of(row)}, issued to {row.requester}"


def _published(done: Outcome) -> str:
    if done.crl_number is not None:
        return f"; CRL {done.crl_number} says so."
    return f", but no CRL could be published: {done.problem} The next publication says so."
