"""Names that groups may ask for, names that others hold, and limits, on a whole site."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from django.contrib.auth.models import Group
from django.utils import timezone

from enrollment.ca.disposition import Disposition
from enrollment.models import AuditEvent, Certificate, NameGrant, Template
from enrollment.services import knowledge, name_grants, review
from tests.services.acts import MARIA, approve, change_template, submit

if TYPE_CHECKING:
    from enrollment.ca.policy import Requester
    from enrollment.services.setup import SetupReport


def grant(group: str = "Enrollees", template: str | None = None, **lists: Any) -> NameGrant:
    row = NameGrant(
        group=Group.objects.get(name=group),
        template=Template.objects.get(name=template) if template else None,
        **lists,
    )
    name_grants.save(row, actor="ada", now=timezone.now())
    return row


def test_without_grants_the_template_alone_decides(requester: Requester) -> None:
    assert submit(requester, "anything.example.org").state is Disposition.ISSUED


def test_a_grant_limits_its_template_and_no_other(requester: Requester) -> None:
    grant(template="OfflineRouter", dns_suffixes=["routers.example.com"])

    assert submit(requester, "www.example.org").state is Disposition.ISSUED


def test_a_grant_for_every_template_limits_each(requester: Requester) -> None:
    grant(dns_suffixes=["example.com"])

    assert submit(requester, "www.example.com").state is Disposition.ISSUED
    refused = submit(requester, "www.example.org")
    assert refused.state is Disposition.DENIED
    assert "your groups may ask for" in refused.detail


def test_who_is_in_no_granted_group_is_refused(requester: Requester) -> None:
    grant("Operators", dns_suffixes=["example.com"])

    assert submit(requester, "www.example.com").state is Disposition.DENIED


def test_a_grant_that_names_nothing_is_refused_because_it_would_allow_everything(
    site: SetupReport,
) -> None:
    with pytest.raises(name_grants.GrantRefused):
        grant()


def test_every_change_of_a_grant_leaves_its_difference(site: SetupReport) -> None:
    row = grant(dns_suffixes=["example.com"])
    name_grants.delete(row, actor="ada", now=timezone.now())

    added, deleted = AuditEvent.objects.filter(verb__startswith="name grant").order_by("pk")
    assert added.detail["after"]["dns_suffixes"] == ["example.com"]
    assert (deleted.verb, deleted.actor) == ("name grant deleted", "ada")


def test_an_approval_is_judged_by_the_grants_of_its_own_day(requester: Requester) -> None:
    """Every path, approval included, goes through the same rules (field section 4.2)."""
    change_template("WebServer", approval="always")
    row = submit(requester, "www.example.org")
    shown = review.prepare_review(row.pk, now=timezone.now())
    grant(dns_suffixes=["example.com"])

    with pytest.raises(review.PolicyRefuses, match="your groups may ask for"):
        review.approve(row.pk, MARIA, digest=shown.digest, now=timezone.now())


# --- held by others ---


def test_the_second_to_ask_for_a_name_waits(requester: Requester, stranger: Requester) -> None:
    submit(requester, "www.example.com")

    second = submit(stranger, "www.example.com")

    assert second.state is Disposition.UNDER_SUBMISSION
    assert "somebody else holds" in second.disposition_message + second.detail
    assert "alice" not in second.disposition_message + second.detail


def test_a_manager_may_give_a_held_name_to_a_second(
    requester: Requester, stranger: Requester
) -> None:
    submit(requester, "www.example.com")

    assert approve(submit(stranger, "www.example.com")).requester == "charlie"


def test_many_certificates_of_one_s_own_do_not_hide_another_holder(
    requester: Requester, stranger: Requester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knowledge, "MOST_HOLDERS", 1)
    change_template("WebServer", held_names="ignore")
    submit(requester, "www.example.com")
    submit(stranger, "www.example.com")
    change_template("WebServer", held_names="wait")

    assert submit(stranger, "www.example.com").state is Disposition.UNDER_SUBMISSION


def test_a_name_is_free_again_when_its_holder_is_revoked_or_has_ended(
    requester: Requester, stranger: Requester
) -> None:
    submit(requester, "www.example.com")
    Certificate.objects.filter(requester="alice").update(revoked_at=timezone.now())

    assert submit(stranger, "www.example.com").state is Disposition.ISSUED


def test_a_site_in_its_dry_run_issues_and_notes_what_would_have_waited(
    requester: Requester, stranger: Requester
) -> None:
    change_template("WebServer", held_names="report")
    submit(requester, "www.example.com")

    second = submit(stranger, "www.example.com")

    assert second.state is Disposition.ISSUED
    assert any("somebody else holds" in remark for remark in second.remarks)


def test_a_common_name_that_is_nobody_s_does_not_hide_who_has_a_host(
    requester: Requester, stranger: Requester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many certificates for somebody's second account, and the first one got any host."""
    monkeypatch.setattr(knowledge, "MOST_HOLDERS", 3)
    submit(stranger, "Shop", dns=["shop.example.com"])
    for number in range(3):
        submit(stranger, "My box", dns=[f"box-{number}.example.com"])

    row = submit(requester, "My box", dns=["shop.example.com"])

    assert row.state is Disposition.UNDER_SUBMISSION
    assert "shop.example.com" in row.detail


def test_a_name_with_many_certificates_does_not_hide_who_has_another(
    requester: Requester, stranger: Requester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A manager would see fifty certificates of a friend, and none of whom the host is."""
    monkeypatch.setattr(knowledge, "MOST_HOLDERS", 3)
    friend = replace(stranger, name="friend")
    submit(stranger, None, dns=["shop.example.com"])
    for _ in range(3):
        submit(friend, None, dns=["box.example.com"])

    row = submit(requester, None, dns=["box.example.com", "shop.example.com"])

    shown = review.prepare_review(row.pk, now=timezone.now()).holders
    assert {(holder.name.value, holder.requester) for holder in shown} == {
        ("box.example.com", "friend"),
        ("shop.example.com", "charlie"),
    }
    assert "'shop.example.com'" in row.detail


def test_of_more_names_than_are_shown_each_has_its_holder(
    requester: Requester, stranger: Requester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knowledge, "MOST_HOLDERS", 1)
    hosts = [f"{number}.example.com" for number in range(4)]
    submit(stranger, None, dns=hosts)

    row = submit(requester, None, dns=hosts)

    shown = review.prepare_review(row.pk, now=timezone.now()).holders
    assert {holder.name.value for holder in shown} == set(hosts)


# --- limits ---


def test_the_certificate_above_the_limit_is_refused(
    requester: Requester, stranger: Requester
) -> None:
    change_template("WebServer", limit_per_requester=2)
    submit(requester, "a.example.com")
    submit(requester, "b.example.com")

    third = submit(requester, "c.example.com")

    assert third.state is Disposition.DENIED
    assert third.status_code == 0x80094011
    assert submit(stranger, "d.example.com").state is Disposition.ISSUED


def test_a_limit_per_name_counts_whoever_asks(requester: Requester, stranger: Requester) -> None:
    change_template("WebServer", limit_per_name=1, held_names="ignore")
    submit(requester, "www.example.com")

    assert submit(stranger, "www.example.com").state is Disposition.DENIED
    assert submit(stranger, "other.example.com").state is Disposition.ISSUED


def test_a_limit_per_name_counts_the_last_of_many_names(requester: Requester) -> None:
    change_template("WebServer", limit_per_name=1)
    submit(requester, None, dns=["www.example.com"])
    many = [f"host-{number}.example.com" for number in range(50)]

    assert submit(requester, None, dns=[*many, "www.example.com"]).state is Disposition.DENIED
    assert submit(requester, None, dns=many).state is Disposition.ISSUED


def test_a_limit_per_name_counts_a_host_as_one_wherever_it_stands(requester: Requester) -> None:
    change_template("WebServer", limit_per_name=1)
    submit(requester, None, dns=["www.example.com"])
    beside = (x509.SubjectAlternativeName([x509.RFC822Name("alice@example.com")]), False)

    row = submit(requester, "www.example.com", extensions=[beside])

    assert row.state is Disposition.DENIED


def test_what_was_issued_before_the_period_does_not_count(requester: Requester) -> None:
    change_template("WebServer", limit_in_all=1, limit_days=7)
    submit(requester, "a.example.com")
    Certificate.objects.update(issued_at=timezone.now() - timedelta(days=8))

    assert submit(requester, "b.example.com").state is Disposition.ISSUED


def test_a_site_that_runs_already_is_told_before_anything_waits(db: None) -> None:
    """A new rule that could stop existing users comes with a dry run first."""
    from importlib import import_module

    from django.apps import apps

    Template.objects.all().delete()
    Template.objects.create(name="Old", display_name="Old", oid="1.2.3", validity_days=1)
    import_module("enrollment.migrations.0003_report_held_names").report_only(apps, None)

    assert Template.objects.get().held_names == "report"
