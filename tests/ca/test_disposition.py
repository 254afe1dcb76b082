"""The states of a request and every legal move."""

from __future__ import annotations

import pytest

from enrollment.ca.disposition import (
    TRANSITIONS,
    Disposition,
    IllegalTransition,
    Step,
    advance,
)
from enrollment.ca.errors import EnrollmentError


def test_dispositions_have_the_numbers_that_clients_know() -> None:
    """CR_DISP_*: contract section 6."""
    assert [(member.value, member.name) for member in Disposition] == [
        (0, "INCOMPLETE"),
        (1, "ERROR"),
        (2, "DENIED"),
        (3, "ISSUED"),
        (4, "ISSUED_OUT_OF_BAND"),
        (5, "UNDER_SUBMISSION"),
        (6, "REVOKED"),
    ]


@pytest.mark.parametrize(
    ("before", "step", "after"),
    [
        pytest.param(Disposition.INCOMPLETE, Step.ISSUE, Disposition.ISSUED, id="issued at once"),
        pytest.param(Disposition.INCOMPLETE, Step.HOLD, Disposition.UNDER_SUBMISSION, id="held"),
        pytest.param(Disposition.INCOMPLETE, Step.DENY, Disposition.DENIED, id="denied at once"),
        pytest.param(Disposition.INCOMPLETE, Step.FAIL, Disposition.ERROR, id="failed"),
        pytest.param(Disposition.UNDER_SUBMISSION, Step.ISSUE, Disposition.ISSUED, id="approved"),
        pytest.param(Disposition.UNDER_SUBMISSION, Step.DENY, Disposition.DENIED, id="turned down"),
        pytest.param(Disposition.ISSUED, Step.REVOKE, Disposition.REVOKED, id="revoked"),
        pytest.param(Disposition.REVOKED, Step.RELEASE, Disposition.ISSUED, id="released"),
    ],
)
def test_a_legal_step_leads_where_the_table_says(
    before: Disposition, step: Step, after: Disposition
) -> None:
    assert advance(before, step) is after


def test_every_move_that_is_not_in_the_table_is_refused() -> None:
    refused = [(state, step) for state in Disposition for step in Step]
    refused = [move for move in refused if move not in TRANSITIONS]

    assert len(refused) == len(Disposition) * len(Step) - 8
    for state, step in refused:
        with pytest.raises(IllegalTransition):
            advance(state, step)


def test_nothing_leads_out_of_denied_and_failed() -> None:
    for state in (Disposition.DENIED, Disposition.ERROR):
        assert not any(before is state for before, _ in TRANSITIONS)


def test_out_of_revoked_leads_the_release_from_hold_only() -> None:
    steps = [step for before, step in TRANSITIONS if before is Disposition.REVOKED]

    assert steps == [Step.RELEASE]


def test_an_illegal_step_is_told_in_words() -> None:
    with pytest.raises(IllegalTransition, match="cannot hold a request that is under submission"):
        advance(Disposition.UNDER_SUBMISSION, Step.HOLD)


def test_an_illegal_step_is_a_bug_and_never_shown_as_a_refusal() -> None:
    assert not issubclass(IllegalTransition, EnrollmentError)
