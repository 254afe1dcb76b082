"""A name that reads like another is told apart by its letters and its Punycode."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrollment.ca import lookalikes, names


@pytest.mark.parametrize(
    "text",
    [
        "www.example.com",
        "CN=www.example.com, O=Example",
        "O=M\u00fcller & S\u00f6hne",
        "O=\u041e\u041e\u041e \u0420\u043e\u043c\u0430\u0448\u043a\u0430",
        "\u65e5\u672c\u8a9e \u3072\u3089\u304c\u306a",
        "",
    ],
)
def test_an_honest_name_is_left_alone(text: str) -> None:
    assert lookalikes.doubts([text]) == ()
    assert lookalikes.told(text) == text


@pytest.mark.parametrize(
    ("text", "note"),
    [
        pytest.param(
            "\u0430pple.com",
            "\u0430pple.com is xn--pple-43d.com: \u0430 is U+0430 CYRILLIC SMALL LETTER A",
            id="a Cyrillic letter among Latin ones",
        ),
        pytest.param(
            "CN=\u0430pple, O=Example",
            "\u0430pple: \u0430 is U+0430 CYRILLIC SMALL LETTER A",
            id="no host name, but two scripts in one word",
        ),
        pytest.param(
            "xn--pple-43d.com",
            "xn--pple-43d.com is \u0430pple.com: \u0430 is U+0430 CYRILLIC SMALL LETTER A",
            id="as it stands in a certificate",
        ),
        pytest.param(
            "m\u00fcnchen.example",
            "m\u00fcnchen.example is xn--mnchen-3ya.example: "
            "\u00fc is U+00FC LATIN SMALL LETTER U WITH DIAERESIS",
            id="an umlaut in a host name",
        ),
        pytest.param(
            "\uff41dmin",
            "\uff41dmin: \uff41 is U+FF41 FULLWIDTH LATIN SMALL LETTER A",
            id="a wide letter",
        ),
        pytest.param("xn--\x7f.com", "xn--\\u007f.com is no name in any script", id="no Punycode"),
    ],
)
def test_a_name_that_is_not_what_it_looks_like_says_so(text: str, note: str) -> None:
    assert lookalikes.doubts([text]) == (note,)
    assert lookalikes.told(text) == f"{names.visible(text)} [{note}]"


def test_a_whole_label_of_another_script_is_told_in_a_host_name() -> None:
    (note,) = lookalikes.doubts(["\u0430\u0440\u0440\u04cf\u0435.com"])

    assert note.startswith("\u0430\u0440\u0440\u04cf\u0435.com is xn--80ak6aa92e.com: ")


def test_a_few_of_many_are_told() -> None:
    doubts = lookalikes.doubts([f"\u0430{number}.com" for number in range(500)])

    assert doubts[-1] == "and 497 more"
    assert len(doubts) == 4


@given(st.text())
def test_whatever_is_told_is_one_line_without_hidden_characters(text: str) -> None:
    told = lookalikes.told(text)

    assert names.visible(told) == told
    assert told.encode().decode() == told


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_without_hidden_characters_means_the_same(value: object) -> None:
    shown = names.visible_json(json.dumps(value, ensure_ascii=False, indent=1))

    assert json.loads(shown) == value
    assert all(names.visible(sign) == sign for sign in shown if sign != "\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u00a0b", "a\\u00a0b"),
        ("a\u3164b", "a\\u3164b"),
        ("a\U000e0041", "a\\U000e0041"),
        ("e" + "\u0301" * 5, "e" + "\u0301" * 3 + "\\u0301" * 2),
    ],
)
def test_what_draws_nothing_or_piles_up_is_shown_by_number(text: str, shown: str) -> None:
    assert names.visible(text) == shown
