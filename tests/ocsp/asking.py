"""Ask `/ocsp` as a stranger does, and read what comes back."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from cryptography.x509 import ocsp as library
from django.test import Client

from enrollment.ca import ber, der
from enrollment.services import revocation
from tests.ocsp.questions import Issuer, request

Status = library.OCSPCertStatus
Outcome = library.OCSPResponseStatus
REQUEST_TYPE = "application/ocsp-request"
MANAGER = revocation.Revoker("maria", may_revoke=True)
SERVICE_LOCATOR = "1.3.6.1.5.5.7.48.1.7"
ACCEPTABLE_RESPONSES = "1.3.6.1.5.5.7.48.1.4"
BASIC = der.sequence(der.oid("1.3.6.1.5.5.7.48.1.1"))


def post(body: bytes, **options: Any) -> Any:
    """Ask by POST."""
    options.setdefault("content_type", REQUEST_TYPE)
    return Client().post("/ocsp", body, **options)


def get(body: bytes, **headers: str) -> Any:
    """Ask by GET."""
    return Client().get("/ocsp/" + quote(base64.b64encode(body).decode(), safe=""), headers=headers)


def outcome(answer: Any) -> library.OCSPResponseStatus:
    """Return the status of a response, checked for what holds for all of them."""
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/ocsp-response"
    return library.load_der_ocsp_response(answer.content).response_status


def statuses(answer: Any) -> list[library.OCSPCertStatus]:
    """Return what is said of each certificate."""
    assert outcome(answer) is Outcome.SUCCESSFUL
    loaded = library.load_der_ocsp_response(answer.content)
    return [single.certificate_status for single in loaded.responses]


def identities(answer: Any) -> list[bytes]:
    """Return the CertIDs of an answer, octet by octet."""
    basic = ber.read(answer.content).children()[1].children()[0].children()[1]
    data = ber.read(basic.content).children()[0]
    (singles,) = [node for node in data.children() if node.tag == der.SEQUENCE]
    return [single.children()[0].octets for single in singles.children()]


def path_of(issuer: Issuer, serial: int) -> str:
    """Return a request in base64."""
    return base64.b64encode(request(issuer.identity(serial))).decode()
