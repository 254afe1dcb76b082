"""The cast, the site they meet, and the rules of every test: a home of its own, no strange sockets."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

# Before anything reads a setting: tests never touch the data of a person, and one CA key per run.
_HOME = tempfile.TemporaryDirectory(prefix="certsrv-tests-")
os.environ["CERTSRV_HOME"] = _HOME.name
for _name in ("DATABASE_URL", "CERTSRV_HTTP", "CERTSRV_HTTPS", "CERTSRV_HOSTNAME"):
    os.environ.pop(_name, None)
# These override a client's own CA file and would make a test of trust pass or fail by chance.
for _name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
    os.environ.pop(_name, None)
os.environ.setdefault("CERTSRV_CA_KEY", "ec:p256")
# Playwright's event loop lives in the test's thread; the tests' own queries beside it are safe.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

import pytest  # noqa: E402 - the home must be set first

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from enrollment.services.setup import SetupReport

PASSWORD = "correct horse battery"


@pytest.fixture
def site(db: None) -> SetupReport:  # noqa: ARG001 - the database must be there
    """A site as set-up leaves it: groups, templates, a CA with its CRL, the admin."""
    from django.utils import timezone

    from enrollment.services import setup

    return setup.run_setup(now=timezone.now())


def person(name: str, *groups: str) -> User:
    """Add somebody to the cast."""
    from django.contrib.auth.models import Group, User

    user = User.objects.create_user(name, f"{name}@example.com", PASSWORD)
    user.groups.set(Group.objects.filter(name__in=groups))
    return user


@pytest.fixture
def alice(site: SetupReport) -> User:  # noqa: ARG001 - she needs the groups
    """A requester."""
    return person("alice", "Enrollees")


@pytest.fixture
def charlie(site: SetupReport) -> User:  # noqa: ARG001
    """Another requester, a stranger to Alice."""
    return person("charlie", "Enrollees")


@pytest.fixture
def manager(site: SetupReport) -> User:  # noqa: ARG001
    """A certificate manager."""
    return person("maria", "Certificate Managers")


@pytest.fixture
def auditor(site: SetupReport) -> User:  # noqa: ARG001
    """Somebody who reads everything and changes nothing."""
    return person("otto", "Auditors")


@pytest.fixture
def administrator(site: SetupReport) -> User:  # noqa: ARG001
    """A CA administrator."""
    return person("ada", "CA Administrators")
