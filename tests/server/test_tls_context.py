"""The TLS context of the site, whatever kind of key its CA has."""

from __future__ import annotations

import ssl
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.db import DatabaseError

from enrollment.ca import encode
from enrollment.ca.issuance import prepare, sign
from enrollment.services.client_authorities import ClientAuthoritiesUnreadable
from enrollment.serving import tls
from enrollment.serving.tls import CertificateFiles, make_context
from tests import make

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ["rsa:3072", "ec:p256", "ed25519", "ml-dsa-65"]


def served(tmp_path: Path, kind: str = "ec:p256") -> tuple[Path, Path]:
    """Return a certificate and its key, in files."""
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
    (tmp_path / "site.pem").write_text(encode.pem(sign(prepared, issuer, signer)))
    key = make.key("ec:p256")
    (tmp_path / "site.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return tmp_path / "site.pem", tmp_path / "site.key"


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_of_any_ca_can_be_served(kind: str, tmp_path: Path) -> None:
    certificate, key = served(tmp_path, kind)

    assert make_context(certificate, key).get_ciphers()
    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert loaded.subject.rfc4514_string() == "CN=localhost"


def test_nobody_is_asked_for_a_certificate_unless_the_site_takes_them(tmp_path: Path) -> None:
    context = CertificateFiles(*served(tmp_path)).context()

    assert context.verify_mode is ssl.CERT_NONE
    assert context.cert_store_stats()["x509"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_certificates_of_any_ca_are_asked_for(kind: str, tmp_path: Path) -> None:
    issuer, _ = make.authority(kind)
    context = CertificateFiles(*served(tmp_path), lambda: (issuer.der,)).context()

    assert context.verify_mode is ssl.CERT_OPTIONAL
    assert context.cert_store_stats()["x509_ca"] == 1


def test_a_new_ca_certificate_is_asked_for_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = [make.authority()[0].der]
    files = CertificateFiles(*served(tmp_path), lambda: tuple(trusted))
    first = files.context()
    trusted.append(make.authority("rsa:3072")[0].der)
    assert files.context() is first

    monkeypatch.setattr(tls, "LOOK_EVERY_SECONDS", 0.0)

    assert files.context().cert_store_stats()["x509_ca"] == 2


@pytest.mark.parametrize("problem", [DatabaseError, ClientAuthoritiesUnreadable])
def test_while_the_cas_cannot_be_read_the_old_ones_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: type[Exception]
) -> None:
    monkeypatch.setattr(tls, "LOOK_EVERY_SECONDS", 0.0)
    answers: list[tuple[bytes, ...]] = [(make.authority()[0].der,)] * 2

    def trusted() -> tuple[bytes, ...]:
        if not answers:
            raise problem("gone")
        return answers.pop()

    files = CertificateFiles(*served(tmp_path), trusted)

    assert files.context().cert_store_stats()["x509_ca"] == 1
