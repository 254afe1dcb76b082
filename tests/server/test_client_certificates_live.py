"""Certificates and proxies at the real listeners: curl, TLS sessions, HAProxy, raw octets."""

from __future__ import annotations

import base64
import contextlib
import http.client
import re
import socket
import ssl
import subprocess
import urllib.parse
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests import make
from tests.live import LiveSite, clean_environment, free_port
from tests.other_ca import SERVER, other_ca
from tests.tools import require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOME = "/certsrv/"
# The whole of 127/8 is this machine: the proxy calls from an address that no test calls from.
PROXY = "127.0.0.2"
TRUSTED = other_ca()
HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend tls
    bind 127.0.0.1:{port} ssl crt {folder}/proxy.pem ca-file {folder}/cas.pem verify optional
    http-request del-header Client-Cert
    http-request del-header Client-Cert-Chain
    http-request del-header Remote-User
    http-request set-header Client-Cert :%[ssl_c_der,base64]: if {{ ssl_c_used }}
    http-request set-header X-Forwarded-Proto https
    default_backend site
backend site
    server site 127.0.0.1:{site} source {proxy}
"""


class Shown:
    """A certificate in files, with its key."""

    def __init__(self, folder: Path, name: str, pem: bytes, number: int, kind: str) -> None:
        self.file = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"
        self.certificate = x509.load_pem_x509_certificate(pem)
        self.file.write_bytes(pem)
        self.key.write_bytes(key_pem(number, kind))

    @property
    def der(self) -> bytes:
        """The octets."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def header(self) -> str:
        """As a proxy writes it (RFC 9440)."""
        return f":{base64.b64encode(self.der).decode()}:"

    @property
    def serial(self) -> str:
        """As commands read it."""
        return f"{self.certificate.serial_number:x}"


def key_pem(number: int, kind: str) -> bytes:
    key = make.key(kind, number)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """A site that takes certificates, and believes one proxy."""
    folder = tmp_path_factory.mktemp("certificates")
    cas = folder / "client-cas.pem"
    cas.write_bytes(TRUSTED.pem)
    site = LiveSite(
        folder / "home",
        {
            "CERTSRV_SIGN_IN": "basic,certificate,remote-user",
            "CERTSRV_CERTIFICATE_MAPPING": "issued",
            "CERTSRV_CLIENT_CA_FILE": str(cas),
            "CERTSRV_TRUSTED_PROXIES": PROXY,
        },
    )
    site.set_up()
    words = ("--password-file", str(site.home / "password"), "--group", "Enrollees")
    site.manage("user", "add", "dora", *words, "--email", "dora@example.com")
    site.start()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def dora(served: LiveSite) -> Shown:
    """A certificate that the site issued to dora, with its key."""
    return issued(served, "dora", "User", 60)


def issued(site: LiveSite, name: str, template: str, number: int) -> Shown:
    form = {
        "Mode": "newreq",
        "CertRequest": make.request_pem(number=number).decode(),
        "CertAttrib": f"CertificateTemplate:{template}",
    }
    data = urllib.parse.urlencode(form).encode()
    page = site.fetch("/certsrv/certfnsh.asp", name=name, data=data).decode()
    found = re.search(r"certnew\.cer\?ReqID=(\d+)", page)
    assert found, page
    pem = site.fetch(f"/certsrv/certnew.cer?ReqID={found[1]}&Enc=b64", name=name)
    return Shown(site.home, f"{template}-{found[1]}", pem, number, "rsa:2048")


def other(site: LiveSite, name: str, certificate: x509.Certificate) -> Shown:
    return Shown(site.home, name, certificate.public_bytes(Encoding.PEM), 41, "ec:p256")


def curl(url: str, *words: str) -> str:
    """Return the status that curl got; 000 when there was no answer."""
    done = subprocess.run(
        [require("curl"), "-s", "-o", "/dev/null", "-w", "%{http_code}", *words, url],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


def status(site: LiveSite, shown: Shown | None, *words: str) -> str:
    """Ask our own TLS listener."""
    own = ("--cert", str(shown.file), "--key", str(shown.key)) if shown else ()
    return curl(site.secure_url + HOME, "--cacert", str(site.ca_file), *own, *words)


@contextlib.contextmanager
def on_hold(site: LiveSite, shown: Shown) -> Iterator[None]:
    site.manage("certificates", "hold", shown.serial)
    try:
        yield
    finally:
        site.manage("certificates", "release", shown.serial)


# --- our own TLS listener ---


def test_curl_signs_in_with_a_certificate(served: LiveSite, dora: Shown) -> None:
    assert status(served, dora) == "200"
    assert status(served, None) == "401"
    assert status(served, None, "-u", "dora:correct horse battery") == "200"


def test_a_hold_counts_at_the_next_request_of_an_open_connection(
    served: LiveSite, dora: Shown
) -> None:
    context = context_of(served, dora)
    connection = http.client.HTTPSConnection("localhost", served.https_port, context=context)

    def ask() -> int:
        connection.request("GET", HOME)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    with contextlib.closing(connection):
        assert ask() == 200
        kept = connection.sock
        with on_hold(served, dora):
            assert ask() == 401
        assert ask() == 200
        assert connection.sock is kept


def context_of(site: LiveSite, shown: Shown) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=site.ca_file)
    context.load_cert_chain(shown.file, shown.key)
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_resumed_session_brings_back_no_revoked_certificate(
    served: LiveSite, dora: Shown, version: ssl.TLSVersion
) -> None:
    context = context_of(served, dora)
    context.maximum_version = version

    first, session, _ = ask_resuming(served, context, None)
    again, session, resumed = ask_resuming(served, context, session)
    assert (first, again, resumed) == (200, 200, True)
    with on_hold(served, dora):
        held, _, resumed = ask_resuming(served, context, session)

    assert (held, resumed) == (401, True)


def ask_resuming(
    site: LiveSite, context: ssl.SSLContext, session: ssl.SSLSession | None
) -> tuple[int, ssl.SSLSession | None, bool]:
    with (
        socket.create_connection(("127.0.0.1", site.https_port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost", session=session) as secure,
    ):
        secure.sendall(
            f"GET {HOME} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: secure.recv(65536), b""))
        return int(answer.split(b" ", 2)[1]), secure.session, bool(secure.session_reused)


def test_a_server_s_certificate_of_ours_does_not_pass(served: LiveSite) -> None:
    assert status(served, issued(served, "dora", "WebServer", 61)) == "000"


SPOILED = {
    "expired": {"days": (-30, -1)},
    "for servers": {"usages": [SERVER]},
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_a_spoiled_certificate_ends_the_handshake(served: LiveSite, spoiled: str) -> None:
    shown = other(served, "spoiled", TRUSTED.issue(**SPOILED[spoiled]))  # type: ignore[arg-type]  # a test's words

    assert status(served, shown) == "000"


def test_a_certificate_of_nobody_known_ends_the_handshake(served: LiveSite) -> None:
    third = other_ca("Third", number=44)

    assert status(served, other(served, "third", third.issue("dora"))) == "000"


def test_a_forged_certificate_in_our_name_ends_the_handshake(served: LiveSite) -> None:
    pretender = other_ca("Example Issuing CA", number=44)

    assert status(served, other(served, "forged", pretender.issue("dora"))) == "000"


def test_a_good_certificate_that_is_nobody_s_leaves_other_ways_open(served: LiveSite) -> None:
    shown = other(served, "unknown", TRUSTED.issue("dora"))

    assert status(served, shown) == "401"
    assert status(served, shown, "-u", "dora:correct horse battery") == "200"


# --- what comes by header ---


def raw(site: LiveSite, *lines: str, source: str = "127.0.0.1") -> int:
    """Send a request as it stands; return its status."""
    head = "\r\n".join((f"GET {HOME} HTTP/1.1", "Host: localhost", "Connection: close", *lines))
    with socket.create_connection(
        ("127.0.0.1", site.http_port), timeout=30, source_address=(source, 0)
    ) as connection:
        connection.sendall(f"{head}\r\n\r\n".encode())
        answer = connection.makefile("rb").readline()
    return int(answer.split(b" ")[1])


SPELLINGS = ["Client-Cert", "client-cert", "Client_Cert", "CLIENT_CERT", "HTTP_CLIENT_CERT"]


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_spoofed_certificate_is_nothing(served: LiveSite, dora: Shown, name: str) -> None:
    assert raw(served, f"{name}: {dora.header}") == 401
    assert curl(
        served.secure_url + HOME, "--cacert", str(served.ca_file), "-H", f"{name}: {dora.header}"
    ) == "401"  # fmt: skip


@pytest.mark.parametrize("name", ["Remote-User", "REMOTE_USER", "Remote_User", "X-Remote-User"])
def test_a_spoofed_name_is_nothing(served: LiveSite, name: str) -> None:
    assert raw(served, f"{name}: dora") == 401
    assert raw(served, f"{name}: dora", "X-Forwarded-For: 127.0.0.2") == 401
    assert raw(served, f"{name}: dora", "Forwarded: for=127.0.0.2", "X-Real-IP: 127.0.0.2") == 401


def test_the_proxy_is_heard(served: LiveSite, dora: Shown) -> None:
    assert raw(served, f"Client-Cert: {dora.header}", source=PROXY) == 200
    assert raw(served, "Remote-User: dora", source=PROXY) == 200
    assert raw(served, "Remote-User: nobody", source=PROXY) == 401


def test_what_a_client_smuggles_past_the_proxy_is_not_heard(served: LiveSite, dora: Shown) -> None:
    """A proxy removes the name it knows; the same name with an underscore would stay."""
    assert raw(served, f"Client_Cert: {dora.header}", source=PROXY) == 401
    assert raw(served, "Remote_User: dora", source=PROXY) == 401
    twice = f"Client-Cert: {dora.header}"
    assert raw(served, twice, twice, source=PROXY) == 401
    assert raw(served, "Remote-User: dora", "Remote-User: alice", source=PROXY) == 401
    assert raw(served, "X: 1", f" Client-Cert: {dora.header}", source=PROXY) == 400
    assert raw(served, "Client-Cert:", f" {dora.header}", source=PROXY) == 400
    assert raw(served, f"Client-Cert : {dora.header}", source=PROXY) == 400


def test_only_a_proxy_changes_the_scheme(served: LiveSite) -> None:
    """127.0.0.3 is this machine, and is not named."""
    origin = ("Origin: https://localhost", "X-Forwarded-Proto: https", "Content-Length: 0")

    def post(source: str) -> int:
        lines = "\r\n".join(
            ("POST /certsrv/certfnsh.asp HTTP/1.1", "Host: localhost", "Connection: close",
             "Authorization: Basic " + base64.b64encode(b"dora:correct horse battery").decode(),
             *origin)
        )  # fmt: skip
        with socket.create_connection(
            ("127.0.0.1", served.http_port), timeout=30, source_address=(source, 0)
        ) as connection:
            connection.sendall(f"{lines}\r\n\r\n".encode())
            return int(connection.makefile("rb").readline().split(b" ")[1])

    assert post(PROXY) == 200
    assert post("127.0.0.3") == 403


# --- a real proxy ---


@pytest.fixture(scope="module")
def haproxy(served: LiveSite, dora: Shown) -> Iterator[str]:
    """HAProxy as the documentation sets it up; yields its address."""
    program = require("haproxy")
    folder = served.home / "proxy"
    folder.mkdir()
    port = free_port()
    own = TRUSTED.issue("localhost", usages=[SERVER], names=[x509.DNSName("localhost")])
    (folder / "proxy.pem").write_bytes(own.public_bytes(Encoding.PEM) + key_pem(41, "ec:p256"))
    (folder / "cas.pem").write_bytes(served.ca_file.read_bytes() + b"\n" + TRUSTED.pem)
    (folder / "haproxy.cfg").write_text(
        HAPROXY.format(port=port, folder=folder, site=served.http_port, proxy=PROXY)
    )
    running = subprocess.Popen([program, "-db", "-q", "-f", str(folder / "haproxy.cfg")])
    url = f"https://localhost:{port}{HOME}"
    for _ in range(100):
        if curl(url, "-k", "--retry", "0") != "000":
            break
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(0.1)
    yield url
    running.terminate()
    running.wait(30)


def test_a_certificate_shown_to_haproxy_signs_in(
    served: LiveSite, dora: Shown, haproxy: str
) -> None:
    own = ("-k", "--cert", str(dora.file), "--key", str(dora.key))

    assert curl(haproxy, *own) == "200"
    with on_hold(served, dora):
        assert curl(haproxy, *own) == "401"


def test_a_header_sent_to_haproxy_does_not(dora: Shown, haproxy: str) -> None:
    assert curl(haproxy, "-k") == "401"
    for name in SPELLINGS:
        assert curl(haproxy, "-k", "-H", f"{name}: {dora.header}") == "401"
    for name in ("Remote-User", "Remote_User"):
        assert curl(haproxy, "-k", "-H", f"{name}: dora") == "401"


# --- the start ---


def test_a_file_of_no_use_stops_the_start_with_a_sentence(served: LiveSite) -> None:
    with pytest.raises(AssertionError, match="names a file that cannot be read"):
        LiveSite(served.home, {"CERTSRV_CLIENT_CA_FILE": "/nowhere/cas.pem"}).manage("serve")
