"""Blocks of code on the pages that are marked ``run`` do what the page says.

The blocks of one page run in order, in one shell, in an empty folder, against a real site. What
differs from a reader's machine is replaced before: the ports, and where the checkout is.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import ROOT, Page, every_page
from tests.live import PASSWORD, LiveSite
from tests.live import live_site as live_site  # noqa: PLC0414 - a fixture, for this module
from tests.tools import require

if TYPE_CHECKING:
    from pathlib import Path

RUNNABLE = [one for one in every_page() if any("run" in block.marks for block in one.blocks())]


@pytest.fixture(scope="module")
def unshared_names(live_site: LiveSite) -> None:
    """Each page is written for a site of its own; here they share one, and its host names."""
    live_site.manage(
        "shell",
        "-c",
        "from enrollment.models import Template; Template.objects.update(held_names='ignore')",
    )


def script_of(page: Page, site: LiveSite) -> str:
    """Return the marked blocks of a page as one script for `site`."""
    blocks = [
        block.text for block in page.blocks() if block.language == "sh" and "run" in block.marks
    ]
    here = {
        ".venv/bin/python manage.py": f"{sys.executable} {ROOT / 'manage.py'}",
        ".venv/bin/python": sys.executable,
        "localhost:8000": f"localhost:{site.http_port}",
        "localhost:8443": f"localhost:{site.https_port}",
    }
    wanted = re.compile("|".join(map(re.escape, here)))
    return "set -eu\n" + wanted.sub(lambda match: here[match[0]], "\n".join(blocks))


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.path.stem)
@pytest.mark.usefixtures("unshared_names")
def test_the_blocks_of_a_page_run(page: Page, live_site: LiveSite, tmp_path: Path) -> None:
    for program in ("sh", "curl", "openssl"):
        require(program)
    (tmp_path / "alice.curl").write_text(f"user = {json.dumps(f'alice:{PASSWORD}')}\n")

    done = subprocess.run(
        ["sh", "-e"],
        input=script_of(page, live_site),
        cwd=tmp_path,
        env=live_site.environment | {"PASSWORD": PASSWORD, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert done.returncode == 0, f"{page.path.name}: {done.stdout[-3000:]}{done.stderr[-3000:]}"


def test_a_block_that_fails_is_noticed(live_site: LiveSite, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("```sh run\nfalse\ntrue\n```\n")

    script = script_of(Page(path), live_site)

    assert subprocess.run(["sh", "-e"], input=script, text=True, check=False).returncode == 1


def test_the_tutorial_is_run() -> None:
    assert "first-certificate" in {page.path.stem for page in RUNNABLE}
