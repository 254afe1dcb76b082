"""The queue in a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment.ca.disposition import Disposition
from tests.admin.conftest import submit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from enrollment.models import EnrollmentRequest
    from tests.commands.conftest import Shell

pytestmark = pytest.mark.django_db


def test_the_list_shows_what_waits_and_nothing_else(
    waiting: EnrollmentRequest, alice: User, shell: Shell
) -> None:
    submit(alice, "issued.example.com", template="WebServer")

    printed = shell("requests", "list")

    assert "www.example.com" in printed
    assert "issued.example.com" not in printed
    assert printed.splitlines()[1].startswith(f"{waiting.pk} ")


def test_columns_stand_under_their_headings(waiting: EnrollmentRequest, shell: Shell) -> None:
    heading, row, *_ = shell("requests", "list").splitlines()

    assert heading.index("REQUESTER") == row.index(waiting.requester)


def test_programs_read_the_list_as_json(waiting: EnrollmentRequest, shell: Shell) -> None:
    [row] = shell.json("requests", "list")

    assert row["id"] == waiting.pk
    assert row["state"] == "waiting"
    assert row["names"] == ["www.example.com"]


def test_every_state_can_be_listed(alice: User, shell: Shell) -> None:
    submit(alice, template="WebServer")

    assert [row["state"] for row in shell.json("requests", "list", "--state", "all")] == ["issued"]
    assert shell.json("requests", "list", "--requester", "bob", "--state", "all") == []


def test_show_prints_the_digest_that_an_approval_may_name(
    waiting: EnrollmentRequest, shell: Shell
) -> None:
    seen = shell.json("requests", "show", str(waiting.pk))

    shell("requests", "approve", str(waiting.pk), "--digest", seen["digest"])

    waiting.refresh_from_db()
    assert waiting.disposition == Disposition.ISSUED


def test_approve_signs_what_it_prepares_at_that_moment(
    waiting: EnrollmentRequest, shell: Shell
) -> None:
    printed = shell("requests", "approve", str(waiting.pk))

    waiting.refresh_from_db()
    assert waiting.certificate is not None
    assert waiting.certificate.serial_number in printed
    assert waiting.decided_by.startswith("shell:")


def test_another_digest_issues_nothing(waiting: EnrollmentRequest, shell: Shell) -> None:
    sentence = shell.refused("requests", "approve", str(waiting.pk), "--digest", "0" * 64)

    waiting.refresh_from_db()
    assert "no longer what would be signed" in sentence
    assert waiting.disposition == Disposition.UNDER_SUBMISSION


def test_an_account_without_the_right_decides_nothing(
    waiting: EnrollmentRequest, auditor: User, shell: Shell
) -> None:
    name = auditor.get_username()

    approved = shell.refused("requests", "approve", str(waiting.pk), "--as", name)
    denied = shell.refused("requests", "deny", str(waiting.pk), "--reason", "no", "--as", name)

    waiting.refresh_from_db()
    assert approved == denied == "'otto' may not decide requests."
    assert waiting.disposition == Disposition.UNDER_SUBMISSION


def test_a_manager_decides_in_their_own_name(
    waiting: EnrollmentRequest, manager: User, shell: Shell
) -> None:
    shell("requests", "deny", str(waiting.pk), "--reason", "Wrong name.",
          "--as", manager.get_username())  # fmt: skip

    waiting.refresh_from_db()
    assert (waiting.decided_by, waiting.detail) == ("maria", "Wrong name.")


def test_nobody_approves_their_own_request_in_a_shell_either(
    manager: User, alice: User, shell: Shell
) -> None:
    manager.groups.add(*alice.groups.all())
    own = submit(manager)

    sentence = shell.refused("requests", "approve", str(own.pk), "--as", "maria")

    assert "another certificate manager must decide it" in sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("show", "77"), "There is no request 77."),
        (("approve", "77"), "There is no request 77."),
        (("deny", "77", "--reason", "no"), "There is no request 77."),
        (("deny", "77", "--reason", " "), "The reason is empty."),
        (("approve", "77", "--as", "nobody"), "There is no active account 'nobody'."),
        (("show", "x"), "invalid int value"),
        (("deny", "1"), "required: --reason"),
        (("show", "9" * 30), "There is no request"),
        ((), "required: VERB"),
    ],
)
def test_wrong_input_is_answered_with_a_sentence(
    words: tuple[str, ...], sentence: str, shell: Shell
) -> None:
    assert sentence in shell.refused("requests", *words)


def test_a_hostile_name_cannot_move_the_cursor(waiting: EnrollmentRequest, shell: Shell) -> None:
    type(waiting).objects.filter(pk=waiting.pk).update(requester="a\x1b[2Jb\u202ec\nd")

    printed = shell("requests", "list")

    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert len(printed.splitlines()) == 2
