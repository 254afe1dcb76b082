"""Pages lead people on to what they can use, and to nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.signin.people import PASSWORD

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db

FACTORS = "/accounts/factors/"


@pytest.fixture
def browser(carol: User) -> Client:
    """Carol has just signed in with her password."""
    client = Client(SERVER_NAME="localhost")
    client.post("/accounts/login/", {"username": "carol", "password": PASSWORD})
    return client


def test_the_page_leads_to_the_password_of_those_who_have_one_here(
    browser: Client, carol: User
) -> None:
    shown = browser.get(FACTORS).content.decode()
    carol.set_unusable_password()
    carol.save()
    browser.force_login(carol)

    assert "Change your password" in shown
    assert "Change your password" not in browser.get(FACTORS).content.decode()


def test_whoever_has_no_work_at_the_desk_can_leave_for_another_account(browser: Client) -> None:
    answer = browser.get("/admin/")

    assert answer.status_code == 403
    assert 'action="/accounts/logout/"' in answer.content.decode()
