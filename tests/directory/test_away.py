"""The directory does not answer, or not as it must: who is told what, and who may go on."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from enrollment.environment import Secret
from enrollment.services.outside import fresh
from enrollment.signin import absent
from tests.conftest import PASSWORD as LOCAL_PASSWORD
from tests.conftest import person
from tests.directory.server import PASSWORD, USERS, Server, write_certificates
from tests.directory.test_sign_in import CLOSED, form, status
from tests.live import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from django.test import Client


@pytest.fixture
def gone(client: Client, directory: Server, forget: Callable[[], None]) -> Iterator[Server]:
    """A directory that was there when Alice signed in, and is there no more."""
    directory.person("alice", USERS)
    assert form(client, "alice") == 302
    directory.stop()
    forget()
    yield directory
    directory.start()


def test_its_people_are_told_that_it_is_away_and_not_that_they_erred(
    client: Client, gone: Server
) -> None:
    client.cookies.clear()
    browser = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"}

    program = client.get(CLOSED, headers={"Authorization": "Basic YWxpY2U6eA=="})
    page = client.post("/accounts/login/", {"username": "alice", "password": "x"}, headers=browser)

    for answer in (program, page):
        assert answer.status_code == 503
        assert answer["Retry-After"] == "10"
        assert absent.DIRECTORY in answer.content.decode()


def test_a_session_is_told_too_and_keeps(
    client: Client, gone: Server, forget: Callable[[], None]
) -> None:
    assert client.get(CLOSED).status_code == 503
    assert client.get("/accounts/login/").status_code == 200

    gone.start()
    forget()
    assert client.get(CLOSED).status_code == 200
    gone.stop()


def test_accounts_of_ours_sign_in_all_the_same(client: Client, gone: Server) -> None:
    person("maria", "Certificate Managers")

    assert status(client, "maria", LOCAL_PASSWORD) == 200
    # In the browser that has a session of Alice, too.
    assert form(client, "maria", LOCAL_PASSWORD) == 302
    assert client.get(CLOSED).status_code == 200
    assert status(client, "maria", "wrong") == 401


def test_it_is_left_alone_for_a_while(
    client: Client, gone: Server, forget: Callable[[], None]
) -> None:
    assert status(client, "alice") == 503
    gone.start()

    assert status(client, "alice") == 503
    forget()
    assert status(client, "alice") == 200
    gone.stop()


def test_a_server_that_hangs_is_waited_for_no_longer_than_the_setting(
    client: Client, directory: Server, configure: Callable[..., None], forget: Callable[[], None]
) -> None:
    """It takes the connection and says nothing, with and without TLS."""
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        for scheme in ("ldap", "ldaps"):
            urls = (f"{scheme}://127.0.0.1:{port}",)
            configure(ldap=replace(directory.settings, urls=urls, timeout=1))
            forget()
            began = time.monotonic()
            assert status(client, "alice") == 503
            assert time.monotonic() - began < 2.5


def test_meanwhile_others_do_not_wait(
    client: Client, directory: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    person("maria", "Certificate Managers")
    monkeypatch.setattr(fresh, "slots", threading.BoundedSemaphore(1))
    fresh.slots.acquire()

    assert status(client, "maria", LOCAL_PASSWORD) == 200
    monkeypatch.setattr(fresh, "WAIT_SECONDS", 0.05)
    assert status(client, "alice") == 503


def test_a_second_server_answers_for_the_first(
    client: Client, directory: Server, configure: Callable[..., None]
) -> None:
    dead = f"ldaps://127.0.0.1:{free_port()}"
    configure(ldap=replace(directory.settings, urls=(dead, *directory.settings.urls)))
    directory.person("alice", USERS)

    assert status(client, "alice") == 200


def test_a_connection_can_be_made_safe_after_it_began(
    client: Client, directory: Server, configure: Callable[..., None]
) -> None:
    configure(ldap=directory.plain(start_tls=True))
    directory.person("alice", USERS)

    assert status(client, "alice") == 200


@pytest.mark.parametrize("start_tls", [False, True])
def test_a_server_that_nobody_vouches_for_is_told_no_password(
    client: Client,
    directory: Server,
    configure: Callable[..., None],
    tmp_path: Path,
    start_tls: bool,  # noqa: FBT001  # pytest's way
) -> None:
    directory.person("alice", USERS)
    write_certificates(tmp_path)
    other = str(tmp_path / "ca.pem")
    settings = directory.plain(start_tls=True) if start_tls else directory.settings

    for authorities in (other, "", str(tmp_path / "missing.pem")):
        configure(ldap=replace(settings, ca_file=authorities))
        fresh.paused.end_all()
        assert status(client, "alice") == 503


def test_nor_is_one_with_another_name(
    client: Client, directory: Server, configure: Callable[..., None]
) -> None:
    directory.person("alice", USERS)
    urls = (f"ldaps://127.0.0.2:{directory.tls_port}", f"ldaps://localhost:{directory.tls_port}")
    configure(ldap=replace(directory.settings, urls=urls))

    assert status(client, "alice") == 503


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password_of_the_reader_is_no_fault_of_the_person(
    client: Client, directory: Server, configure: Callable[..., None], password: str
) -> None:
    """This directory would call the empty one a success, and then show nothing."""
    secret = Secret("CERTSRV_LDAP_BIND_PASSWORD", password, None)
    configure(ldap=replace(directory.settings, bind_password=secret))
    directory.person("alice", USERS)

    assert status(client, "alice", PASSWORD) == 503
