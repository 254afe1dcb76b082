"""Sockets that wait, but not for ever; a certificate that is followed as it is renewed."""

import datetime as dt
import errno
import os
import socket
import ssl
import threading
import time
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


def test_a_client_that_reads_a_little_now_and_then_does_not_hold_a_thread_for_ever(
    pair: tuple[PatientSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is for the whole answer: each piece that goes out does not prolong it."""
    patient, theirs = pair
    monkeypatch.setattr(sockets, "WRITE_SECONDS", 0.2)
    patient.setblocking(True)  # noqa: FBT003  # the socket's own signature
    patient.sendall(b"first")
    time.sleep(0.25)

    with pytest.raises(ConnectionResetError):
        patient.sendall(b"second")
    assert theirs.recv(100) == b"first"


@pytest.mark.parametrize("count", [None, 150_000], ids=["to its end", "a part"])
def test_a_file_is_sent_from_where_it_is_asked_for(
    pair: tuple[PatientSocket, socket.socket], tmp_path: Path, count: int | None
) -> None:
    patient, theirs = pair
    content = os.urandom(300_000)
    (tmp_path / "list").write_bytes(content)
    wanted = content[100_000:] if count is None else content[100_000:250_000]
    received = bytearray()
    reader = threading.Thread(target=lambda: received.extend(_read(theirs, len(wanted))))
    reader.start()

    patient.setblocking(True)  # noqa: FBT003  # the socket's own signature
    with (tmp_path / "list").open("rb") as file:
        assert patient.sendfile(file, 100_000, count) == len(wanted)
    reader.join(10)

    assert received == wanted


def test_a_client_that_takes_no_more_of_a_file_is_let_go(
    pair: tuple[PatientSocket, socket.socket], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient, _ = pair
    monkeypatch.setattr(sockets, "WRITE_SECONDS", 0.2)
    (tmp_path / "list").write_bytes(bytes(10_000_000))
    patient.setblocking(True)  # noqa: FBT003  # the socket's own signature

    with (tmp_path / "list").open("rb") as file, pytest.raises(OSError, match=r"time|long"):
        patient.sendfile(file)


def _read(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        found += connection.recv(65536)
    return found


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


@pytest.mark.parametrize(
    ("seconds", "hurried"), [(0.0, 30.0), (30.0, 0.0)], ids=["for long", "while others wait"]
)
def test_a_handshake_that_does_not_end_has_hung_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, hurried: float
) -> None:
    """It holds a thread like a request, so it may take no longer."""
    monkeypatch.setattr(sockets, "READ_SECONDS", seconds)
    monkeypatch.setattr(sockets, "HURRIED_READ_SECONDS", hurried)
    monkeypatch.setattr(sockets.Crowd, "is_waiting", lambda: True)
    context = tls.make_context(*write_pair(tmp_path, "slow"))
    ours, theirs = socket.socketpair()
    with theirs, context.wrap_socket(ours, server_side=True, do_handshake_on_connect=False) as one:
        theirs.sendall(b"\x16\x03\x01")
        one.setblocking(True)  # noqa: FBT003  # the socket's own signature

        with pytest.raises(ConnectionResetError):
            one.do_handshake()


def test_a_handshake_goes_on_after_a_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "_LOOK_UP_SECONDS", 0.05)
    context = tls.make_context(*write_pair(tmp_path, "slow"))
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname = False
    client_context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    hello = outgoing.read()
    ours, theirs = socket.socketpair()
    with theirs, context.wrap_socket(ours, server_side=True, do_handshake_on_connect=False) as one:
        one.setblocking(True)  # noqa: FBT003  # the socket's own signature
        shaking = threading.Thread(target=one.do_handshake)
        shaking.start()
        for octets in (hello[:20], hello[20:]):
            theirs.sendall(octets)
            time.sleep(0.2)
        incoming.write(theirs.recv(65536))
        client.do_handshake()
        theirs.sendall(outgoing.read())
        shaking.join(10)

        assert one.version() == "TLSv1.3"
        assert not shaking.is_alive()


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
