"""What is installed is named, pinned and known by its hash."""

from __future__ import annotations

import json
import re

import pytest

from tests.docs.pages import ROOT

_PULLED_IN = "# What the packages above pull in"
_MEND = "Run `make pins` after a change of a pin."


def _files() -> list[str]:
    return sorted(path.name for path in ROOT.glob("requirements*.txt"))


def _requirements(text: str) -> list[str]:
    """Each requirement with its hashes on one line."""
    lines = text.replace("\\\n", " ").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r "))]


def _names(text: str) -> set[str]:
    pins = (line.split()[0].partition("==") for line in _requirements(text))
    return {f"{_plain(name)} {version}" for name, _, version in pins}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()


@pytest.mark.parametrize("file", _files())
def test_every_package_is_pinned_with_the_hashes_of_its_files(file: str) -> None:
    requirements = _requirements((ROOT / file).read_text())

    assert [one for one in requirements if not re.match(r"[\w.\[\],-]+==\S", one)] == []
    assert [one for one in requirements if "--hash=sha256:" not in one] == [], _MEND


@pytest.mark.parametrize("file", _files())
def test_every_package_that_we_chose_has_its_reason_beside_it(file: str) -> None:
    above = (ROOT / file).read_text().partition(_PULLED_IN)[0].splitlines()
    chosen = [index for index, line in enumerate(above) if re.match(r"\w.*==", line)]

    assert chosen
    assert [above[index] for index in chosen if not above[index - 1].startswith("# ")] == [], _MEND


def test_the_bill_of_materials_lists_what_a_site_installs() -> None:
    bill = json.loads((ROOT / "docs/reference/sbom.cdx.json").read_text())
    listed = {f"{_plain(part['name'])} {part['version']}" for part in bill["components"]}

    assert bill["bomFormat"] == "CycloneDX"
    assert listed == _names((ROOT / "requirements.txt").read_text()), _MEND
    assert [part["name"] for part in bill["components"] if "purl" not in part] == []
