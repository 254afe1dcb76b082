"""Users and roles: administrators only, and never a way to more rights than one has."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from enrollment import conf
from enrollment.conf_people import REPORT, SecondFactor
from enrollment.models import Account, AuditEvent
from enrollment.services import lockout, second_factor
from tests.signin.second_factors import give_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    SignIn = Callable[[User], Client]

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(administrator: User, signed_in: SignIn) -> Client:
    """The desk, with a CA administrator at it."""
    return signed_in(administrator)


def change(client: Client, user: User, **changes: Any) -> Any:
    """Save the page of a user with some fields changed."""
    fields = {
        "username": user.username,
        "email": user.email,
        "is_active": "on",
        "groups": [group.pk for group in user.groups.all()],
        "account-TOTAL_FORMS": "1",
        "account-INITIAL_FORMS": "1" if Account.objects.filter(user=user).exists() else "0",
        "account-0-dns_name": "",
        "account-0-upn": "",
        "manager_scopes-TOTAL_FORMS": "0",
        "manager_scopes-INITIAL_FORMS": "0",
        "certificate_mappings-TOTAL_FORMS": "0",
        "certificate_mappings-INITIAL_FORMS": "0",
    }
    return client.post(f"/admin/auth/user/{user.pk}/change/", fields | changes, follow=True)


def test_an_administrator_gives_somebody_a_role(alice: User, office: Client) -> None:
    managers = Group.objects.get(name="Certificate Managers")
    change(office, alice, groups=[managers.pk])

    assert list(alice.groups.all()) == [managers]
    event = AuditEvent.objects.get(subject="user alice")
    assert event.detail["changes"]["groups"] == [["Enrollees"], ["Certificate Managers"]]


def test_the_directory_entry_of_a_user_is_edited_beside_the_user(
    alice: User, office: Client
) -> None:
    change(office, alice, **{"account-0-dns_name": "pc7.example.com", "account-0-upn": "a@x.org"})

    assert alice.account.dns_name == "pc7.example.com"
    assert AuditEvent.objects.get(subject="user alice").detail["changes"]["upn"] == [
        None,
        "a@x.org",
    ]


def test_a_user_is_added_and_that_is_recorded_without_the_password(office: Client) -> None:
    office.post(
        "/admin/auth/user/add/",
        {
            "username": "zoe",
            "usable_password": "true",
            "password1": "correct horse battery",
            "password2": "correct horse battery",
            "account-TOTAL_FORMS": "0",
            "account-INITIAL_FORMS": "0",
            "manager_scopes-TOTAL_FORMS": "0",
            "manager_scopes-INITIAL_FORMS": "0",
            "certificate_mappings-TOTAL_FORMS": "0",
            "certificate_mappings-INITIAL_FORMS": "0",
        },
    )

    assert User.objects.filter(username="zoe").exists()
    assert "horse" not in str(AuditEvent.objects.get(subject="user zoe").detail)


def test_a_password_that_an_administrator_sets_is_recorded(alice: User, office: Client) -> None:
    office.post(
        f"/admin/auth/user/{alice.pk}/password/",
        {
            "usable_password": "true",
            "password1": "new horse battery",
            "password2": "new horse battery",
        },
    )

    alice.refresh_from_db()
    assert alice.check_password("new horse battery")
    assert AuditEvent.objects.get(subject="user alice").verb == "password set"


def test_a_user_is_switched_off_and_never_deleted(alice: User, office: Client) -> None:
    answer = office.post(f"/admin/auth/user/{alice.pk}/delete/", {"post": "yes"})
    change(office, alice, is_active="")

    alice.refresh_from_db()
    assert answer.status_code == 403
    assert not alice.is_active


def test_an_administrator_cannot_make_a_superuser(administrator: User, office: Client) -> None:
    change(office, administrator, is_superuser="on", user_permissions=["1"])

    administrator.refresh_from_db()
    assert not administrator.is_superuser
    assert not administrator.user_permissions.exists()


def test_an_administrator_cannot_take_over_a_superuser(office: Client) -> None:
    root = User.objects.create_superuser("root", password="a secret of roots")

    answer = office.post(
        f"/admin/auth/user/{root.pk}/password/",
        {
            "usable_password": "true",
            "password1": "new horse battery",
            "password2": "new horse battery",
        },
    )

    root.refresh_from_db()
    assert answer.status_code == 403
    assert root.check_password("a secret of roots")


@pytest.mark.parametrize("who", ["manager", "auditor"])
def test_nobody_else_changes_users(
    who: str, alice: User, request: pytest.FixtureRequest, signed_in: SignIn
) -> None:
    answer = change(signed_in(request.getfixturevalue(who)), alice, email="evil@example.com")

    alice.refresh_from_db()
    assert answer.status_code == 403
    assert alice.email == "alice@example.com"


def test_what_a_role_may_do_is_not_edited(office: Client) -> None:
    group = Group.objects.get(name="Enrollees")

    page = office.get(f"/admin/auth/group/{group.pk}/change/")

    assert page.status_code == 200
    assert "<textarea" not in page.content.decode()


def test_a_role_at_the_desk_shows_the_way_there_and_its_loss_hides_it(
    alice: User, office: Client
) -> None:
    """The mark draws a link on the request pages; it gives no right."""
    change(office, alice, groups=[Group.objects.get(name="Certificate Managers").pk])
    with_role = User.objects.get(pk=alice.pk).is_staff
    change(office, alice, groups=[Group.objects.get(name="Enrollees").pk])

    assert with_role
    assert not User.objects.get(pk=alice.pk).is_staff


def locked(user: User) -> None:
    now = timezone.now()
    attempt = lockout.Attempt(user.username, "192.0.2.1")
    while not lockout.failed(attempt, now):
        pass


def test_an_administrator_lets_somebody_try_again(alice: User, office: Client) -> None:
    locked(alice)
    page = office.get(f"/admin/auth/user/{alice.pk}/change/").content.decode()
    assert "Has to wait to sign in" in page
    assert "192.0.2.1" in page

    answer = office.post(f"/admin/auth/user/{alice.pk}/unlock/", follow=True).content.decode()

    assert "The account alice may try again." in answer
    assert "Has to wait" not in answer
    assert AuditEvent.objects.get(verb="sign-in unlocked").actor == "ada"


def test_nobody_else_lets_somebody_try_again(alice: User, desk: Client) -> None:
    locked(alice)

    assert desk.post(f"/admin/auth/user/{alice.pk}/unlock/").status_code == 403
    assert lockout.waits_of("alice", timezone.now())


def test_an_administrator_takes_lost_second_factors_away_and_sees_none_of_them(
    alice: User, office: Client
) -> None:
    secret = give_app(alice).secret
    page = office.get(f"/admin/auth/user/{alice.pk}/change/").content.decode()
    assert "Phone (authenticator app), since" in page.replace("<bdi>", "").replace("</bdi>", "")
    assert bytes(secret).hex() not in page

    answer = office.post(f"/admin/auth/user/{alice.pk}/reset-factors/", follow=True)

    assert "The account alice has no second factor any more." in answer.content.decode()
    assert not second_factor.has_any(alice)
    assert AuditEvent.objects.get(verb="second factors reset").actor == "ada"


def test_nobody_else_takes_second_factors_away(alice: User, desk: Client) -> None:
    give_app(alice)

    assert desk.post(f"/admin/auth/user/{alice.pk}/reset-factors/").status_code == 403
    assert second_factor.has_any(alice)


def test_nobody_is_renamed_for_requests_name_them(
    alice: User, charlie: User, office: Client
) -> None:
    """Otherwise a manager with a new name would not be who asked, and Charlie be ALICE."""
    change(office, charlie, username="ALICE")
    change(office, alice, username="somebody", email="alice@example.com")

    charlie.refresh_from_db()
    alice.refresh_from_db()
    assert (charlie.username, alice.username) == ("charlie", "alice")
    assert alice.email == "alice@example.com"


def test_a_search_for_thousands_of_words_is_no_fault(office: Client) -> None:
    answers = [
        office.get(address, {"q": "a " * 2000})
        for address in ("/admin/auth/user/", "/admin/enrollment/template/")
    ]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_the_list_says_who_lacks_a_second_factor_that_they_need(
    alice: User,
    manager: User,
    administrator: User,
    office: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    give_app(administrator)
    dry_run = dataclasses.replace(conf.current(), second_factor=SecondFactor(REPORT))
    monkeypatch.setattr(conf, "current", lambda: dry_run)

    def listed(question: str) -> dict[str, str]:
        rows = office.get(f"/admin/auth/user/?{question}").context["cl"].result_list
        entry = office.get("/admin/auth/user/").context["cl"].model_admin
        return {row.username: entry.factors(row) for row in rows}

    # The first account, `admin`, is in every group.
    lacking = {"maria": "⚠ no second factor", "admin": "⚠ no second factor"}
    assert listed("") == {"alice": "", "ada": "app"} | lacking
    assert listed("factor=lacking") == lacking
    assert set(listed("factor=any")) == {"ada"}
    assert set(listed("factor=none")) == {"alice", "maria", "admin"}
