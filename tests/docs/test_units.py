"""The units of systemd in docs/systemd are well formed and shut in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import ROOT
from tests.tools import run

if TYPE_CHECKING:
    from pathlib import Path

UNITS = ("certsrv.service", "certsrv-signer.service")
# Of ten; a unit without any line of ours has 9.2. What is left is that a server talks to anybody.
_MOST_EXPOSED = 2.0


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units with programs that exist here."""
    for name in UNITS:
        text = (ROOT / "docs/systemd" / name).read_text()
        (tmp_path / name).write_text(text.replace("/opt/certsrv/.venv/bin/python", "/bin/true"))
    return tmp_path


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_well_formed(name: str, installed: Path) -> None:
    done = run("systemd-analyze", "verify", "--man=no", installed / name)

    assert done.stdout.decode() == ""
    assert done.returncode == 0


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_leaves_little_open(name: str, installed: Path) -> None:
    done = run("systemd-analyze", "security", "--offline=true", installed / name)
    exposed = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout.decode())

    assert exposed is not None
    assert float(exposed[1]) <= _MOST_EXPOSED


def test_the_page_names_the_units_and_the_same_program() -> None:
    page = (ROOT / "docs/howto/run-as-a-service.md").read_text()
    program = "/opt/certsrv/.venv/bin/python manage.py"

    assert all(f"../systemd/{name}" in page for name in UNITS)
    assert all(program in (ROOT / "docs/systemd" / name).read_text() for name in UNITS)
    assert program in page
