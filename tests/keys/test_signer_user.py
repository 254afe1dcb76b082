"""A signer under a user of its own: who may ask it, and what the site's user cannot reach.

Changing to another user needs root; without it, those tests are skipped.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from enrollment import conf
from enrollment.keys import wire
from enrollment.services import keyring
from enrollment.signer import server
from tests import make, relying
from tests.live import ROOT, LiveSite
from tests.tools import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from enrollment.signer.desk import Desk

# The children of these forks live for one question each; threads of this process do not matter.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
# Users that every Debian has: who signs, who serves the site, and somebody else.
SIGNER, SITE, OTHER = "daemon", "nobody", "games"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change to another user")


class Echo:
    """Answers with what came."""

    def answer(self, head: wire.Head, message: bytes, _asker: int) -> tuple[wire.Head, bytes]:
        """Say it again."""
        return {"verb": head.get("verb")}, message


def test_the_signer_answers_its_own_user_only_unless_told() -> None:
    assert server.users_served(None) == {os.geteuid()}
    assert server.users_served(server.Client(4711, 4712)) == {os.geteuid(), 4711}


def test_a_user_that_does_not_exist_is_named() -> None:
    with pytest.raises(server.NoSuchUser, match="'certsrv-nobody-has-this-name'"):
        server.Client.named("certsrv-nobody-has-this-name")


@pytest.mark.django_db
def test_the_command_says_so_and_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "signer.sock"
    changed = replace(conf.current(), signer=str(path), signer_client="no-such-user")
    monkeypatch.setattr(conf, "current", lambda: changed)
    monkeypatch.setattr(server, "harden", lambda: None)
    monkeypatch.setattr(keyring, "be_signer", lambda: None)

    with pytest.raises(CommandError, match="CERTSRV_SIGNER_CLIENT"):
        call_command("signer")

    assert not path.exists()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users can reach."""
    path = Path(tempfile.mkdtemp(prefix="certsrv-users-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def become(name: str, *also_in: str) -> None:
    """Be another user for good, in their group and in those of `also_in`."""
    entry = pwd.getpwnam(name)
    os.setgroups([pwd.getpwnam(other).pw_gid for other in also_in])
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)


def forked(act: Callable[[], int]) -> int:
    """Do `act` in a process of its own; return the process id."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(act())
        except BaseException:  # noqa: BLE001 - the child must end here, whatever it was
            os._exit(99)
    return child


@contextmanager
def signing(folder: Path) -> Iterator[Path]:
    """A signer of the user SIGNER that serves the user SITE."""
    path = folder / "run" / "signer.sock"
    path.parent.mkdir()
    shutil.chown(path.parent, SIGNER)

    def sign() -> NoReturn:
        become(SIGNER, SITE)
        client = server.Client.named(SITE)
        listener = server.listen(path, client)
        places = threading.BoundedSemaphore(8)
        door = server.Door(cast("Desk", Echo()), server.users_served(client), places)
        while True:
            door.accept(listener)

    child = forked(sign)
    give_up = time.monotonic() + 10
    while not server.answers(path) and time.monotonic() < give_up:
        time.sleep(0.01)
    try:
        yield path
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


ANSWERED, CLOSED, NOT_REACHED = 0, 1, 2


def asked_as(name: str, path: Path, *also_in: str) -> int:
    """Ask the signer as another user, and say what came of it."""

    def ask() -> int:
        become(name, *also_in)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(10)
        try:
            connection.connect(str(path))
        except PermissionError:
            return NOT_REACHED
        try:
            wire.send(connection, {"verb": "sign"}, b"content")
            answer = wire.receive(connection)
        except OSError:
            answer = None
        return ANSWERED if answer == ({"verb": "sign", "content": 7}, b"content") else CLOSED

    _, status = os.waitpid(forked(ask), 0)
    return os.waitstatus_to_exitcode(status)


@as_root
def test_the_user_of_the_site_is_answered_and_nobody_else(folder: Path) -> None:
    with signing(folder) as path:
        assert asked_as(SITE, path) == ANSWERED
        assert asked_as(SIGNER, path) == ANSWERED
        assert asked_as(OTHER, path) == NOT_REACHED
        # In the group of the site, so the file lets it through; the kernel's word does not.
        assert asked_as(OTHER, path, SITE) == CLOSED


@as_root
def test_not_even_a_socket_that_is_open_to_all_lets_others_in(folder: Path) -> None:
    with signing(folder) as path:
        path.chmod(0o666)

        assert asked_as(OTHER, path) == CLOSED
        assert asked_as(SITE, path) == ANSWERED


@as_root
def test_a_signer_that_is_not_in_the_group_cannot_give_its_socket_away(folder: Path) -> None:
    shutil.chown(folder, SIGNER)

    def listen() -> int:
        become(SIGNER)
        try:
            server.listen(folder / "signer.sock", server.Client.named(SITE))
        except PermissionError:
            return 7
        return 0

    _, status = os.waitpid(forked(listen), 0)
    assert os.waitstatus_to_exitcode(status) == 7


# --- a whole site ---


def user(name: str, *also_in: str) -> dict[str, Any]:
    """As whom a process runs; files it makes are open to its group."""
    entry = pwd.getpwnam(name)
    groups = [pwd.getpwnam(other).pw_gid for other in also_in]
    return {"user": name, "group": entry.pw_gid, "extra_groups": groups, "umask": 0o007}


def python_for(name: str) -> tuple[str, str]:
    """Return a Python that another user can run, and where it finds our packages."""
    for python, packages in (
        (sys.executable, ""),
        # Ours may lie in the home of root; one of the system with the same version does as well.
        ("/usr/bin/python3", sysconfig.get_path("purelib")),
    ):
        version = f"assert sys.version_info[:2] == {sys.version_info[:2]}"
        try:
            done = subprocess.run(
                [python, "-c", f"import sys, django, cryptography.x509; {version}"],
                env={"PYTHONPATH": packages},
                check=False,
                capture_output=True,
                **user(name),
            )
        except OSError:
            continue
        if done.returncode == 0:
            return python, packages
    pytest.skip("other users cannot run this Python")


@pytest.fixture
def parted(folder: Path) -> Iterator[tuple[LiveSite, LiveSite]]:
    """A signer with its keys in a home of its own, and a site that shares its database."""
    python, packages = python_for(SITE)
    homes = {name: folder / name for name in (SIGNER, SITE)}
    for name, home in homes.items():
        home.mkdir(mode=0o700)
        shutil.chown(home, name)
    data = folder / "data"
    data.mkdir()
    shutil.chown(data, SIGNER, pwd.getpwnam(SITE).pw_gid)
    data.chmod(0o2770)
    run_folder = folder / "run"
    run_folder.mkdir()
    shutil.chown(run_folder, SIGNER)
    shared = {
        "DATABASE_URL": f"sqlite:///{data}/db.sqlite3",
        "CERTSRV_CA_KEY": "ec:p256",
        "PYTHONPATH": packages,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    own = LiveSite(homes[SIGNER], dict(shared), user(SIGNER, SITE), python)
    own.manage("setup")
    for path in data.glob("db.sqlite3*"):
        path.chmod(0o660)
    shared["CERTSRV_SIGNER"] = str(run_folder / "signer.sock")
    own.settings = {**shared, "CERTSRV_SIGNER_CLIENT": SITE}
    site = LiveSite(homes[SITE], shared, user(SITE), python)
    process = subprocess.Popen(
        [python, "manage.py", "signer"],
        cwd=ROOT,
        env=own.environment,
        **own.run_as,
    )
    try:
        site.launch()
        yield own, site
    finally:
        if site.process is not None:
            site.stop()
        process.terminate()
        process.wait(timeout=30)


@as_root
def test_a_site_enrolls_revokes_and_answers_without_reach_of_its_keys(
    parted: tuple[LiveSite, LiveSite], folder: Path
) -> None:
    own, site = parted
    leaf = relying.enroll(site, make.request_pem("a.example.com", kind="ec:p256"))
    ca = site.fetch("/certsrv/certnew.cer?ReqID=CACert&Renewal=-1&Enc=bin", name="admin")
    people = relying.Folder.make(folder / "relying", ca, {"leaf": leaf})
    url = relying.ocsp_address(leaf)

    assert people.openssl_ocsp("-url", url) == {"leaf": relying.GOOD}
    site.manage("certificates", "hold", f"{leaf.serial_number:x}")
    base, _ = people.fetch_lists("held")
    assert people.openssl_verify("-crl_check", lists=[base]) == {"leaf": relying.REVOKED}
    assert people.openssl_ocsp("-url", url) == {"leaf": relying.REVOKED}

    (key,) = (own.home / "keys").glob("ca-*.pem")
    assert {path.name for path in site.home.rglob("*.pem")} == {"site.pem"}
    read = run("setpriv", f"--reuid={SITE}", "--clear-groups", "cat", key)
    assert read.returncode != 0
    assert b"PRIVATE" not in read.stdout
    assert (own.home / "signer.log").read_text().count('"signed"') >= 3
