"""Text that clients read back out of a page: on one line, without double quotes, escaped."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.template.loader import render_to_string

from enrollment.protocols.web.pages import StandingPage
from enrollment.protocols.web.wording import wording
from enrollment.templatetags.certsrv import grouped, wire, wire_label

HOSTILE = '<script>"x"\r\n\t&\u202e\x00</script>'


def test_text_for_clients_keeps_no_markup_quote_or_line_end() -> None:
    assert wire(HOSTILE) == "&lt;script&gt;'x' \\u0009&amp;\\u202e\\u0000&lt;/script&gt;"


def test_a_label_stands_before_two_tabs_and_its_value_on_one_line() -> None:
    """Contract rule 16."""
    line = wire_label("LastStatus", HOSTILE)

    assert line.count("\r\n") == 2
    assert line.split("\r\n\t\t")[0].endswith("<B>LastStatus:</B>")
    assert line.count("\t") == 2


def test_a_number_is_set_in_groups_of_four() -> None:
    assert grouped("0123456789ab") == "0123 4567 89ab"


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("page", ["pending", "denied"])
def test_nothing_a_person_wrote_is_drawn_unescaped(page: str) -> None:
    shown = StandingPage(
        request_id=7,
        names=(HOSTILE,),
        template=HOSTILE,
        submitted_at=datetime(2026, 11, 23, tzinfo=UTC),
        reason=HOSTILE,
        detail=HOSTILE,
        remedy=HOSTILE,
        message=HOSTILE,
        status=HOSTILE,
    )

    text = render_to_string(f"certsrv/{page}.html", {"page": shown, "wording": wording("")})

    assert '<script>"' not in text
    assert "\u202e" not in text
