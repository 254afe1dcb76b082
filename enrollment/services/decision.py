"""Where requests stand: the only writer of a disposition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from enrollment.ca import hresult
from enrollment.ca.disposition import Disposition, IllegalTransition, Step, advance
from enrollment.models import EnrollmentRequest
from enrollment.services.prepared import change

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.ca.errors import EnrollmentError

ISSUED = "Issued"
TAKEN_UNDER_SUBMISSION = "Taken Under Submission"


def record(  # noqa: PLR0913 - one column each
    row: EnrollmentRequest,
    step: Step,
    message: str,
    *,
    now: datetime,
    decided_by: str = "",
    status_code: int = hresult.SUCCESS,
    **columns: Any,  # noqa: ANN401 - columns of the row
) -> None:
    """Move a request on, once.

    Args:
        row: the request; changed in memory as in the database.
        step: what was decided.
        message: the disposition message, as clients read it.
        now: the moment of the decision.
        decided_by: the reviewer; empty for the policy.
        status_code: the HRESULT that goes with it.
        columns: what else changes in the same step.

    Raises:
        IllegalTransition: the disposition does not allow `step`, or somebody else was faster.
    """
    before = row.state
    values = {
        "disposition": advance(before, step).value,
        "disposition_message": message,
        "status_code": status_code,
        "decided_at": now,
        "decided_by": decided_by,
        **columns,
    }
    where = {"id": row.pk, "disposition": before.value}
    changed = change(EnrollmentRequest, where, values)
    if not changed:
        raise IllegalTransition(f"request {row.pk} was decided by somebody else meanwhile")
    for name, value in values.items():
        setattr(row, name, value)


def for_whom(row: EnrollmentRequest) -> dict[str, Any]:
    """Return what the audit trail adds to the event of a request by an enrollment agent."""
    return {"on_behalf_of": row.requester} if row.agent else {}


def hold(row: EnrollmentRequest, reason: str, *, now: datetime) -> None:
    """Keep a request for a certificate manager."""
    record(row, Step.HOLD, TAKEN_UNDER_SUBMISSION, now=now, detail=reason)


def refuse(row: EnrollmentRequest, error: EnrollmentError, *, now: datetime) -> None:
    """Refuse a request for a reason of the policy."""
    record(
        row,
        Step.DENY,
        error.disposition_message,
        now=now,
        status_code=error.hresult,
        detail=error.detail,
        remedy=error.remedy,
    )


__all__ = [
    "ISSUED",
    "TAKEN_UNDER_SUBMISSION",
    "Disposition",
    "IllegalTransition",
    "for_whom",
    "hold",
    "record",
    "refuse",
]
