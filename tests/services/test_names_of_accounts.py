"""An account is found by its name in any case, and by no other name."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from enrollment.services import people


@pytest.fixture
def _two(db: None) -> None:
    """To PostgreSQL, a dotless i is an I."""
    for name in ("alice", "al\u0131ce"):
        User.objects.create(username=name)


@pytest.mark.usefixtures("_two")
@pytest.mark.parametrize("typed", ["alice", "ALICE", "Alice"])
def test_somebody_with_a_name_alike_keeps_nobody_out(typed: str) -> None:
    found = people.find(typed)

    assert found is not None
    assert found.username == "alice"


@pytest.mark.django_db
def test_a_name_that_only_a_database_folds_is_nobody_s() -> None:
    User.objects.create(username="alice")

    assert people.find("al\u0131ce") is None


@pytest.mark.django_db
def test_two_names_that_differ_in_case_are_found_as_they_are_written() -> None:
    for name in ("alice", "ALICE"):
        User.objects.create(username=name)

    assert people.find("ALICE") == User.objects.get(username="ALICE")
    assert people.find("Alice") is None
