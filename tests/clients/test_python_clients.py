"""PyPI `certsrv` 2.1.1 and `python-certsrv` 1.0.0, unmodified, over TLS (contract, section 9)."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from tests.clients.asking import request_pem
from tests.clients.environments import PACKAGES, interpreter
from tests.live import PASSWORD, LiveSite, clean_environment

Call = Callable[..., dict[str, Any]]
DRIVER = Path(__file__).with_name("drive_certsrv.py")

# What each client calls the same thing.
PENDING = {"CertificatePendingException", "CertificatePendingError"}
DENIED = {"RequestDeniedException", "RequestDeniedError"}
NOT_ISSUED = {"CouldNotRetrieveCertificateException", "CertificateRetrievalError"}


@pytest.fixture(scope="module", params=sorted(PACKAGES))
def client(request: pytest.FixtureRequest) -> str:
    """Each of the clients in turn."""
    name: str = request.param
    interpreter(name)
    return name


@pytest.fixture(scope="module")
def call(client: str, live_site: LiveSite) -> Call:
    """Call a method of the client, in its own process and environment."""

    def run(method: str, *arguments: object, password: str = PASSWORD) -> dict[str, Any]:
        what = {
            "port": live_site.https_port,
            "name": "alice",
            "password": password,
            "ca_file": str(live_site.ca_file),
            "method": method,
            "arguments": arguments,
        }
        done = subprocess.run(
            [str(interpreter(client)), "-P", str(DRIVER), client],
            input=json.dumps(what),
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        outcome: dict[str, Any] = json.loads(done.stdout)
        return outcome

    return run


def ca(site: LiveSite) -> x509.Certificate:
    return x509.load_pem_x509_certificate(site.ca_file.read_bytes())


def test_a_certificate_is_issued(call: Call, live_site: LiveSite) -> None:
    outcome = call("get_cert", request_pem("issued.example.com"), "WebServer")

    certificate = x509.load_pem_x509_certificate(outcome["returned"].encode())
    certificate.verify_directly_issued_by(ca(live_site))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == ["issued.example.com"]


def test_a_certificate_comes_as_der_too(call: Call, live_site: LiveSite) -> None:
    outcome = call("get_cert", request_pem("der.example.com"), "WebServer", "bin")

    certificate = x509.load_der_x509_certificate(outcome["returned"].encode("latin-1"))
    certificate.verify_directly_issued_by(ca(live_site))


def test_a_request_that_waits_is_pending_and_is_fetched_once_it_is_issued(
    call: Call, client: str, live_site: LiveSite
) -> None:
    waiting = call("get_cert", request_pem("pending.example.com"), "CodeSigning")
    assert waiting["raised"] in PENDING
    number = pending_id(waiting)
    still = call("get_existing_cert", number)
    assert still["raised"] in NOT_ISSUED
    # The other client looks for a sentence that the page of a fetch never had.
    assert "Taken Under Submission" in still["text"] or client == "python-certsrv"

    live_site.manage("requests", "approve", str(number))

    fetched = call("get_existing_cert", number)
    certificate = x509.load_pem_x509_certificate(fetched["returned"].encode())
    certificate.verify_directly_issued_by(ca(live_site))


def test_a_request_that_a_manager_denies_is_not_fetched(call: Call, live_site: LiveSite) -> None:
    number = pending_id(call("get_cert", request_pem("no.example.com"), "CodeSigning"))

    live_site.manage("requests", "deny", str(number), "--reason", "Not this year")

    refused = call("get_existing_cert", number)
    assert refused["raised"] in NOT_ISSUED


def pending_id(outcome: dict[str, Any]) -> int:
    """Return the request id the client read from the page."""
    digits = outcome["req_id"] or "".join(filter(str.isdigit, outcome["text"]))
    return int(digits)


def test_a_weak_key_is_denied_with_the_reason(call: Call) -> None:
    outcome = call("get_cert", request_pem("weak.example.com", bits=1024), "WebServer")

    assert outcome["raised"] in DENIED
    assert "1024" in outcome["text"]


def test_an_unknown_template_is_denied(call: Call) -> None:
    outcome = call("get_cert", request_pem("host.example.com"), "NoSuchTemplate")

    assert outcome["raised"] in DENIED


def test_an_unknown_id_is_told_not_to_be_there(call: Call) -> None:
    assert call("get_existing_cert", 999_999)["raised"] in NOT_ISSUED


@pytest.mark.parametrize("encoding", ["b64", "bin"])
def test_the_ca_certificate_is_fetched(call: Call, live_site: LiveSite, encoding: str) -> None:
    octets = call("get_ca_cert", encoding)["returned"].encode("latin-1")

    load = x509.load_pem_x509_certificate if encoding == "b64" else x509.load_der_x509_certificate
    assert load(octets) == ca(live_site)


def test_the_chain_is_fetched(call: Call, client: str, live_site: LiveSite) -> None:
    method = "get_chain" if client == "certsrv" else "get_ca_chain"
    octets = call(method, "bin")["returned"].encode("latin-1")

    chain = pkcs7.load_der_pkcs7_certificates(octets)

    assert [one.public_bytes(Encoding.DER) for one in chain] == [
        ca(live_site).public_bytes(Encoding.DER)
    ]


def test_credentials_are_checked(call: Call, client: str) -> None:
    if client == "certsrv":
        assert call("check_credentials") == {"returned": True}
        assert call("check_credentials", password="guess") == {"returned": False}
    else:
        refused = call("get_ca_cert", password="guess")
        assert "401" in refused["text"]
