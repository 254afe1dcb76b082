"""The cast, the site they meet, and the rules of every test: a home of its own."""

from __future__ import annotations

import atexit
import ipaddress
import os
import socket
import tempfile
from typing import TYPE_CHECKING, Any

# Before anything reads a setting: tests never touch the data of a person, and one CA key per run.
_HOME = tempfile.TemporaryDirectory(prefix="certsrv-tests-")
atexit.register(_HOME.cleanup)
os.environ["CERTSRV_HOME"] = _HOME.name
for _name in ("CERTSRV_HTTP", "CERTSRV_HTTPS", "CERTSRV_HOSTNAME"):
    os.environ.pop(_name, None)
# A server that is no person's: `tests/postgresql` runs other tests once more on one of its own.
if not os.environ.get("CERTSRV_TEST_DATABASE"):
    os.environ.pop("DATABASE_URL", None)
# These override a client's own CA file and would make a test of trust pass or fail by chance.
for _name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
    os.environ.pop(_name, None)
os.environ.setdefault("CERTSRV_CA_KEY", "ec:p256")
# Most tests open the desk and speak of something else. Those of the second factor and of rights,
# and the sites that are served, have the default.
os.environ["CERTSRV_SECOND_FACTOR"] = "off"
# Playwright's event loop lives in the test's thread; the tests' own queries beside it are safe.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

import pytest  # noqa: E402 - the home must be set first
from django.test.utils import setup_databases, teardown_databases  # noqa: E402 - as above

from enrollment import conf  # noqa: E402 - as above
from tests.chromium import playwright as playwright  # noqa: E402, PLC0414 - a fixture, for all

# Django's settings were read before this file: what they remember is the home of a person.
conf.current.cache_clear()

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.contrib.auth.models import User
    from pytest_django import DjangoDbBlocker

    from enrollment.services.setup import SetupReport

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def no_strange_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect within this machine only: a test that needs the world fails somewhere else."""

    def guarded(name: str) -> None:
        connect = getattr(socket.socket, name)

        def within(self: socket.socket, address: Any) -> Any:
            if self.family != socket.AF_UNIX and not _is_loopback(str(address[0])):
                raise AssertionError(f"A test tried to connect to {address[0]}.")
            return connect(self, address)

        monkeypatch.setattr(socket.socket, name, within)

    guarded("connect")
    guarded("connect_ex")


@pytest.fixture(autouse=True)
def nothing_failed_a_moment_ago() -> Iterator[None]:
    """Forget the pauses of the test before: each test has a site of its own."""
    yield
    from enrollment.services import publication, responders

    publication.paused.end_all()
    responders.paused.end_all()


@pytest.fixture(autouse=True)
def nobody_failed_before() -> None:
    """Give everybody their whole allowance: the tests of one minute come from one address."""
    from enrollment.serving import limits

    limits.allowances.forget_all()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    """Make the test database, also for tests that hold it open across a whole folder.

    The original makes only what marked tests ask for; a folder without marks would be given the
    database of a person.
    """
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False)
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture
def site(db: None) -> SetupReport:
    """A site as set-up leaves it: groups, templates, a CA with its CRL, the admin."""
    from django.utils import timezone

    from enrollment.services import setup

    # The sites of one run share a home; what one has told to the audit log, the next has not.
    (conf.current().home / "audit-log.position").unlink(missing_ok=True)
    return setup.run_setup(now=timezone.now())


def person(name: str, *groups: str) -> User:
    """Add somebody to the cast."""
    from django.contrib.auth.models import Group, User

    user = User.objects.create_user(name, f"{name}@example.com", PASSWORD)
    user.groups.set(Group.objects.filter(name__in=groups))
    return user


@pytest.fixture
def alice(site: SetupReport) -> User:
    """A requester."""
    return person("alice", "Enrollees")


@pytest.fixture
def charlie(site: SetupReport) -> User:
    """Another requester, a stranger to Alice."""
    return person("charlie", "Enrollees")


@pytest.fixture
def manager(site: SetupReport) -> User:
    """A certificate manager."""
    return person("maria", "Certificate Managers")


@pytest.fixture
def auditor(site: SetupReport) -> User:
    """Somebody who reads everything and changes nothing."""
    return person("otto", "Auditors")


@pytest.fixture
def administrator(site: SetupReport) -> User:
    """A CA administrator."""
    return person("ada", "CA Administrators")
