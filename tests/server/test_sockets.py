"""Sockets that wait, but not for ever; a certificate that is followed as it is renewed."""

import datetime as dt
import errno
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from enrollment.serving import sockets, tls
from enrollment.serving.sockets import PatientSocket


@pytest.fixture
def pair() -> Iterator[tuple[PatientSocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    patient = PatientSocket(fileno=ours.detach())
    with patient, theirs:
        yield patient, theirs


def test_what_was_sent_is_read(pair: tuple[PatientSocket, socket.socket]) -> None:
    patient, theirs = pair
    patient.setblocking(True)  # noqa: FBT003  # the socket's own signature
    theirs.sendall(b"GET /")

    assert patient.recv(100) == b"GET /"


def test_a_client_that_sends_nothing_has_hung_up(
    pair: tuple[PatientSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    patient, _ = pair
    monkeypatch.setattr(sockets, "READ_SECONDS", 0.01)
    patient.setblocking(True)  # noqa: FBT003  # the socket's own signature

    with pytest.raises(ConnectionResetError) as caught:
        patient.recv(100)
    assert caught.value.errno == errno.ECONNRESET


def test_a_client_that_sends_a_byte_now_and_then_has_hung_up_as_well(
    pair: tuple[PatientSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is for the whole request: more bytes do not prolong it."""
    patient, theirs = pair
    monkeypatch.setattr(sockets, "READ_SECONDS", 0.0)
    patient.setblocking(True)  # noqa: FBT003  # the socket's own signature
    theirs.sendall(b"G")

    with pytest.raises(ConnectionResetError):
        patient.recv(1)


def write_pair(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    files = folder / "site.pem", folder / "site.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def served_name(context: ssl.SSLContext) -> str:
    """Shake hands in memory; return the common name the server showed."""
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname = False
    client_context.verify_mode = ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server)
    server = context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    der = client.getpeercert(binary_form=True)
    assert der is not None
    name = x509.load_der_x509_certificate(der).subject
    return str(name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


@pytest.fixture
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "LOOK_EVERY_SECONDS", 0.0)


@pytest.mark.usefixtures("_no_waiting")
def test_a_renewed_certificate_is_served_without_a_restart(tmp_path: Path) -> None:
    followed = tls.CertificateFiles(*write_pair(tmp_path, "old"))
    assert served_name(followed.context()) == "old"

    write_pair(tmp_path, "new")
    os.utime(tmp_path / "site.pem", ns=(1, 1))

    assert served_name(followed.context()) == "new"


@pytest.mark.usefixtures("_no_waiting")
def test_half_a_renewal_leaves_the_old_certificate_in_service(tmp_path: Path) -> None:
    """Certificate and key are two files; between the two writes they do not match."""
    followed = tls.CertificateFiles(*write_pair(tmp_path, "old"))
    old_key = (tmp_path / "site.key").read_bytes()
    write_pair(tmp_path, "new")
    new_key = (tmp_path / "site.key").read_bytes()
    (tmp_path / "site.key").write_bytes(old_key)
    os.utime(tmp_path / "site.pem", ns=(1, 1))

    assert served_name(followed.context()) == "old"

    (tmp_path / "site.key").write_bytes(new_key)
    assert served_name(followed.context()) == "new"


@pytest.mark.usefixtures("_no_waiting")
def test_a_certificate_that_vanished_leaves_the_old_one_in_service(tmp_path: Path) -> None:
    followed = tls.CertificateFiles(*write_pair(tmp_path, "old"))
    (tmp_path / "site.pem").unlink()

    assert served_name(followed.context()) == "old"
