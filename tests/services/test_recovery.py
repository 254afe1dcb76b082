"""What a crash interrupted is finished by the next start: nothing lost, nothing twice."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import transaction
from django.utils import timezone

from enrollment.ca.disposition import Disposition, IllegalTransition, Step
from enrollment.ca.issuance import IssuanceFault
from enrollment.ca.policy import Requester as CoreRequester
from enrollment.keys import FileSigner, KeyFileMissing
from enrollment.models import Certificate, EnrollmentRequest, SigningRecord
from enrollment.services import authority, decision, issuance, judgement, review, setup
from tests import make
from tests.services.acts import issued, submit, submit_waiting

if TYPE_CHECKING:
    from enrollment.ca.policy import Requester
    from enrollment.models import Authority


class PowerCut(BaseException):
    """The process is gone."""


def interrupt(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the process die when it comes to `name`."""

    def die(*_: object, **__: object) -> None:
        raise PowerCut

    monkeypatch.setattr(issuance, name, die)


@pytest.fixture
def interrupted(requester: Requester, monkeypatch: pytest.MonkeyPatch) -> EnrollmentRequest:
    """A request whose content was committed when the power went."""
    with monkeypatch.context() as patch:
        interrupt(patch, "complete")
        with pytest.raises(PowerCut):
            submit(requester)
    return EnrollmentRequest.objects.get()


def test_a_crash_after_the_commit_leaves_the_serial_number_and_the_content(
    interrupted: EnrollmentRequest,
) -> None:
    (record,) = SigningRecord.objects.filter(request=interrupted)

    assert interrupted.state is Disposition.INCOMPLETE
    assert record.state == SigningRecord.State.COMMITTED
    assert not Certificate.objects.filter(request=interrupted).exists()


def test_the_next_start_signs_the_very_content_that_was_committed(
    interrupted: EnrollmentRequest,
) -> None:
    record = SigningRecord.objects.get(request=interrupted)

    (finished,) = issuance.recover(timezone.now() + timedelta(hours=1))

    assert issued(interrupted).tbs_certificate_bytes == bytes(record.tbs)
    assert finished.serial_number == record.serial_number


def test_a_second_start_finds_nothing_to_do(interrupted: EnrollmentRequest) -> None:
    assert len(issuance.recover(timezone.now())) == 1
    assert issuance.recover(timezone.now()) == []
    assert Certificate.objects.filter(request=interrupted).count() == 1


def test_a_crash_while_storing_loses_nothing_either(
    requester: Requester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed and not stored: the signature is thrown away, and made again."""
    with monkeypatch.context() as patch:
        interrupt(patch, "_store")
        with pytest.raises(PowerCut):
            submit(requester)

    (finished,) = issuance.recover(timezone.now())

    assert EnrollmentRequest.objects.get().certificate == finished


def test_two_starts_at_once_make_one_certificate(interrupted: EnrollmentRequest) -> None:
    one, other = (SigningRecord.objects.get(request=interrupted) for _ in range(2))

    first = issuance.complete(one, now=timezone.now())
    second = issuance.complete(other, now=timezone.now())

    assert first == second
    assert Certificate.objects.filter(request=interrupted).count() == 1
    assert other.request.state is Disposition.ISSUED
    assert other.request.certificate == first


def test_a_record_that_fails_does_not_keep_the_others_back(
    requester: Requester, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupt(patch, "complete")
        for _ in range(2):
            with pytest.raises(PowerCut):
                submit(requester)
    broken, whole = SigningRecord.objects.order_by("pk")
    SigningRecord.objects.filter(pk=broken.pk).update(tbs=b"0\x00")

    with pytest.raises(IssuanceFault):
        issuance.recover(timezone.now())

    assert EnrollmentRequest.objects.get(pk=broken.request_id).state is Disposition.INCOMPLETE
    assert EnrollmentRequest.objects.get(pk=whole.request_id).state is Disposition.ISSUED


def test_a_key_that_is_lost_is_asked_for_once(
    requester: Requester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signer that is down costs ten seconds each time."""
    asked = []

    def lost(row: Authority) -> None:
        asked.append(row)
        raise KeyFileMissing("The key is gone.")

    with monkeypatch.context() as patch:
        interrupt(patch, "complete")
        for _ in range(2):
            with pytest.raises(PowerCut):
                submit(requester)
    monkeypatch.setattr(authority, "signer_of", lost)

    with pytest.raises(KeyFileMissing):
        issuance.recover(timezone.now())

    assert len(asked) == 1


def test_a_committed_content_of_a_request_that_was_decided_otherwise_is_left_alone(
    interrupted: EnrollmentRequest,
) -> None:
    decision.record(interrupted, Step.DENY, "Denied by hand", now=timezone.now())

    assert issuance.recover(timezone.now()) == []


def test_what_was_only_shown_is_never_signed(requester: Requester) -> None:
    row = submit_waiting(requester)
    review.prepare_review(row.pk, now=timezone.now())

    assert issuance.recover(timezone.now()) == []
    assert EnrollmentRequest.objects.get(pk=row.pk).state is Disposition.UNDER_SUBMISSION


def test_set_up_finishes_what_was_interrupted(interrupted: EnrollmentRequest) -> None:
    report = setup.run_setup(now=timezone.now())

    assert report.recovered == 1


def test_a_key_that_is_not_the_cas_is_noticed_and_the_request_stays_open(
    interrupted: EnrollmentRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authority, "signer_of", lambda _row: FileSigner(make.key("ec:p256", 5)))

    with pytest.raises(IssuanceFault):
        issuance.recover(timezone.now())
    interrupted.refresh_from_db()
    assert interrupted.state is Disposition.INCOMPLETE


def test_nobody_may_wrap_the_commit_in_a_transaction_that_could_undo_it(
    transactional_db: None,
) -> None:
    """`durable`: what is committed must be committed."""
    setup.run_setup(now=timezone.now())

    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        submit(CoreRequester("alice"))


def test_a_request_without_a_template_is_never_prepared(
    requester: Requester, site_authority: Authority
) -> None:
    judged = judgement.judge(make.request(kind="ec:p256"), "", requester, now=timezone.now())

    with pytest.raises(IssuanceFault):
        issuance.prepare(judged, site_authority, now=timezone.now())


@pytest.fixture
def site_authority(requester: Requester) -> Authority:
    """The CA of the site."""
    return authority.current()


# --- the only writer of a disposition ---


def test_a_decision_moves_a_request_once(requester: Requester) -> None:
    row = submit_waiting(requester)
    stale = EnrollmentRequest.objects.get(pk=row.pk)
    decision.record(row, Step.DENY, "no", now=timezone.now())

    with pytest.raises(IllegalTransition, match="somebody else"):
        decision.record(stale, Step.ISSUE, "Issued", now=timezone.now())

    assert EnrollmentRequest.objects.get(pk=row.pk).state is Disposition.DENIED


def test_an_illegal_step_changes_nothing(requester: Requester) -> None:
    row = submit(requester)

    with pytest.raises(IllegalTransition):
        decision.record(row, Step.HOLD, "wait", now=timezone.now())

    assert EnrollmentRequest.objects.get(pk=row.pk).state is Disposition.ISSUED
