"""docs/reference/errors.md names every refusal with its code, its symbol and its stage."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

import pytest

import enrollment.ca
from enrollment.ca import hresult
from enrollment.ca.errors import PARSING, POLICY, VERIFYING, EnrollmentError
from tests.docs.pages import Row, page

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = page("docs/reference/errors.md")
ROWS = {
    row.code("refusal")[0]: (stage, row)
    for stage in (PARSING, VERIFYING, POLICY)
    for row in PAGE.rows(f"## {stage}")
}


def _below(base: type[EnrollmentError]) -> Iterator[type[EnrollmentError]]:
    for child in base.__subclasses__():
        yield child
        yield from _below(child)


def refusals() -> dict[str, type[EnrollmentError]]:
    """Return every refusal of the core by its name, wherever it is defined."""
    for module in pkgutil.iter_modules(enrollment.ca.__path__):
        importlib.import_module(f"enrollment.ca.{module.name}")
    found = _below(EnrollmentError)
    return {one.__name__: one for one in found if one.__module__.startswith("enrollment.")}


def test_every_refusal_stands_on_the_page_and_no_other() -> None:
    assert set(ROWS) == set(refusals())


@pytest.mark.parametrize("name", sorted(ROWS))
def test_the_page_has_code_symbol_and_stage_of_the_program(name: str) -> None:
    stage, row = ROWS[name]
    error = refusals()[name]

    assert row.code("code") == (f"{error.hresult:#x}",)
    assert row.code("symbol") == (hresult.TEXTS[error.hresult][0].split()[-1],)
    assert stage == error.stage


def _others() -> list[Row]:
    return PAGE.rows("## What is not a refusal")


@pytest.mark.parametrize("row", _others(), ids=lambda row: row.code("code")[0])
def test_other_codes_are_known_too(row: Row) -> None:
    code = int(row.code("code")[0], 16)

    assert code in hresult.TEXTS
    assert code == 0 or row.code("symbol") == (hresult.TEXTS[code][0].split()[-1],)
