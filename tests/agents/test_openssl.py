"""OpenSSL writes such messages and judges ours; the corpus has none, and none is taken for one."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from enrollment.ca.armor import read_text
from enrollment.ca.disposition import Disposition
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.request import RequestForm, parse_certification_request
from enrollment.services import delivery
from tests import corpus, make, messages
from tests.agents import asking
from tests.agents.asking import FORMS, by
from tests.ca.test_corpus_core import needs_corpus
from tests.services.acts import issued
from tests.tools import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from django.contrib.auth.models import User

    from tests.agents.asking import Signature


def write(folder: Path, signature: Signature) -> Path:
    """Write what an agent has into files; return the CA certificate among them."""
    key = signature.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "agent.key").write_bytes(key)
    (folder / "agent.pem").write_bytes(signature.certificate.public_bytes(Encoding.PEM))
    (folder / "ca.der").write_bytes(delivery.ca_certificate(None))
    trusted = folder / "ca.pem"
    done = run("openssl", "x509", "-inform", "DER", "-in", folder / "ca.der", "-out", trusted)
    assert done.returncode == 0
    return trusted


def certificate_of_the_new_key() -> bytes:
    """Return a self-signed certificate, for a judge that finds keys in certificates only."""
    key = make.key("rsa:2048", 20)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "new")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    made = x509.CertificateBuilder(name, name, key.public_key(), 1)
    made = made.not_valid_before(make.NOW).not_valid_after(make.NOW + timedelta(days=1))
    signed = made.add_extension(identifier, critical=False).sign(key, hashes.SHA256())
    return signed.public_bytes(Encoding.PEM)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_openssl_believes_the_messages_that_we_build(
    granted: Signature, tmp_path: Path, form: Callable[[Signature], bytes]
) -> None:
    """Else these tests would only show that our reader understands our writer."""
    trusted = write(tmp_path, granted)
    message, own = tmp_path / "message", tmp_path / "own.pem"
    own.write_bytes(certificate_of_the_new_key())
    message.write_bytes(form(granted))
    # Only the agent's signature has a certificate that leads to the CA.
    how: list[str | Path] = (
        ["-CAfile", trusted] if form is asking.pkcs7 else ["-certfile", own, "-noverify"]
    )
    judge: list[str | Path] = [
        "cms",
        "-verify",
        "-binary",
        "-inform",
        "DER",
        "-purpose",
        "any",
        "-in",
        message,
    ]

    good = run("openssl", *judge, *how, "-out", tmp_path / "content")
    octets = bytearray(message.read_bytes())
    octets[-1] ^= 1
    message.write_bytes(octets)
    bad = run("openssl", *judge, *how, "-out", tmp_path / "content")

    assert good.returncode == 0, good.stdout
    assert bad.returncode != 0


@pytest.mark.parametrize("signer_option", [[], ["-keyid"]], ids=["by number", "by key"])
def test_a_message_made_by_openssl_alone_is_believed(
    carol: User, granted: Signature, tmp_path: Path, signer_option: list[str]
) -> None:
    trusted = write(tmp_path, granted)
    request = asking.pkcs10()
    content = messages.pki_data(request, registration_info="RequesterName=EXAMPLE%5Calice")
    (tmp_path / "content").write_bytes(content)

    done = run(
        "openssl", "cms", "-sign", "-binary", "-nodetach", "-outform", "PEM",
        "-econtent_type", messages.PKI_DATA, "-in", tmp_path / "content",
        "-signer", tmp_path / "agent.pem", "-inkey", tmp_path / "agent.key",
        *signer_option, "-out", tmp_path / "message",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    row = by(carol, (tmp_path / "message").read_bytes())

    assert row.state is Disposition.ISSUED, row.detail
    assert (row.requester, row.agent, row.form) == ("alice", "carol", "cmc")
    certificate = tmp_path / "alice.pem"
    certificate.write_bytes(issued(row).public_bytes(Encoding.PEM))
    verdict = run("openssl", "verify", "-purpose", "sslclient", "-CAfile", trusted, certificate)
    assert verdict.returncode == 0, verdict.stdout
    text = run("openssl", "x509", "-in", certificate, "-noout", "-text").stdout.decode()
    assert re.search(r"UPN.*alice@corp\.example\.com", text)
    assert "carol" not in text


@needs_corpus
def test_nobody_in_the_corpus_asks_on_behalf_of_another() -> None:
    """Real requests by Windows, CMC among them, sign with their own key and name nobody."""
    forms = []
    for name in corpus.manifest():
        try:
            request = parse_certification_request(read_text(corpus.read(name)))
        except EnrollmentError:
            continue
        forms.append(request.form)
        assert request.on_behalf_of == "", name
    assert RequestForm.CMC in forms


@needs_corpus
def test_what_windows_sends_is_for_the_agent_who_sends_it(carol: User, granted: Signature) -> None:
    """CMC of others, sent by somebody who may ask for Alice: nothing in it makes it Alice's."""
    sent = 0
    for name, entry in corpus.manifest().items():
        if "cmc" not in str(entry).casefold():
            continue
        row = by(carol, corpus.read(name))
        assert (row.requester, row.agent) == ("carol", ""), name
        sent += 1
    assert sent > 1
