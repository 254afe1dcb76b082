"""`kill -9` at every step of issuing: nothing unrecorded, nothing lost, nothing used twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.crash_driver import Case

ROOT = Path(__file__).resolve().parent.parent
_SERVICES = "enrollment.services"
_CORE = "enrollment.ca.issuance"
_SQLITE = "django.db.backends.base.base.BaseDatabaseWrapper"

# The steps in their order; `commit` is the database's COMMIT, first of what will be signed, then of
# what was signed.
_STEPS = (
    (f"{_SERVICES}.issuance.write_down", 1),
    (f"{_SERVICES}.issuance.commit", 1),
    (f"{_SQLITE}.commit", 1),
    (f"{_SERVICES}.issuance.complete", 1),
    (f"{_CORE}.sign_content", 1),
    ("enrollment.keys.file.FileSigner.sign", 1),
    (f"{_SERVICES}.issuance._store", 1),
    (f"{_SERVICES}.issuance.insert", 2),
    (f"{_SERVICES}.decision.record", 1),
    (f"{_SERVICES}.audit.record", 1),
    (f"{_SERVICES}.audit.record", 2),
    (f"{_SQLITE}.commit", 2),
)
CASES = [
    Case("enroll", f"{_SERVICES}.enroll.insert", "before"),
    Case("enroll", f"{_SERVICES}.enroll.insert", "after"),
    *(
        Case("enroll", target, moment, count)
        for target, count in _STEPS
        for moment in ("before", "after")
    ),
    *(
        Case("approve", target, moment, count)
        for target, count in (*_STEPS, (f"{_SQLITE}.commit", 3))
        for moment in ("before", "after")
    ),
]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the driver found, by case."""
    home = tmp_path_factory.mktemp("crash")
    answer = subprocess.run(
        [sys.executable, "-m", "tests.crash_driver", home],
        input="".join(
            json.dumps({"flow": c.flow, "target": c.target, "moment": c.moment, "count": c.count})
            + "\n"
            for c in CASES
        ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
        env={
            **os.environ,
            "CERTSRV_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "certsrv.settings",
            "CERTSRV_CA_KEY": "ec:p256",
        },
    )
    assert answer.returncode == 0, answer.stderr
    found = [json.loads(line) for line in answer.stdout.splitlines()]
    return dict(zip((case.title for case in CASES), found, strict=True))


@pytest.fixture(params=[case.title for case in CASES])
def report(request: pytest.FixtureRequest, reports: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return reports[request.param]


def test_the_process_was_killed_where_it_should(report: dict[str, Any]) -> None:
    """Without this the other tests would pass on a step that is never reached."""
    assert report["killed"]


def test_no_certificate_is_unrecorded(report: dict[str, Any]) -> None:
    """Whatever the CA key signed stands in the database after the next start."""
    assert set(report["signed"]) <= set(report["recorded"])
    assert sorted(report["serial_numbers"]) == sorted(report["rows_serial_numbers"])


def test_no_certificate_is_lost(report: dict[str, Any]) -> None:
    """What was committed is signed, and its request says so; nobody stands half way."""
    issued = [pk for pk, name in report["dispositions"].items() if name == "ISSUED"]

    assert report["open"] == 0
    assert "INCOMPLETE" not in report["dispositions"].values()
    assert sorted(map(int, issued)) == sorted(report["with_certificate"])
    assert sorted(report["committed"]) == sorted(report["serial_numbers"])


def test_no_id_and_no_serial_number_is_used_twice(report: dict[str, Any]) -> None:
    assert report["next_id"] not in report["ids"]
    assert report["next_id"] > max(report["ids"])
    assert len(set(report["serial_numbers"])) == len(report["serial_numbers"])


def test_the_audit_trail_is_whole_and_tells_of_every_certificate(report: dict[str, Any]) -> None:
    assert report["audit_whole"]
    assert report["signed_events"] == len(report["recorded"])
    assert report["signing_events"] == len(report["recorded"])


def test_recovering_twice_changes_nothing(report: dict[str, Any]) -> None:
    assert report["recovered_again"] == 0


def test_a_crash_after_the_commitment_is_finished_by_the_next_start(
    reports: dict[str, dict[str, Any]],
) -> None:
    before = reports["enroll, before BaseDatabaseWrapper.commit"]
    after = reports["enroll, after BaseDatabaseWrapper.commit"]
    done = reports["enroll, after BaseDatabaseWrapper.commit #2"]

    assert [before["recovered"], after["recovered"], done["recovered"]] == [0, 1, 0]
    assert [len(each["recorded"]) for each in (before, after, done)] == [0, 1, 1]
