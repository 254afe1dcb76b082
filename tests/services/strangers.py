"""Certificates that our CA never issued."""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from django.utils import timezone

from tests import make


def certificate_of_a_strange_ca(common_name: str) -> x509.Certificate:
    """Return a certificate for `make.key()` that somebody else's CA signed."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example Issuing CA")])
    public_key = make.key().public_key()
    return (
        x509.CertificateBuilder(issuer, subject, public_key, 77)
        .not_valid_before(timezone.now() - timedelta(days=1))
        .not_valid_after(timezone.now() + timedelta(days=1))
        .sign(make.key("rsa:2048", 4), hashes.SHA256())
    )
