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

# The services, the lists and searches of the desk, and a door from end to end. Pages alone ask the
# database nothing that these do not.
TESTS = (
    "tests/services",
    "tests/admin/test_certificates.py",
    "tests/admin/test_queue.py",
    "tests/web/test_submit.py",
    "tests/web/test_delivery.py",
)
# What computes, or asks the network, and would cost a minute to learn nothing new about databases.
LEFT_OUT = (
    "tests/services/test_fetch.py",
    "tests/services/test_key_use.py",
    "tests/services/test_lists_agree.py",
    "tests/services/test_preview.py",
    "tests/services/test_renewals.py",
    "tests/services/test_self_check.py",
    "tests/services/test_site_certificate.py",
    "tests/services/test_weak_keys.py",
)
_AT_LEAST = 400


def test_services_lists_and_a_door_work_on_postgresql(cluster: Cluster) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    left_out = [f"--ignore={path}" for path in LEFT_OUT]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            "0",
            "-p",
            "no:cacheprovider",
            *TESTS,
            *left_out,
        ],
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
