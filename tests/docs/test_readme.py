"""README.md promises only what there is."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT, Row, page

README = page("README.md")
_MAKE = re.compile(r"\bmake ([a-z]+)\b")


def _targets() -> set[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z]+):", text, re.MULTILINE))


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "docs/tutorial/first-certificate.md"]
)
def test_every_make_target_that_is_named_exists(name: str) -> None:
    code = re.findall(r"`([^`\n]+)`", page(name).prose) + [one.text for one in page(name).blocks()]
    named = {target for text in code for target in _MAKE.findall(text)}

    assert named
    assert named <= _targets()


@pytest.mark.parametrize("row", README.rows("## Standards"), ids=lambda row: row.cells["standard"])
def test_every_module_in_the_table_of_standards_exists(row: Row) -> None:
    first, *others = row.code("module")
    beside = (ROOT / first).parent

    assert (ROOT / first).exists()
    assert all((beside / other).exists() or (ROOT / other).exists() for other in others)


def test_the_first_certificate_takes_two_commands() -> None:
    block = README.blocks()[0].text.strip().splitlines()

    assert len(block) == 2
    assert block[0].startswith("git clone ")
    assert block[1] == "make run"


def test_the_license_is_the_whole_text() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")

    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
