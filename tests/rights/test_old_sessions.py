"""A session, or a cookie that was stolen with it, is worth what its account may do now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from django.contrib.auth.models import Group, User

from enrollment.models import EnrollmentRequest, ManagerScope
from tests import make
from tests.rights.acts import Case, fields_of, filled
from tests.rights.scene import ANOTHERS, facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.rights.scene import Scene

E: Final = "/admin/enrollment"
DESK: Final = [
    Case("Open the desk", "GET", "/admin/", ANOTHERS, "manager"),
    Case("Read a request", "GET", f"{E}/enrollmentrequest/<id>/change/", ANOTHERS, "manager"),
    Case("Read a certificate", "GET", f"{E}/certificate/<id>/change/", ANOTHERS, "manager"),
    Case("Issue a request", "POST", f"{E}/enrollmentrequest/<id>/decide/", ANOTHERS, "manager"),
    Case("Deny a request", "POST", f"{E}/enrollmentrequest/<id>/decide/", ANOTHERS, "manager"),
    Case("Issue several", "POST", "/admin/queue/decide/", ANOTHERS, "manager"),
    Case("Revoke", "POST", "/admin/certificates/status/", ANOTHERS, "manager"),
    Case("Revoke all of a requester", "POST", "/admin/certificates/status/", ANOTHERS, "manager"),
    Case("Change an account", "POST", "/admin/auth/user/<id>/change/", ANOTHERS, "administrator"),
    Case("Delete a name grant", "POST", f"{E}/namegrant/<id>/delete/", ANOTHERS, "administrator"),
]
PAGES: Final = [
    Case("Read the pages", "GET", "/certsrv/", "own", "enrollee"),
    Case("List my requests", "GET", "/certsrv/requests", "own", "enrollee"),
    Case("Fetch a certificate", "GET", "/certsrv/certnew.cer?ReqID=<issued>", "own", "enrollee"),
    Case("Submit a request", "POST", "/certsrv/certfnsh.asp", "own", "enrollee"),
    Case("Ask after a request", "POST", "/certsrv/certfnsh.asp", "own", "enrollee"),
]


def lose_role(user: User) -> None:
    user.groups.clear()


def switch_off(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def change_password(user: User) -> None:
    """Elsewhere: this browser is not the one that did it."""
    fresh = User.objects.get(pk=user.pk)
    fresh.set_password("another long password")
    fresh.save()


def ask(client: Client, case: Case, scene: Scene) -> int:
    """Send what the case says; return the status."""
    thing = scene.of(case.role, case.whose)
    address, fields = filled(case.address, thing), fields_of(case, thing)
    send = client.post if case.method == "POST" else client.get
    return int(send(address, fields).status_code)


@pytest.mark.parametrize("case", DESK, ids=lambda case: case.act)
@pytest.mark.parametrize(
    ("loss", "status"), [(lose_role, 403), (switch_off, 401), (change_password, 401)]
)
def test_an_old_session_does_nothing_at_the_desk(
    case: Case, loss: Callable[[User], None], status: int, scene: Scene
) -> None:
    client = scene.browser(case.role)
    assert client.get("/admin/", follow=True).status_code == 200
    loss(scene.by_role[case.role].user)
    before = facts()

    answer = ask(client, case, scene)

    assert answer == status
    assert facts()[:-1] == before[:-1]  # a session that is void may be forgotten


@pytest.mark.parametrize("case", PAGES, ids=lambda case: case.act)
@pytest.mark.parametrize("loss", [switch_off, change_password])
def test_an_old_session_sees_no_page_of_certsrv(
    case: Case, loss: Callable[[User], None], scene: Scene
) -> None:
    client = scene.browser(case.role)
    assert client.get("/certsrv/").status_code == 200
    loss(scene.by_role[case.role].user)
    before = facts()

    assert ask(client, case, scene) == 401
    assert facts()[:-1] == before[:-1]


def test_an_old_session_enrolls_for_nothing_after_the_role_is_gone(scene: Scene) -> None:
    client = scene.browser("enrollee")
    lose_role(scene.by_role["enrollee"].user)

    client.post(
        "/certsrv/certfnsh.asp",
        {
            "Mode": "newreq",
            "CertRequest": make.request_pem("late.example.com").decode(),
            "CertAttrib": "CertificateTemplate:WebServer",
        },
    )

    newest = EnrollmentRequest.objects.order_by("-pk")[0]
    assert newest.state.name == "DENIED"
    assert newest.certificate is None


def test_an_old_session_of_a_manager_obeys_a_limit_that_is_new(scene: Scene) -> None:
    client = scene.browser("manager")
    limit = Group.objects.get(name="Operators")
    ManagerScope.objects.create(user=scene.by_role["manager"].user, requester_group=limit)
    case = Case(
        "Issue a request", "POST", f"{E}/enrollmentrequest/<id>/decide/", ANOTHERS, "manager"
    )

    ask(client, case, scene)

    waiting = EnrollmentRequest.objects.get(pk=scene.anothers.waiting.pk)
    assert waiting.state.name == "UNDER_SUBMISSION"
