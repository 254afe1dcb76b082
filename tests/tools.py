"""The judges from outside: programs that read what we issue, found or skipped by name."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from pathlib import Path

REQUIRE_ALL: Final = os.environ.get("CERTSRV_TEST_REQUIRE") == "all"

_SECONDS: Final = 60


def require(program: str) -> str:
    """Give the path of a program, or skip the test by the program's name.

    With `CERTSRV_TEST_REQUIRE=all` a missing program fails the test instead.
    """
    found = shutil.which(program)
    if found is None:
        missing(f"{program} is not installed")
    assert found is not None
    return found


def missing(reason: str) -> None:
    """Skip for a reason outside the project, or fail when everything is required."""
    if REQUIRE_ALL:
        pytest.fail(f"{reason}, and CERTSRV_TEST_REQUIRE=all")
    pytest.skip(reason)


def run(
    program: str, *arguments: str | Path, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a judge, with its verdict in the return code and its words in `stdout`."""
    return subprocess.run(
        [require(program), *map(str, arguments)],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_SECONDS,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )


@functools.cache
def openssl_version() -> tuple[int, ...]:
    """The version of the openssl program, such as (3, 0, 19)."""
    words = run("openssl", "version").stdout.decode().split()
    return tuple(int(part) for part in words[1].split("-")[0].split(".") if part.isdigit())
