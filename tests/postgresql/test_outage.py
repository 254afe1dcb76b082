"""The database is away, or is not what it should be: everybody gets a sentence, nobody a fault."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from tests import postgres
from tests.live import ROOT, LiveSite
from tests.postgresql.conftest import node
from tests.postgresql.driver import Driver
from tests.postgresql.test_nodes import issued_on, issuer, submit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import Cluster

UNAVAILABLE = "The RPC server is unavailable. 0x800706ba (WIN32: 1722 RPC_S_SERVER_UNAVAILABLE)"
# How clients read the Error page of certnew.cer (contract section 2.5).
LAST_STATUS = re.compile(r"LastStatus:[^\t]+\t\t([^\r\n]+)")
MESSAGE = re.compile(r"Disposition message:[^\t]+\t\t([^\r\n]+)")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The page."""
        return self.body.decode()


def ask(site: LiveSite, path: str, data: bytes | None = None, *, as_alice: bool = True) -> Answer:
    """Ask, and take any status for an answer."""
    request = urllib.request.Request(site.url + path, data=data)  # noqa: S310  # our own address
    if as_alice:
        request.add_header("Authorization", "Basic YWxpY2U6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # as above
            return Answer(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, dict(error.headers), error.read())


@dataclass(frozen=True)
class Away:
    """A site whose database server was stopped, and started again after these tests."""

    site: LiveSite
    server: Cluster
    request_id: int
    question: bytes


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server that may be stopped."""
    running = postgres.start(*postgres.FAST)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def away(server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Away]:
    site = node(tmp_path_factory.mktemp("away") / "a", server.make("away"))
    site.manage("setup")
    driver = Driver(site)
    driver.do("people")
    driver.stop()
    site.launch()
    request_id = issued_on(site)
    leaf = ask(site, f"/certsrv/certnew.cer?ReqID={request_id}&Enc=b64").body
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        x509.load_pem_x509_certificate(leaf), issuer(site), hashes.SHA256()
    )
    question = builder.build().public_bytes(Encoding.DER)
    server.pause()
    yield Away(site, server, request_id, question)
    site.stop()


@pytest.mark.parametrize(
    "path", ["certnew.cer?ReqID=1&Enc=b64", "certnew.p7b?ReqID=1", "CertNew.cer?ReqID=CACert"]
)
def test_who_fetches_gets_the_error_page_of_the_contract(away: Away, path: str) -> None:
    """Some clients end for good on any status but 200 (contract rule 3)."""
    answer = ask(away.site, f"/certsrv/{path}")

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    for pattern in (LAST_STATUS, MESSAGE):
        found = pattern.search(answer.text)
        assert found
        assert found[1] == UNAVAILABLE
    assert "BEGIN CERTIFICATE" not in answer.text
    assert not re.search("Taken Under Submission|Denied by", answer.text)


def test_who_submits_is_told_that_the_request_failed(away: Away) -> None:
    page = submit(away.site)

    assert "Your request failed." in page
    assert "cannot reach its database" in page
    assert UNAVAILABLE in page


@pytest.mark.parametrize(
    "path",
    ["/certsrv/", "/certsrv/certcarc.asp", "/certsrv/requests", "/admin/", "/CertEnroll/x.crl"],
)
def test_other_pages_say_so_with_503(away: Away, path: str) -> None:
    answer = ask(away.site, path)

    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"
    assert "cannot reach its database" in answer.text
    assert "0x800706ba" in answer.text
    assert "Traceback" not in answer.text


def test_a_relying_party_is_told_to_try_later(away: Away) -> None:
    answer = ask(away.site, "/ocsp", away.question, as_alice=False)

    assert answer.status == 200
    told = ocsp.load_der_ocsp_response(answer.body)
    assert told.response_status is ocsp.OCSPResponseStatus.TRY_LATER


def test_the_site_lives_and_is_not_ready(away: Away) -> None:
    assert ask(away.site, "/healthz", as_alice=False).status == 200
    ready = ask(away.site, "/readyz", as_alice=False)
    assert (ready.status, ready.text) == (503, "the database does not answer\n")


def test_the_operator_reads_why_in_the_log(away: Away) -> None:
    ask(away.site, "/certsrv/")

    log = away.site.log()
    assert "The database cannot be used: " in log
    assert "goes on by itself" in log


@pytest.mark.parametrize("command", [("serve",), ("requests", "list"), ("setup",)])
def test_a_command_says_in_one_sentence_that_the_server_is_away(
    away: Away, command: tuple[str, ...]
) -> None:
    said = refused(away.site, *command)

    assert "The database cannot be used: " in said
    assert "DATABASE_URL" in said


def test_the_site_goes_on_by_itself_when_the_server_is_back(away: Away) -> None:
    away.server.start()

    again = ask(away.site, f"/certsrv/certnew.cer?ReqID={away.request_id}&Enc=b64")

    assert b"BEGIN CERTIFICATE" in again.body
    told = ocsp.load_der_ocsp_response(ask(away.site, "/ocsp", away.question, as_alice=False).body)
    assert told.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert issued_on(away.site) > away.request_id
    away.server.pause()


# --- a database that is not what it should be ---


def refused(site: LiveSite, *command: str, code: str = "") -> str:
    """Run a command that must fail; return its sentence, which must be one line without a trace."""
    started = ["-c", f"{code}\nimport sys, manage\nmanage.main()"] if code else ["manage.py"]
    done = subprocess.run(
        [sys.executable, *started, *command],
        cwd=ROOT,
        env=site.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.fixture
def fresh(cluster: Cluster, tmp_path: Path) -> LiveSite:
    """A node whose database is empty."""
    return node(tmp_path / "a", cluster.make(f"fresh-{tmp_path.name[-20:]}"))


def test_a_wrong_password_is_called_that(cluster: Cluster, fresh: LiveSite) -> None:
    cluster.sql(f"CREATE ROLE {postgres.LOCKED_USER} LOGIN PASSWORD 'the right one'")
    fresh.settings["DATABASE_URL"] = cluster.url("postgres", postgres.LOCKED_USER, "wrong")

    said = refused(fresh, "serve")

    assert "password authentication failed" in said
    assert "Check the name and the password in DATABASE_URL" in said


def test_a_database_that_was_never_made_is_named(cluster: Cluster, fresh: LiveSite) -> None:
    fresh.settings["DATABASE_URL"] = cluster.url("nowhere")

    said = refused(fresh, "setup")

    assert 'database "nowhere" does not exist' in said
    assert "Make it" in said


def test_a_server_that_is_too_old_is_refused(fresh: LiveSite) -> None:
    ancient = (
        "from django.db.backends.postgresql.features import DatabaseFeatures\n"
        "DatabaseFeatures.minimum_database_version = (99,)"
    )

    said = refused(fresh, "serve", code=ancient)

    assert "PostgreSQL 99 or later is required" in said
    assert "Use a server of that version." in said


def test_an_empty_database_is_not_set_up(fresh: LiveSite) -> None:
    assert "The database is not set up. Run: python manage.py setup" in refused(fresh, "serve")
    assert "Run: python manage.py setup" in refused(fresh, "requests", "list")


def test_a_schema_behind_the_code_stops_the_start_of_this_node_alone(fresh: LiveSite) -> None:
    """A rolling upgrade: the nodes with the old version serve on meanwhile."""
    fresh.manage("setup")
    fresh.manage("migrate", "enrollment", "0001")

    said = refused(fresh, "serve")

    assert "lacks" in said
    assert "enrollment." in said
    assert "Run on one node: python manage.py setup" in said


def test_a_schema_ahead_of_the_code_is_served_with_a_warning(
    cluster: Cluster, fresh: LiveSite
) -> None:
    fresh.manage("setup")
    database = re.search(r"@/([^?]+)", fresh.settings["DATABASE_URL"])
    assert database
    cluster.sql(
        "INSERT INTO django_migrations (app, name, applied) "
        "VALUES ('enrollment', '9999_of_tomorrow', now())",
        database[1],
    )

    fresh.launch()
    fresh.stop()

    assert "changed by a newer version" in fresh.log()
