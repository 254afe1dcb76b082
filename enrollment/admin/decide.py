"""Issue and Deny, as the desk carries them out: one service call each, one sentence back."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django import forms
from django.contrib import messages
from django.utils import timezone

from enrollment.ca.errors import EnrollmentError
from enrollment.services import review

if TYPE_CHECKING:
    from collections.abc import Mapping

    from enrollment.admin.access import Person

LONGEST_REASON: Final = 500
_log = logging.getLogger("certsrv.desk")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one request, as a message for the reviewer."""

    text: str
    level: int

    @property
    def is_done(self) -> bool:
        """Whether the request was decided as wished."""
        return self.level == messages.SUCCESS


class DenyForm(forms.Form):
    """Why a request is denied; the requester reads it."""

    reason = forms.CharField(
        label="Reason, which the requester will read",
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why: the requester reads this and has nothing else."},
    )

    def __init__(self, data: Mapping[str, object] | None = None) -> None:
        super().__init__(data, label_suffix="", use_required_attribute=False)


def issue(request_id: int, digest: str, person: Person) -> Result:
    """Approve exactly the content that was shown; a refusal becomes a sentence."""
    try:
        done = review.approve(
            request_id, review.reviewer_of(person), digest=digest, now=timezone.now()
        )
    except (review.DecisionRefused, EnrollmentError) as error:
        return Result(f"Request {request_id} was not issued. {error}", messages.ERROR)
    except Exception:  # noqa: BLE001 - see below
        # The key or the disk failed after the content was committed: the reviewer must get a
        # page, and the next start finishes the certificate (`services.issuance.recover`).
        _log.exception("request %d could not be issued", request_id)
        return Result(
            f"Request {request_id} could not be signed. It is approved, and the certificate is "
            "finished at the next start of the site; the operator finds the reason in the log.",
            messages.ERROR,
        )
    if done.certificate is None:
        return Result(
            f"You approved request {request_id}: {done.tally}. Another certificate manager must, "
            "too, before it is issued.",
            messages.SUCCESS,
        )
    return Result(
        f"Request {request_id} is issued to {done.certificate.requester}.", messages.SUCCESS
    )


def deny(request_id: int, reason: str, person: Person) -> Result:
    """Deny with a reason; a refusal becomes a sentence."""
    try:
        row = review.deny(request_id, review.reviewer_of(person), reason=reason, now=timezone.now())
    except review.DecisionRefused as error:
        return Result(f"Request {request_id} was not denied. {error}", messages.ERROR)
    return Result(f"Request {request_id} of {row.requester} is denied.", messages.SUCCESS)
