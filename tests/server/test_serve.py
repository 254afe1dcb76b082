"""`manage.py serve` as an operator meets it."""

import contextlib
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from tests.live import ROOT, LiveSite
from tests.tools import require


def trusting(site: LiveSite) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=site.ca_file)


def peer(site: LiveSite, context: ssl.SSLContext) -> x509.Certificate:
    with (
        socket.create_connection(("127.0.0.1", site.https_port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        der = secure.getpeercert(binary_form=True)
    assert der is not None
    return x509.load_der_x509_certificate(der)


def test_both_listeners_answer(live_site: LiveSite) -> None:
    secure = http.client.HTTPSConnection(
        "localhost", live_site.https_port, context=trusting(live_site)
    )
    secure.request("GET", "/healthz")

    assert secure.getresponse().status == 200
    assert live_site.fetch("/healthz") == b"alive\n"
    secure.close()


def test_the_site_certificate_is_issued_by_the_ca_itself(live_site: LiveSite) -> None:
    """The handshake verifies the chain and the name; the row proves the one issuance path."""
    certificate = peer(live_site, trusting(live_site))
    ca = x509.load_pem_x509_certificate(live_site.ca_file.read_bytes())

    assert certificate.issuer == ca.subject
    assert f"{certificate.serial_number:x}" in live_site.manage("certificates", "list")


def test_openssl_verifies_the_chain_and_the_name(live_site: LiveSite) -> None:
    done = subprocess.run(
        [
            require("openssl"),
            "s_client",
            "-connect",
            f"127.0.0.1:{live_site.https_port}",
            "-CAfile",
            str(live_site.ca_file),
            "-verify_hostname",
            "localhost",
            "-verify_return_error",
            "-brief",
        ],
        input=b"",
        capture_output=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 0, done.stderr.decode()
    assert b"Verification: OK" in done.stderr


def test_tls_older_than_1_2_is_refused(live_site: LiveSite) -> None:
    context = trusting(live_site)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore"):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises(ssl.SSLError):
        peer(live_site, context)


def test_a_connection_is_kept_for_the_next_request(live_site: LiveSite) -> None:
    """NTLM, later, belongs to the connection; and a handshake per request would be slow."""
    connection = http.client.HTTPConnection("127.0.0.1", live_site.http_port)
    connection.connect()
    kept = connection.sock
    for _ in range(3):
        connection.request("GET", "/healthz")
        connection.getresponse().read()

    assert connection.sock is kept
    connection.close()


def test_scheme_and_cookies_follow_the_listener(live_site: LiveSite) -> None:
    """What a request came in by is told by the listener, never by a header of the client."""
    connection = http.client.HTTPConnection("127.0.0.1", live_site.http_port)
    connection.request("GET", "/accounts/login/", headers={"X-Forwarded-Ssl": "on"})
    answer = connection.getresponse()

    assert answer.getheader("Strict-Transport-Security") is None
    connection.close()


def raw(site: LiveSite, octets: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", site.http_port), timeout=30) as connection:
        connection.sendall(octets)
        connection.settimeout(30)
        with contextlib.suppress(ConnectionResetError):
            return connection.recv(65536)
    return b""


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n", id="endless request line"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70000 + b"\r\n\r\n",
            id="endless header",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: localhost\r\n"
            + b"".join(b"X%d: 1\r\n" % i for i in range(200))
            + b"\r\n",
            id="too many headers",
        ),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", id="TLS on the plain port"),
        pytest.param(b"GET / HTTP/9.9\r\n\r\n", id="unknown version"),
        pytest.param(b"\r\n\r\n\r\n\r\nnonsense\r\n\r\n", id="nonsense"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            id="two lengths",
        ),
    ],
)
def test_a_hostile_head_is_refused_and_the_site_goes_on(live_site: LiveSite, octets: bytes) -> None:
    answer = raw(live_site, octets)

    assert answer == b"" or answer.split()[1].startswith(b"4")
    assert live_site.fetch("/healthz") == b"alive\n"


def test_plain_words_on_the_tls_port_do_no_harm(live_site: LiveSite) -> None:
    with socket.create_connection(("127.0.0.1", live_site.https_port), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            connection.recv(65536)

    assert peer(live_site, trusting(live_site)).subject


def test_nothing_of_a_refused_request_is_a_trace_in_the_log(live_site: LiveSite) -> None:
    assert "Traceback" not in live_site.log()


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[LiveSite]:
    """A site of this test's own, set up and not yet started."""
    site = LiveSite(tmp_path / "home")
    site.home.mkdir()
    site.manage("setup")
    yield site
    if site.process is not None:
        site.stop(signal.SIGKILL)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_all_processes(own_site: LiveSite, how: signal.Signals) -> None:
    own_site.launch()
    assert own_site.process is not None
    group = own_site.process.pid

    status = own_site.stop(how)

    assert status == 0
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


def test_a_taken_port_is_told_in_a_sentence(own_site: LiveSite) -> None:
    with socket.create_server(("127.0.0.1", own_site.http_port)):
        done = serve_and_fail(own_site)

    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{own_site.http_port}" in done.stderr
    assert "CERTSRV_HTTP=ADDRESS:PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_site_that_was_not_set_up_says_what_to_type(tmp_path: Path) -> None:
    done = serve_and_fail(LiveSite(tmp_path))

    assert done.returncode == 1
    assert "manage.py setup" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CERTSRV_HTTP", "nowhere", "ADDRESS:PORT"),
        ("CERTSRV_SIGN_IN", "basic,magic", "Write one or more of these"),
        ("CERTSRV_CA_TYPE", "medium", "enterprise, standalone"),
        ("CERTSRV_REALM", 'a"b', "CERTSRV_REALM"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence(
    tmp_path: Path, name: str, value: str, words: str
) -> None:
    site = LiveSite(tmp_path)

    done = serve_and_fail(site, **{name: value})

    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def serve_and_fail(site: LiveSite, **values: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env=site.environment | values,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_setting_up_twice_changes_nothing(own_site: LiveSite) -> None:
    again = own_site.manage("setup")

    assert "Made" not in again
    assert "password" not in again


def test_keys_and_secrets_are_readable_by_their_owner_only(own_site: LiveSite) -> None:
    own_site.launch()
    own_site.stop()
    secret = [path for path in own_site.home.rglob("*") if is_secret(path)]

    assert len(secret) >= 3
    assert {path.stat().st_mode & 0o077 for path in secret} == {0}


def is_secret(path: Path) -> bool:
    return path.is_file() and (
        path.name == "secret-key" or path.suffix == ".key" or path.parent.name == "keys"
    )
