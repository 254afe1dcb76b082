"""One KDC for all of these tests, the people it knows, and a site that believes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kerberos.realm import NEIGHBOUR, Realm, make_realm
from tests.live import PASSWORD, LiveSite

if TYPE_CHECKING:
    from collections.abc import Iterator

# Who has an account, and of what kind, is for each test to say.
PEOPLE = ("alice", "stranger", "alice/admin", "WEB01$")


@pytest.fixture(scope="session")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    """The realm, with everybody signed in."""
    made = make_realm(tmp_path_factory.mktemp("realm"))
    try:
        made.add(*PEOPLE)
        made.add("mallory", realm=NEIGHBOUR)
        for name in PEOPLE:
            made.sign_in(name)
        made.sign_in("mallory", realm=NEIGHBOUR)
        yield made
    finally:
        made.stop()


@pytest.fixture
def joined(realm: Realm, monkeypatch: pytest.MonkeyPatch) -> Realm:
    """The realm, for a test that is a client of it itself."""
    for name, value in realm.environment().items():
        monkeypatch.setenv(name, value)
    return realm


@pytest.fixture(scope="session")
def kerberos_site(realm: Realm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """A site in the realm, served as in production; only Alice has an account there."""
    made = LiveSite(tmp_path_factory.mktemp("kerberos-site"))
    made.settings = realm.environment() | {
        "CERTSRV_CA_KEY": "ec:p256",
        "CERTSRV_SIGN_IN": "negotiate,basic",
        "CERTSRV_KEYTAB": str(realm.keytab),
    }
    password = made.home / "password"
    password.write_text(PASSWORD)
    made.manage_all(
        ("setup",),
        ("user", "add", "alice", "--password-file", str(password), "--group", "Enrollees"),
    )
    made.start()
    yield made
    if made.process is not None:
        made.stop()
