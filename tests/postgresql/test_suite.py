"""What holds on SQLite holds on PostgreSQL: other tests, run once more there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.live import ROOT

if TYPE_CHECKING:
    from tests.postgres import Cluster

# All of the services, the lists and searches of the desk, and a door from end to end. Pages alone
# ask the database nothing that these do not.
TESTS = (
    "tests/services",
    "tests/admin/test_certificates.py",
    "tests/admin/test_queue.py",
    "tests/admin/test_review.py",
    "tests/web/test_submit.py",
    "tests/web/test_delivery.py",
)
_AT_LEAST = 400


def test_services_lists_and_a_door_work_on_postgresql(cluster: Cluster) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *TESTS],
        cwd=ROOT,
        env={**kept, "CERTSRV_TEST_DATABASE": "yes", "DATABASE_URL": cluster.make("suite")},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) >= _AT_LEAST
