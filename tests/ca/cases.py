"""Cases for the policy, in one line each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from enrollment.ca.policy import Case, Deny, decide
from tests import make

if TYPE_CHECKING:
    from enrollment.ca import errors
    from enrollment.ca.request import CertificationRequest


def small(common_name: str | None = "www.example.com", **options: Any) -> CertificationRequest:
    return make.request(common_name, **{"kind": "ec:p256", **options})


def refusal(case: Case) -> errors.EnrollmentError:
    decision = decide(case)
    assert isinstance(decision, Deny), decision
    return decision.error


def with_microsoft(**facts: Any) -> CertificationRequest:
    request = small()
    return replace(request, microsoft=replace(request.microsoft, **facts))
