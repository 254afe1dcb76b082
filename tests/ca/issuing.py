"""Issuing in one line, for tests of what a certificate then holds."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509

from enrollment.ca.issuance import Issuer, prepare, sign
from enrollment.ca.template import KeyUsage
from tests import make

if TYPE_CHECKING:
    from enrollment.ca.requester import Requester
    from enrollment.ca.template import CertificateTemplate


def issue(
    template: CertificateTemplate,
    *,
    issuer: Issuer | None = None,
    requester: Requester | None = None,
    common_name: str | None = "www.example.com",
    **options: Any,
) -> x509.Certificate:
    """Issue for a request without lint: tests of the linter are elsewhere."""
    ca, signer = make.authority()
    ca = issuer or ca
    request = make.request(common_name, **{"kind": "ec:p256", **options})
    prepared = prepare(
        request,
        template,
        ca,
        requester or make.requester(),
        serial_number=2**126 + 1,
        now=make.NOW,
        backdate=timedelta(minutes=10),
        check=lambda _tbs, _algorithm: (),
    )
    return x509.load_der_x509_certificate(sign(prepared, ca, signer))


def order(certificate: x509.Certificate) -> list[str]:
    return [extension.oid.dotted_string for extension in certificate.extensions]


def value(certificate: x509.Certificate, oid: str) -> bytes:
    found = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(oid)).value
    return found.public_bytes()


def usages(certificate: x509.Certificate) -> set[KeyUsage]:
    found = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    return {
        usage
        for usage in KeyUsage
        if not usage.value.endswith("_only") and getattr(found, usage.value)
    }
