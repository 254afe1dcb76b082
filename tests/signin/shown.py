"""A site that takes certificates from a proxy, and what is shown to it."""

from __future__ import annotations

import base64
import ipaddress
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding
from django.utils import timezone

from enrollment.models import Certificate, CertificateMapping
from enrollment.services import client_certificates
from tests import make
from tests.signin.people import basic

if TYPE_CHECKING:
    from cryptography import x509
    from django.contrib.auth.models import User
    from django.test import Client

    from enrollment.ca.client_certificate import Rule

HOME = "/certsrv/"
PROXY = "10.0.0.7"
NETWORKS = (ipaddress.ip_network(PROXY),)
METHODS = ("basic", "certificate")


def header(der: bytes) -> str:
    """RFC 9440 section 2.1."""
    return f":{base64.b64encode(der).decode()}:"


def der_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def who(client: Client, value: str, address: str = PROXY) -> str:
    """Return who a `Client-Cert` header signs in; nothing for nobody."""
    answer = client.get(HOME, headers={"Client-Cert": value}, REMOTE_ADDR=address)
    assert answer.status_code in (200, 401)
    return str(answer.wsgi_request.user.get_username()) if answer.status_code == 200 else ""


def issue(client: Client, user: User, template: str = "User", number: int = 50) -> Certificate:
    """Ask for a certificate as `user`, by the front door."""
    form = {
        "Mode": "newreq",
        "CertRequest": make.request_pem(number=number).decode(),
        "CertAttrib": f"CertificateTemplate:{template}",
    }
    page = client.post("/certsrv/certfnsh.asp", form, headers=basic(user.username))
    assert "certnew.cer?ReqID=" in page.content.decode()
    return Certificate.objects.latest("pk")


def enter(user: User, certificate: x509.Certificate, rule: Rule) -> CertificateMapping:
    """Do what the page of a user does."""
    made = client_certificates.mapping(der_of(certificate), rule, now=timezone.now())
    made.user = user
    made.save()
    return made
