"""The TLS context of the site, whatever kind of key its CA has."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from enrollment.ca import encode
from enrollment.ca.issuance import prepare, sign
from enrollment.serving.tls import make_context
from tests import make

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ["rsa:3072", "ec:p256", "ed25519", "ml-dsa-65"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_of_any_ca_can_be_served(kind: str, tmp_path: Path) -> None:
    issuer, signer = make.authority(kind)
    prepared = prepare(
        make.request("localhost", kind="ec:p256"),
        make.template(),
        issuer,
        make.requester(),
        serial_number=7,
        now=make.NOW,
        backdate=timedelta(),
    )
    key = make.key("ec:p256")
    certificate = tmp_path / "site.pem"
    certificate.write_text(encode.pem(sign(prepared, issuer, signer)))
    key_file = tmp_path / "site.key"
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    context = make_context(certificate, key_file)

    assert context.get_ciphers()
    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert loaded.subject.rfc4514_string() == "CN=localhost"
