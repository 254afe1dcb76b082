"""Programs of others, at a site that is served as in production."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tests.clients.asking import request_pem
from tests.clients.environments import interpreter
from tests.live import clean_environment
from tests.tools import require

if TYPE_CHECKING:
    from tests.ntlm.conftest import NtlmSite

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
    done = subprocess.run(
        [
            *(require("curl"), "-sS", "--ntlm", "-u", f"alice:{password}"),
            *("--cacert", str(site.live.ca_file), "-w", "\n%{http_code}", *words, url),
        ],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page, _, status = done.stdout.rpartition("\n")
    return status, page


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
