"""Whatever changes something is refused when another site made the browser send it (ADR 0002)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rights.acts import LOOKS, Case, fields_of, filled
from tests.rights.scene import ROLES, facts
from tests.rights.test_matrix import ROWS, cases
from tests.undone import undone

if TYPE_CHECKING:
    from tests.rights.scene import Scene

ELSEWHERE = {
    "cross-site": {"Sec-Fetch-Site": "cross-site"},
    "a neighbor": {"Sec-Fetch-Site": "same-site"},
    "an old browser": {"Origin": "https://evil.example"},
}


def posts() -> list[Case]:
    """Return each kind of post once, by somebody who may do it."""
    found: dict[str, Case] = {}
    for row in ROWS:
        role = next((role for role in ROLES if row.cells[role] == "yes"), None)
        if role is not None:
            for case in cases(row, role):
                if case.method == "POST":
                    found.setdefault(f"{case.act} {case.address}", case)
    return list(found.values())


@pytest.mark.parametrize("case", posts(), ids=lambda case: f"{case.act}-{case.address}")
def test_a_post_from_elsewhere_does_nothing(case: Case, scene: Scene) -> None:
    thing = scene.of(case.role, case.whose)
    address, fields = filled(case.address, thing), fields_of(case, thing)
    for headers in ELSEWHERE.values():
        client = scene.browser(case.role)
        with undone():
            before = facts()
            response = client.post(address, fields, headers=headers)
            assert response.status_code == 403
            assert "sent from another site" in response.content.decode()
            assert facts() == before


def test_every_kind_of_post_is_tried() -> None:
    assert len(posts()) > 20
    assert {case.act for case in posts()} >= LOOKS
