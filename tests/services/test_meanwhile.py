"""Two requests at the same moment: names and limits hold for the second all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from enrollment.ca import der
from enrollment.ca.disposition import Disposition
from enrollment.models import Certificate, EnrollmentRequest
from enrollment.services import enroll, issuance
from enrollment.services.refusals import PolicyRefuses
from tests import make, messages
from tests.services.acts import approve, change_template, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    from enrollment.ca.policy import Requester


@pytest.fixture
def after_judgement(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Callable[[], EnrollmentRequest]], list[EnrollmentRequest]]:
    """Let somebody else's whole request pass between the judgement of one and its commit."""

    def arrange(act: Callable[[], EnrollmentRequest]) -> list[EnrollmentRequest]:
        done: list[EnrollmentRequest] = []
        prepare = enroll._prepare  # noqa: SLF001 - the moment in question

        def with_another(*arguments: Any) -> Any:
            monkeypatch.setattr(enroll, "_prepare", prepare)
            done.append(act())
            return prepare(*arguments)

        monkeypatch.setattr(enroll, "_prepare", with_another)
        return done

    return arrange


@pytest.fixture
def unsigned(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Stop somebody's request between its commit and its signature."""

    def stop(act: Callable[[], Any]) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(issuance, "complete", lambda *_, **__: 1 / 0)
            act()

    return stop


def test_a_name_that_somebody_else_was_given_meanwhile_makes_the_request_wait(
    requester: Requester, stranger: Requester, after_judgement: Any
) -> None:
    others = after_judgement(lambda: submit(stranger))

    row = submit(requester)

    assert others[0].state is Disposition.ISSUED
    assert row.state is Disposition.UNDER_SUBMISSION
    assert "somebody else holds a valid certificate with this name" in row.detail
    assert Certificate.objects.filter(requester=requester.name).count() == 0


def test_a_name_that_is_being_signed_for_somebody_else_makes_the_request_wait(
    requester: Requester, stranger: Requester, unsigned: Any
) -> None:
    unsigned(lambda: submit(stranger))

    row = submit(requester)

    assert row.state is Disposition.UNDER_SUBMISSION
    assert "somebody else holds a valid certificate with this name" in row.detail


def test_a_wildcard_over_a_host_that_somebody_else_was_given_meanwhile_waits(
    requester: Requester, stranger: Requester, after_judgement: Any
) -> None:
    after_judgement(lambda: submit(stranger, "shop.example.org"))

    row = submit(requester, "*.example.org", dns=["*.example.org"])

    assert row.state is Disposition.UNDER_SUBMISSION
    assert "hosts of others" in row.detail


def test_a_wildcard_over_a_host_that_is_being_signed_for_somebody_else_waits(
    requester: Requester, stranger: Requester, unsigned: Any
) -> None:
    unsigned(lambda: submit(stranger, "shop.example.org"))

    row = submit(requester, "*.example.org", dns=["*.example.org"])

    assert row.state is Disposition.UNDER_SUBMISSION


def test_a_wildcard_over_one_s_own_host_that_is_being_signed_is_issued(
    requester: Requester, unsigned: Any
) -> None:
    unsigned(lambda: submit(requester, "shop.example.org"))

    assert submit(requester, "*.example.org", dns=["*.example.org"]).state is Disposition.ISSUED


def test_other_names_and_other_people_are_not_in_the_way(
    requester: Requester, stranger: Requester, after_judgement: Any, unsigned: Any
) -> None:
    unsigned(lambda: submit(stranger, "mail.example.com"))
    unsigned(lambda: submit(requester, "www.example.com"))
    after_judgement(lambda: submit(stranger, "ftp.example.com"))

    row = submit(requester, "www.example.com")

    assert row.state is Disposition.ISSUED


@pytest.mark.parametrize("limit", ["limit_per_requester", "limit_per_name", "limit_in_all"])
def test_the_last_certificate_of_a_limit_is_given_once(
    limit: str, requester: Requester, after_judgement: Any
) -> None:
    change_template("WebServer", **{limit: 1})
    after_judgement(lambda: submit(requester))

    row = submit(requester)

    assert row.state is Disposition.DENIED
    assert "1 is the limit" in row.detail
    assert Certificate.objects.filter(template_name="WebServer").count() == 1


def test_a_limit_holds_also_for_what_has_no_names(
    requester: Requester, after_judgement: Any
) -> None:
    change_template("WebServer", limit_in_all=1)
    nameless = messages.name(("2.5.4.10", der.utf8_string("Example")))
    raw = messages.pkcs10(make.key("ec:p256"), nameless)
    after_judgement(lambda: submit(requester, raw=raw))

    assert submit(requester, raw=raw).state is Disposition.DENIED


def test_what_is_being_signed_counts_for_a_limit(requester: Requester, unsigned: Any) -> None:
    change_template("WebServer", limit_in_all=1)
    unsigned(lambda: submit(requester))

    row = submit(requester)

    assert row.state is Disposition.DENIED
    assert "1 is the limit" in row.detail


@pytest.mark.parametrize("limit", ["limit_per_requester", "limit_per_name", "limit_in_all"])
def test_no_manager_goes_past_a_limit_while_the_last_one_is_being_signed(
    limit: str, requester: Requester, unsigned: Any
) -> None:
    """With a key that is away for an hour, that moment lasts an hour."""
    change_template("WebServer", approval="always", **{limit: 1})
    first, second = submit(requester), submit(requester)

    def approve_without_a_key() -> None:
        with pytest.raises(ZeroDivisionError):
            approve(first)

    unsigned(approve_without_a_key)

    with pytest.raises(PolicyRefuses, match="1 is the limit"):
        approve(second)
    assert len(issuance.recover(timezone.now())) == 1
