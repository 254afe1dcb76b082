"""Names that no account has are looked for by an index: a stranger sends as many as he likes."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection

from enrollment.services import people

INDEX = "enrollment_username_any_case"


@pytest.fixture
def _small_tables_too(db: None) -> None:
    """PostgreSQL reads a small table as a whole, whatever index there is."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")


@pytest.mark.usefixtures("_small_tables_too")
@pytest.mark.parametrize("name", ["nobody", "NOBODY", "no_b%dy", "nobody@example.com"])
def test_an_unknown_name_is_looked_for_by_the_index(name: str) -> None:
    assert INDEX in User.objects.filter(username__iexact=name).explain()


@pytest.mark.django_db
def test_a_name_is_found_in_any_case_and_only_when_it_is_one_persons() -> None:
    alice = User.objects.create_user("alice_1%")
    assert people.find("ALICE_1%") == alice
    assert people.find("ALICEx1%") is None
    User.objects.create_user("Alice_1%")

    assert people.find("alice_1%") == alice
    assert people.find("ALICE_1%") is None
