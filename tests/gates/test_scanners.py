"""What a scanner finds in our code is what the page on scanners explains, no more, no less."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.docs.pages import ROOT, page

_SCANNED = ("certsrv", "enrollment", "manage.py")


def test_every_finding_of_bandit_is_explained_and_every_explanation_is_of_a_finding() -> None:
    command = [sys.executable, "-m", "bandit", "--quiet", "--recursive", "--format", "json"]
    done = subprocess.run([*command, *_SCANNED], cwd=ROOT, capture_output=True, check=False)
    report = json.loads(done.stdout)
    found = {(finding["test_id"], finding["filename"]) for finding in report["results"]}
    explained = {
        (row.code("finding")[0], row.code("file")[0])
        for row in page("docs/reference/scanners.md").rows("## bandit")
    }

    assert report["errors"] == []
    assert found == explained


def test_nothing_is_silenced() -> None:
    ours = [path for name in _SCANNED for path in (ROOT / name).rglob("*.py")]

    assert len(ours) > 100
    assert [path for path in ours if "nosec" in path.read_text(encoding="utf-8")] == []
