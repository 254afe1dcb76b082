"""What the roll-over page says of each key: where it stands, and what is to be done."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from enrollment.models import CrossCertificate
from enrollment.services import cross, key_use, publication, retirement, rollover, rollover_duties
from enrollment.services.rollover import Stage
from enrollment.services.rollover_duties import Urgency, day
from tests.services.generations import after, end_of_ca, issue, renew

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User
    from pytest_django import DjangoAssertNumQueries

    from enrollment.services.rollover_duties import Duty
    from enrollment.services.setup import SetupReport
    from tests.services.acts import Configure

SUB_CA = timedelta(days=5 * 365)


def stages(now: datetime) -> dict[int, Stage]:
    return {key.key_index: key.stage for key in rollover.generations(now)}


def duties(key_index: int, now: datetime) -> list[Duty]:
    return [duty for duty in rollover_duties.due(now) if duty.key_index == key_index]


def said(key_index: int, now: datetime) -> str:
    return " ".join(duty.sentence for duty in duties(key_index, now))


def test_a_key_goes_through_its_stages(alice: User) -> None:
    leaf = issue(alice)
    assert stages(timezone.now()) == {0: Stage.CURRENT}
    renew()
    assert stages(timezone.now()) == {1: Stage.CURRENT, 0: Stage.NEEDED}
    now = after(leaf)
    assert stages(now)[0] is Stage.CLOSING
    publication.publish_due(now + timedelta(weeks=1))
    assert stages(now)[0] is Stage.FREE
    retirement.retire(0, actor="maria", now=now)
    assert stages(now)[0] is Stage.RETIRED


def test_a_key_whose_certificate_ended_has_ended(alice: User) -> None:
    issue(alice)
    renew()

    assert stages(end_of_ca(0) + timedelta(days=1))[0] is Stage.ENDED


def test_a_key_is_told_with_its_certificates_its_list_and_its_bridges(alice: User) -> None:
    issue(alice)
    for new_key in (False, True, False):
        renew(new_key=new_key)

    new, old = rollover.generations(timezone.now())

    assert [row.index for row in new.certificates] == [3, 2]
    assert [row.index for row in old.certificates] == [1, 0]
    assert [str(row) for row in new.crosses] == ["(2-1)"]
    assert [str(row) for row in old.crosses] == ["(1-2)"]
    assert old.newest_list is not None
    assert old.newest_list.number == publication.lists()[0].number


def test_the_sentence_of_an_old_key_has_the_count_and_the_date(alice: User) -> None:
    issue(alice, "a.example.com")
    leaf = issue(alice, "b.example.com")
    renew()

    sentence = said(0, timezone.now())

    assert "2 certificates hang on it" in sentence
    assert f"It can go on {day(leaf.not_after)}" in sentence


def test_more_than_anybody_counts_is_said_to_be_more(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_use, "CEILING", 1)
    issue(alice)
    renew()

    assert "1 certificates or more hang" in said(0, timezone.now())


def test_the_new_root_is_to_be_installed_before_the_bridge_ends(alice: User) -> None:
    issue(alice)
    renew()

    sentence = said(1, timezone.now())

    assert "Install CA certificate 1 wherever certificates are verified" in sentence
    assert f"by {day(end_of_ca(0))}" in sentence
    assert "cross certificate (0-1)" in sentence


def test_without_a_bridge_the_new_root_is_to_be_installed_soon(
    alice: User, configure: Configure
) -> None:
    configure(CERTSRV_CROSS_CERTIFICATES="no")
    issue(alice)
    renew()

    (duty,) = [one for one in duties(1, timezone.now()) if "Install" in one.sentence]
    assert duty.urgency is Urgency.SOON
    assert "no cross certificate leads to it" in duty.sentence


def test_a_missing_bridge_is_said_with_the_command_that_makes_it(alice: User) -> None:
    renew()
    CrossCertificate.objects.all().delete()

    commands = [duty.command for duty in rollover_duties.due(timezone.now())]

    assert commands.count("ca cross") == 2
    cross.make_missing(timezone.now(), actor="test")
    assert "ca cross" not in [duty.command for duty in rollover_duties.due(timezone.now())]


@pytest.mark.parametrize(
    ("before_end", "urgency"),
    [
        pytest.param(SUB_CA + timedelta(days=100), Urgency.NOTHING, id="long before"),
        pytest.param(SUB_CA + timedelta(days=80), Urgency.SOON, id="three months before"),
        pytest.param(SUB_CA - timedelta(days=1), Urgency.SOON, id="certificates are cut short"),
        pytest.param(timedelta(days=30), Urgency.NOW, id="at the end"),
        pytest.param(-timedelta(days=1), Urgency.NOW, id="after the end"),
    ],
)
def test_the_renewal_is_due_before_the_ca_cuts_short_what_it_issues(
    before_end: timedelta, urgency: Urgency, site: SetupReport
) -> None:
    """The longest published template is the subordinate CA's: five years."""
    now = end_of_ca(0) - before_end
    publication.keep_published(now)

    renewal = duties(0, now)[0]

    assert renewal.urgency is urgency
    assert (renewal.command != "") is (urgency is not Urgency.NOTHING)


def test_a_list_that_is_overdue_is_due_now(alice: User) -> None:
    issue(alice)
    renew()
    later = timezone.now() + timedelta(days=8)

    overdue = [duty for duty in rollover_duties.due(later) if duty.command == "crl publish"]

    assert [(duty.key_index, duty.urgency) for duty in overdue] == [
        (1, Urgency.NOW),
        (0, Urgency.NOW),
    ]


def test_a_key_that_can_go_is_said_to_with_the_command(alice: User) -> None:
    leaf = issue(alice)
    renew()
    now = after(leaf)
    publication.publish(now=now, actor="test")

    (duty,) = duties(0, now)

    assert "This key can go" in duty.sentence
    assert duty.command == "ca retire 0"


def test_after_retirement_the_key_is_to_be_destroyed_and_then_nothing(site: SetupReport) -> None:
    renew()
    now = timezone.now()
    retirement.retire(0, actor="maria", now=now)
    (before,) = duties(0, now)
    retirement.destroy(0, actor="maria", now=now)
    (done,) = duties(0, now)

    assert before.command == "ca retire 0 --destroy-key"
    assert (done.urgency, done.command) == (Urgency.NOTHING, "")


def test_what_a_view_reads_does_not_grow_with_the_certificates(
    alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for name in "abc":
        issue(alice, f"{name}.example.com")
    renew()

    with django_assert_max_num_queries(60):
        rollover_duties.due(timezone.now())
