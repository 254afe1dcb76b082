"""Who lacks a second factor is told for all accounts at once, as it is for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Permission, User

from enrollment.conf_people import SecondFactor
from enrollment.services import second_factor
from tests.conftest import person
from tests.signin.second_factors import give_app

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("wanted", "lacking"),
    [
        ("off", set()),
        ("managers", {"admin", "maria", "given", "root"}),
        ("report", {"admin", "maria", "given", "root"}),
        ("everybody", {"admin", "maria", "given", "root", "alice"}),
    ],
)
def test_who_is_listed_without_a_factor_is_who_would_be_asked_for_one(
    wanted: str, lacking: set[str], alice: User, manager: User, configure: Callable[..., None]
) -> None:
    """By a group, by a right of their own, by being above rights; not who has left."""
    given = User.objects.create_user("given")
    given.user_permissions.add(Permission.objects.get(codename="view_certificate"))
    User.objects.create_superuser("root")
    gone = User.objects.create_user("gone", is_active=False)
    gone.groups.set(manager.groups.all())
    give_app(person("ada", "CA Administrators"))
    configure(second_factor=SecondFactor(required=wanted))

    assert {row.username for row in second_factor.lacking()} == lacking
    active = [row for row in User.objects.filter(is_active=True) if second_factor.is_required(row)]
    assert {row.username for row in active} - {"ada"} == lacking
