"""Programs of others, and a man in the middle, at a site that is served as in production."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tests.clients import asking
from tests.clients.asking import request_pem
from tests.clients.environments import interpreter
from tests.live import clean_environment
from tests.ntlm.relay import in_the_middle, own_certificate
from tests.ntlm.talk import Program, binding_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ntlm.conftest import NtlmSite
    from tests.ntlm.relay import Relay

DRIVER = Path(__file__).parent.parent / "clients" / "drive_certsrv.py"
PAGE = "/certsrv/certrqus.asp"
SUBMIT = "/certsrv/certfnsh.asp"


def auth(name: str, password: str, *, binds: bool = True) -> requests.auth.AuthBase:
    from requests_ntlm import HttpNtlmAuth

    signed: requests.auth.AuthBase = HttpNtlmAuth(name, password, send_cbt=binds)
    return signed


def form(name: str) -> dict[str, str]:
    return {
        "Mode": "newreq",
        "CertAttrib": "CertificateTemplate:WebServer",
        "CertRequest": request_pem(name),
    }


@pytest.mark.parametrize("name", ["alice", "EXAMPLE\\alice", "example\\ALICE", "alice@localhost"])
def test_requests_ntlm_gets_certificates_over_one_session(ntlm_site: NtlmSite, name: str) -> None:
    """Each request proves itself: the client does so whenever it is asked."""
    with requests.Session() as session:
        session.auth = auth(name, ntlm_site.password)
        session.verify = str(ntlm_site.live.ca_file)
        answers = [
            session.post(ntlm_site.live.secure_url + SUBMIT, form(f"{at}.example.com"), timeout=30)
            for at in "ab"
        ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert all("certnew.cer?ReqID=" in answer.text for answer in answers)


def test_certsrv_gets_a_certificate_with_ntlm(ntlm_site: NtlmSite) -> None:
    """PyPI certsrv 2.1.1, unmodified (contract, section 9, item 2)."""
    call = {
        "port": ntlm_site.live.https_port,
        "name": "EXAMPLE\\alice",
        "password": ntlm_site.password,
        "ca_file": str(ntlm_site.live.ca_file),
        "auth_method": "ntlm",
        "method": "get_cert",
        "arguments": [request_pem("certsrv.example.com"), "WebServer"],
    }
    done = subprocess.run(
        [str(interpreter("certsrv")), "-P", str(DRIVER), "certsrv"],
        input=json.dumps(call),
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "BEGIN CERTIFICATE" in json.loads(done.stdout).get("returned", ""), done.stdout


def status(site: NtlmSite, name: str, password: str, *, binds: bool = True) -> int:
    url = site.live.secure_url + PAGE
    sign_in = auth(name, password, binds=binds)
    return requests.get(url, auth=sign_in, verify=str(site.live.ca_file), timeout=30).status_code


def test_requests_ntlm_without_binding_is_refused(ntlm_site: NtlmSite) -> None:
    assert status(ntlm_site, "alice", ntlm_site.password) == 200
    assert status(ntlm_site, "alice", ntlm_site.password, binds=False) == 401


def curl(site: NtlmSite, url: str, password: str, *words: str) -> tuple[str, str]:
    return asking.curl(site.live, "--ntlm", "-u", f"alice:{password}", *words, url)


@pytest.mark.parametrize("secure", [True, False], ids=["TLS", "plain"])
def test_curl_gets_a_certificate_where_binding_is_not_required(
    forced_site: NtlmSite,
    tmp_path: Path,
    secure: bool,  # noqa: FBT001  # pytest's way
) -> None:
    live = forced_site.live
    request = tmp_path / "request.pem"
    request.write_text(request_pem("curl.example.com"))
    fields = ("-d", "Mode=newreq", "-d", "CertAttrib=CertificateTemplate:WebServer")

    status, page = curl(
        *(forced_site, (live.secure_url if secure else live.url) + SUBMIT, forced_site.password),
        *(*fields, "--data-urlencode", f"CertRequest@{request}"),
    )

    assert status == "200"
    assert "certnew.cer?ReqID=" in page


def test_curl_begins_anew_with_each_request_over_one_connection(forced_site: NtlmSite) -> None:
    """The site forgets who somebody was; curl takes it for signed in, and is asked again."""
    page = forced_site.live.secure_url + PAGE

    status, said = curl(forced_site, page, forced_site.password, "-v", "--stderr", "-", page)

    assert status == "200"
    assert said.count("< HTTP/1.1 200") == 2
    assert said.count("Re-using existing connection") >= 3


class Raw:
    """A connection of our own, to say the three messages over one at a time."""

    def __init__(self, site: NtlmSite) -> None:
        context = ssl.create_default_context(cafile=str(site.live.ca_file))
        port = site.live.https_port
        self._connection = http.client.HTTPSConnection("localhost", port, context=context)

    def say(self, message: bytes) -> tuple[int, bytes]:
        """Send a message of NTLM; return status and the site's."""
        sent = f"NTLM {base64.b64encode(message).decode()}"
        self._connection.request("GET", PAGE, headers={"Authorization": sent})
        answer = self._connection.getresponse()
        answer.read()
        line = answer.headers.get("WWW-Authenticate", "")
        return answer.status, base64.b64decode(line.partition(" ")[2] if "=" in line[-3:] else "")

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def test_an_answer_counts_once_and_on_its_connection(ntlm_site: NtlmSite) -> None:
    """With the server that counts connections in earnest."""
    pem = ssl.get_server_certificate(("localhost", ntlm_site.live.https_port))
    program = Program(ntlm_site.password, binding=binding_to(ssl.PEM_cert_to_DER_cert(pem)))
    one, two = Raw(ntlm_site), Raw(ntlm_site)
    try:
        _, challenge = one.say(program.first)
        _, other = two.say(program.first)
        message = program.answer(challenge)

        said = [two.say(message)[0], one.say(message)[0], one.say(message)[0]]

        assert said == [401, 200, 401]
        assert two.say(program.answer(other))[0] == 401
    finally:
        one.close()
        two.close()


# A lured client's answer, handed on by a man in the middle (ESC8): refused where it is bound.


def to(site: NtlmSite, *, secure: bool = True) -> Callable[[], http.client.HTTPConnection]:
    """Return how he connects to the site."""

    def connect() -> http.client.HTTPConnection:
        if not secure:
            return http.client.HTTPConnection("localhost", site.live.http_port, timeout=30)
        context = ssl.create_default_context(cafile=str(site.live.ca_file))
        port = site.live.https_port
        return http.client.HTTPSConnection("localhost", port, context=context, timeout=30)

    return connect


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return own_certificate(tmp_path)


def lure(site: NtlmSite, relay: Relay, certificate: Path | None, *, binds: bool = True) -> int:
    """Let Alice's program sign in where he listens; return what it gets."""
    sign_in = auth("alice", site.password, binds=binds)
    url = relay.url + PAGE
    return requests.get(url, auth=sign_in, verify=str(certificate), timeout=30).status_code


def test_relayed_over_tls_it_is_refused(ntlm_site: NtlmSite, certificate: Path) -> None:
    """The client names his certificate, and means what it says: the secret covers it."""
    with in_the_middle(to(ntlm_site), certificate) as relay:
        assert lure(ntlm_site, relay, certificate) == 401

    assert relay.statuses == [401, 401, 401]
    assert "a TLS connection to somebody else" in ntlm_site.live.log()


@pytest.mark.parametrize("secure", [True, False], ids=["to TLS", "to plain HTTP"])
def test_lured_over_plain_http_it_is_refused(
    ntlm_site: NtlmSite,
    secure: bool,  # noqa: FBT001  # pytest's way
) -> None:
    """Such a client names no TLS connection; and over plain HTTP the site does not even ask."""
    with in_the_middle(to(ntlm_site, secure=secure), None) as relay:
        assert lure(ntlm_site, relay, None) == 401

    assert relay.statuses == ([401] * 3 if secure else [401])


def test_what_is_bound_is_refused_also_where_binding_is_not_required(
    forced_site: NtlmSite, certificate: Path
) -> None:
    with in_the_middle(to(forced_site), certificate) as relay:
        assert lure(forced_site, relay, certificate) == 401


def test_what_is_not_bound_is_relayed_where_binding_is_not_required(
    forced_site: NtlmSite, certificate: Path
) -> None:
    """Why it is required, and why the desk warns: the man in the middle works, then."""
    with in_the_middle(to(forced_site), certificate) as relay:
        assert lure(forced_site, relay, certificate, binds=False) == 200
