"""A PostgreSQL server of the tests' own: on a socket in a folder of its own, gone with the tests.

The server runs below a small shell that reads a pipe whose other end this process holds. When this
process ends, by whatever means, the shell stops the server and removes the folder.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.tools import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

USER: Final = "tester"
# Only this role is asked for a password; the folder of the socket keeps strangers from the others.
LOCKED_USER: Final = "locked"
# Nothing of a test has to survive a power cut.
FAST: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_ACCESS: Final = f"local all {LOCKED_USER} scram-sha-256\nlocal all all trust\n"
# `start` and `stop` come as lines; the end of the lines is the end of the server and its folder.
_KEEPER: Final = """
halt() {
    [ -z "$server" ] || kill -INT "$server"
    wait
    server=
}
while read -r word; do
    case $word in
        start) "$@" >>"$FOLDER/log" 2>&1 & server=$! ;;
        stop) halt ;;
    esac
done
halt
rm -rf "$FOLDER"
"""
_START_SECONDS: Final = 60


@dataclass
class Cluster:
    """A running server; `url` names one of its databases."""

    folder: Path
    programs: Path
    account: pwd.struct_passwd | None
    options: tuple[str, ...]
    keeper: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def url(self, database: str, user: str = USER, password: str = "") -> str:
        """Return what DATABASE_URL says to reach a database here."""
        login = f"{user}:{password}" if password else user
        return f"postgres://{login}@/{database}?host={self.folder}"

    def make(self, database: str) -> str:
        """Make an empty database and return its URL."""
        self.sql(f'CREATE DATABASE "{database}"')
        return self.url(database)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run a statement with psql; return what it printed, columns parted by `|`."""
        done = subprocess.run(
            [
                self.programs / "psql",
                "-XAtq",
                "-vON_ERROR_STOP=1",
                "-c",
                statement,
                *self.login(database),
            ],
            capture_output=True,
            text=True,
            timeout=_START_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def login(self, database: str) -> list[str]:
        """Return what the server's own programs are told to reach a database here."""
        return ["-h", str(self.folder), "-U", USER, "-d", database]

    def initialize(self) -> None:
        """Make the data folder."""
        self._run(
            "initdb", "--pgdata", str(self.folder / "data"), "--username", USER, "--encoding=UTF8",
            "--locale=C.UTF-8", "--auth=trust", "--no-sync", *self._language(),
        )  # fmt: skip
        access = self.folder / "data" / "pg_hba.conf"
        access.write_text(_ACCESS)

    def _language(self) -> tuple[str, ...]:
        """Sort as most databases do, by the rules of a language: it breaks more than octets do."""
        help_text = self._run("initdb", "--help")
        if "--locale-provider" not in help_text:  # before 15
            return ()
        return ("--locale-provider=icu", "--icu-locale=en-US")

    def keep(self) -> None:
        """Start the shell that ends with this process."""
        where = ["-D", str(self.folder / "data"), "-k", str(self.folder), "-c", "listen_addresses="]
        options = [*where, *(word for option in self.options for word in ("-c", option))]
        self.keeper = subprocess.Popen(
            ["sh", "-c", _KEEPER, "sh", self.programs / "postgres", *options],
            stdin=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "FOLDER": str(self.folder), "LC_ALL": "C.UTF-8"},
            **self._identity(),
            start_new_session=True,
            cwd="/",
        )

    def start(self) -> None:
        """Serve, and wait until the server answers."""
        self._tell("start", until=0)

    def pause(self) -> None:
        """Stop serving; the data stay."""
        self._tell("stop", until=2)

    def crash(self) -> None:
        """Kill the server as a power cut does; what it started ends by itself."""
        pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        give_up = time.monotonic() + _START_SECONDS
        while self._processes():
            assert time.monotonic() < give_up, "processes of the server outlived it"
            time.sleep(0.05)

    def _processes(self) -> list[int]:
        """Return the processes that work in the data folder."""
        data = str((self.folder / "data").resolve())
        found = []
        for place in Path("/proc").glob("[0-9]*/cwd"):
            with contextlib.suppress(OSError):
                if str(place.readlink()) == data:
                    found.append(int(place.parent.name))
        return found

    def _tell(self, word: str, *, until: int) -> None:
        assert self.keeper is not None
        assert self.keeper.stdin is not None
        self.keeper.stdin.write(f"{word}\n".encode())
        self.keeper.stdin.flush()
        give_up = time.monotonic() + _START_SECONDS
        asking: list[str | Path] = [self.programs / "pg_isready", "-q", *self.login("postgres")]
        while subprocess.run(asking, check=False).returncode != until:
            if time.monotonic() > give_up or self.keeper.poll() is not None:
                pytest.fail(f"PostgreSQL did not {word}: {(self.folder / 'log').read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop at once and remove everything."""
        if self.keeper is not None and self.keeper.stdin is not None:
            self.keeper.stdin.close()
            self.keeper.wait(timeout=_START_SECONDS)
            self.keeper = None

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [self.programs / program, *arguments],
            capture_output=True,
            text=True,
            timeout=_START_SECONDS,
            check=False,
            cwd="/",
            **self._identity(),
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
        return str(done.stdout)

    def _identity(self) -> dict[str, Any]:
        if self.account is None:
            return {}
        uid, gid = self.account.pw_uid, self.account.pw_gid
        return {"user": uid, "group": gid, "extra_groups": []}


@functools.cache
def programs() -> Path | None:
    """Return the folder of the newest server that is installed, if any.

    Debian keeps the server's programs out of the search path, one folder a version.
    """
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    found = folders[-1] if folders else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _version(program: Path) -> int:
    number = program.parts[-3]
    return int(number) if number.isdecimal() else 0


def _account() -> pwd.struct_passwd | None:
    """Return whom the server runs as instead of root, as whom it refuses to run."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def start(*options: str) -> Cluster:
    """Start a server, or skip by name where none is installed."""
    found = programs()
    if found is None:
        missing("PostgreSQL is not installed (apt-get install postgresql)")
    assert found is not None
    # Short: the path of a socket has at most 107 octets.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    account = _account()
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    cluster = Cluster(folder, found, account, options)
    cluster.initialize()
    cluster.keep()
    cluster.start()
    return cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One fast server for the session; each test makes databases of its own."""
    running = start(*FAST)
    yield running
    running.stop()
