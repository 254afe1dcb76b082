"""Tables are data for every spreadsheet, however it parts their cells."""

from __future__ import annotations

import csv
from typing import Final

import pytest

from enrollment.services import sheets

FORMULA: Final = ("=", "+", "-", "@")
# What follows a semicolon begins a cell in half of Europe.
HIDDEN: Final = ("CN=a;=1+1", "a; =1+1", "a;;+1", "a\\;@SUM(1)", "a;\uff1d1", 'a";-1')


@pytest.mark.parametrize("value", HIDDEN)
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_no_part_of_a_cell_is_a_formula(value: str, delimiter: str) -> None:
    (line,) = list(sheets.csv(["one", value, "three"], []))

    cells = next(csv.reader([line], delimiter=delimiter))

    begun = [cell.lstrip(" ").lstrip('"') for cell in cells]
    assert [cell for cell in begun if cell.startswith((*FORMULA, "\uff1d"))] == []


def test_other_semicolons_stay_as_they_are() -> None:
    assert list(sheets.csv(["a;b", "c; d"], [])) == ['"a;b","c; d"\r\n']
