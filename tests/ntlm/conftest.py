"""A site with NTLM, served as in production, and one account that may use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.test.utils import override_settings
from django.utils import timezone

from enrollment import conf
from enrollment.services import ntlm_accounts, setup
from tests.conftest import person
from tests.live import PASSWORD, LiveSite
from tests.ntlm.talk import Line, Program, binding_to, new_certificate
from tests.signin.conftest import configure as change_settings
from tests.undone import undone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

configure = change_settings


@dataclass(frozen=True)
class NtlmSite:
    """A site, and the password that it made for Alice."""

    live: LiveSite
    password: str


@pytest.fixture(scope="session")
def ntlm_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NtlmSite]:
    """As it is when it is switched on and nothing else is set: bound to our TLS listener."""
    live = LiveSite(tmp_path_factory.mktemp("ntlm-site"))
    live.settings = {
        "CERTSRV_CA_KEY": "ec:p256",
        "CERTSRV_SIGN_IN": "ntlm,basic",
        "CERTSRV_DOMAIN": "EXAMPLE",
    }
    file = live.home / "password"
    file.write_text(PASSWORD)
    said = live.manage_all(
        ("setup",),
        ("user", "add", "alice", "--password-file", str(file), "--group", "Enrollees"),
        ("ntlm", "allow", "alice"),
    )
    live.start()
    yield NtlmSite(live, said.split()[-1])
    if live.process is not None:
        live.stop()


@pytest.fixture(scope="session")
def forced_site(ntlm_site: NtlmSite) -> Iterator[NtlmSite]:
    """The same site on other ports, for programs that bind nothing and speak plain HTTP."""
    live = LiveSite(ntlm_site.live.home)
    live.settings = ntlm_site.live.settings | {
        "CERTSRV_NTLM_CHANNEL_BINDING": "when-offered",
        "CERTSRV_NTLM_PLAIN_HTTP": "yes",
    }
    live.launch()
    yield NtlmSite(live, ntlm_site.password)
    if live.process is not None:
        live.stop()


@dataclass(frozen=True)
class Made:
    """A site in this process, made once for all of these tests."""

    alice: User
    password: str


@pytest.fixture(scope="package")
def made(django_db_setup: None, django_db_blocker: Any) -> Iterator[Made]:
    """NTLM is on, with nothing else set, and Alice may use it."""
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with (
        pytest.MonkeyPatch.context() as patch,
        django_db_blocker.unblock(),
        override_settings(PASSWORD_HASHERS=hashers),
        undone(),
    ):
        patch.setenv("CERTSRV_SIGN_IN", "ntlm,basic")
        patch.setenv("CERTSRV_DOMAIN", "EXAMPLE")
        conf.current.cache_clear()
        (conf.current().home / "audit-log.position").unlink(missing_ok=True)
        setup.run_setup(now=timezone.now())
        alice = person("alice", "Enrollees")
        yield Made(alice, ntlm_accounts.allow(alice, actor="shell:test", now=timezone.now()))
    conf.current.cache_clear()


@pytest.fixture
def alice(made: Made) -> Iterator[User]:
    """She may use NTLM; what a test does is gone after it."""
    with undone():
        yield User.objects.get(pk=made.alice.pk)


@pytest.fixture(scope="session")
def der() -> bytes:
    """The certificate of the site."""
    return new_certificate()


@pytest.fixture
def open_line(der: bytes) -> Iterator[Callable[..., Line]]:
    """Connect to the site, over TLS unless a test says otherwise."""
    lines: list[Line] = []

    def connect(*, secure: bool = True) -> Line:
        lines.append(Line(der if secure else None))
        return lines[-1]

    yield connect
    for line in lines:
        line.close()


@pytest.fixture
def line(alice: User, open_line: Callable[..., Line]) -> Line:
    """One connection over TLS."""
    return open_line()


@pytest.fixture
def program(alice: User, made: Made, der: bytes) -> Program:
    """A client of Alice's that does everything right."""
    return Program(made.password, binding=binding_to(der))


@dataclass(frozen=True)
class Talk:
    """A program and its connection."""

    line: Line
    program: Program


@pytest.fixture
def talk(line: Line, program: Program) -> Talk:
    """Both at once."""
    return Talk(line, program)
