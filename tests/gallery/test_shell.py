"""In a shell, a spreadsheet and the log a hostile name is text, on its own line."""

from __future__ import annotations

import csv
import io
import json
import logging
import unicodedata
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from enrollment.management.output import Refusal
from enrollment.services import metrics
from enrollment.serving.log import OneLine
from tests.gallery.values import GALLERY, MARK, hidden_in

if TYPE_CHECKING:
    from tests.gallery.scene import Scene

COMMANDS = {
    "requests": ("requests", "list", "--state", "all", "--limit", "500"),
    "requests as JSON": ("requests", "list", "--state", "all", "--json"),
    "requests as CSV": ("requests", "list", "--state", "all", "--csv"),
    "certificates": ("certificates", "list"),
    "certificates as JSON": ("certificates", "list", "--json"),
    "certificates as CSV": ("certificates", "list", "--csv"),
    "audit": ("audit", "export"),
}
# What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection).
FORMULA = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


def said(*words: str) -> str:
    """Run a command; return what it printed."""
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def moves_the_cursor(text: str) -> set[str]:
    """Return the control characters of a text, but for the ends of its lines."""
    return {sign for sign in text if unicodedata.category(sign) == "Cc" and sign != "\n"}


@pytest.mark.parametrize("what", COMMANDS)
def test_no_command_prints_a_character_that_hides_or_moves_the_cursor(
    hostile: Scene, what: str
) -> None:
    text = said(*COMMANDS[what])

    assert MARK in text
    assert moves_the_cursor(text) == set()
    assert hidden_in(text) == set()


def test_a_table_has_one_line_for_each_request(hostile: Scene) -> None:
    lines = said(*COMMANDS["requests"]).splitlines()

    assert len(lines) == 1 + len(hostile.rows)


def test_one_request_is_shown_without_effect(hostile: Scene) -> None:
    for row in hostile.rows[::7]:
        text = said("requests", "show", str(row.pk)) + said(
            "requests", "show", str(row.pk), "--json"
        )
        assert moves_the_cursor(text) == set()
        assert hidden_in(text) == set()


def test_json_means_what_is_stored(hostile: Scene) -> None:
    stored = {row.pk: row.requester for row in hostile.rows}

    found = {row["id"]: row["requester"] for row in json.loads(said(*COMMANDS["requests as JSON"]))}

    assert found
    assert all(
        stored[number] == requester for number, requester in found.items() if number in stored
    )


def test_events_are_lines_of_json(hostile: Scene) -> None:
    events = [json.loads(line) for line in said(*COMMANDS["audit"]).splitlines()]

    assert any(MARK in json.dumps(event["detail"]) for event in events)


@pytest.mark.parametrize("what", ["requests as CSV", "certificates as CSV"])
def test_no_cell_of_a_table_is_a_formula(hostile: Scene, what: str) -> None:
    _check_table(said(*COMMANDS[what]))


def test_no_cell_of_the_desk_s_table_is_a_formula(hostile: Scene) -> None:
    answer = hostile.answers["csv"]
    text = b"".join(answer.streaming_content).decode()

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert text[0] == "\ufeff"
    _check_table(text[1:])


def _check_table(text: str) -> None:
    headings, *rows = csv.reader(io.StringIO(text), strict=True)
    cells = [cell for row in rows for cell in row]

    assert len(rows) > 20
    assert {len(row) for row in rows} == {len(headings)}
    assert [cell for cell in cells if cell.lstrip(" ").startswith(tuple(FORMULA))] == []
    assert any(cell.startswith(("'=", "' =")) for cell in cells)
    assert hidden_in(text) == set()


@pytest.mark.parametrize("what", GALLERY)
def test_a_line_of_the_log_is_one_line(what: str) -> None:
    record = logging.LogRecord("certsrv", 20, "x", 1, "asked by %s", (GALLERY[what],), None)

    line = OneLine().format(record)

    assert len(line.splitlines()) == 1
    assert line.isprintable()


@pytest.mark.parametrize("what", GALLERY)
def test_a_refusal_of_a_command_cannot_move_the_cursor(what: str) -> None:
    sentence = str(Refusal(f"There is no account '{GALLERY[what]}'."))

    assert moves_the_cursor(sentence) == set()
    assert hidden_in(sentence) == set()


def test_an_unknown_account_is_named_without_effect(hostile: Scene) -> None:
    with pytest.raises(CommandError) as refused:
        said("requests", "approve", "1", "--as", "\x1b[2J\u202e")

    assert "\\u001b[2J\\u202e" in str(refused.value)


def test_no_name_is_a_label_of_the_metrics(hostile: Scene) -> None:
    text = repr(metrics.gather(timezone.now()))

    assert "certsrv" in text
    assert MARK not in text
