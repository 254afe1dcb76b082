"""What a stranger sends is read within bounds, and computed as the specification computes."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import ssl
from typing import TYPE_CHECKING

import pytest
import spnego
from hypothesis import given, settings
from hypothesis import strategies as st
from spnego.channel_bindings import GssChannelBindings

from enrollment.services.nt_hash import md4, nt_hash
from enrollment.signin.belief import CredentialsRefused, GoOn
from enrollment.signin.methods import ntlm
from enrollment.signin.ntlm import messages, proof
from enrollment.signin.ntlm.exchanges import Exchange, Exchanges
from enrollment.signin.ntlm.messages import Flag, Kind, NotNtlm
from tests.ntlm.talk import authenticate, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ntlm.conftest import Talk


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        ("a", "bde52cb31de33e46245e05fbdbd6fb24"),
        ("abc", "a448017aaf21d8525fc10ae87aa6729d"),
        ("message digest", "d9130a8164549fe818874806e1c7014b"),
        ("abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"),
        ("1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ],
)
def test_md4_is_that_of_its_rfc(text: str, digest: str) -> None:
    """RFC 1320 appendix A.5."""
    assert md4(text.encode()).hex() == digest


def example() -> messages.Authenticate:
    """Return the answer of MS-NLMP section 4.2.4, with the names in it."""
    pairs = [(2, "Domain".encode("utf-16-le")), (1, "Server".encode("utf-16-le"))]
    blob = b"\1\1" + bytes(6) + bytes(8) + b"\xaa" * 8 + bytes(4) + written(pairs) + bytes(4)
    shown = bytes.fromhex("68cd0ab851e51c96aabc927bebef6a1c")
    return messages.read_authenticate(authenticate(shown + blob, "User", "Domain"))


def test_the_example_of_the_specification_is_proven() -> None:
    """MS-NLMP sections 4.2.4.1.1 and 4.2.4.2.2."""
    key = proof.key_of(nt_hash("Password"), "User", "Domain")
    challenge = bytes.fromhex("0123456789abcdef")

    assert key.hex() == "0c868a403bfd7a93a3001ef22ef02e3f"
    assert proof.is_proof(key, challenge, example())
    assert not proof.is_proof(key, challenge[::-1], example())


@given(st.binary(max_size=64))
def test_a_binding_is_hashed_as_others_hash_it(binding: bytes) -> None:
    judge = hashlib.md5(
        GssChannelBindings(application_data=binding).pack(), usedforsecurity=False
    ).digest()

    assert proof.binding_hash(binding) == judge


@given(st.binary(max_size=300))
def test_no_octets_break_the_reader(octets: bytes) -> None:
    for kind in Kind:
        sent = messages.SIGNATURE + int(kind).to_bytes(4, "little") + octets
        for read in (messages.kind_of, messages.read_negotiate, messages.read_authenticate):
            with contextlib.suppress(NotNtlm):
                read(sent)


@given(st.binary(max_size=300))
def test_no_pairs_break_the_reader(octets: bytes) -> None:
    with contextlib.suppress(NotNtlm):
        assert len(messages.read_pairs(octets)) < messages.MOST_PAIRS


@pytest.fixture
def connection() -> Iterator[socket.socket]:
    with socket.socket() as made:
        yield made


def good(talk: Talk) -> bytes:
    return talk.program.answer(talk.line.challenge())


@settings(max_examples=60)
@given(st.data())
def test_no_change_to_a_good_answer_is_believed(made: object, data: st.DataObject) -> None:
    """Wherever an octet is another, or the end is missing: refused, and no fault of ours."""
    from django.test import RequestFactory

    from enrollment.models import SignInFailures
    from tests.ntlm.talk import Line, Program, binding_to, new_certificate

    der = new_certificate()
    line, program = Line(der), Program(made.password, binding=binding_to(der))  # type: ignore[attr-defined]  # of the fixture
    SignInFailures.objects.all().delete()

    def look(token: bytes) -> object:
        sent = f"NTLM {base64.b64encode(token).decode()}"
        request = RequestFactory().get("/", headers={"Authorization": sent})
        request.META["gunicorn.socket"] = line.socket
        return ntlm.look(request)

    begun = look(program.first)
    assert isinstance(begun, GoOn)
    message = bytearray(program.answer(base64.b64decode(begun.line.partition(" ")[2])))
    at = data.draw(st.integers(0, len(message) - 1))
    if data.draw(st.booleans()):
        message[at] ^= data.draw(st.integers(1, 255))
    else:
        del message[at:]
    try:
        with pytest.raises(CredentialsRefused):
            look(bytes(message))
    finally:
        line.close()


@pytest.mark.parametrize("unicode", [True, False])
def test_the_challenge_is_read_by_others(made: object, talk: Talk, *, unicode: bool) -> None:
    """Judge: pyspnego, which parses what we wrote and answers it."""
    client = spnego.client(
        "alice", "some password", hostname="localhost", service="http", protocol="ntlm"
    )
    first = bytearray(client.step() or b"")
    if not unicode:
        first[12] &= ~Flag.UNICODE

    third = client.step(talk.line.challenge(bytes(first)))

    assert messages.read_authenticate(third or b"").user == "alice"


def exchange(at: float) -> Exchange:
    return Exchange(b"", b"", bytes(8), bytes(8), at)


@pytest.mark.parametrize("secure", [True, False])
def test_what_is_remembered_of_a_connection_goes_with_it(*, secure: bool) -> None:
    kept = Exchanges(lambda: 0.0)
    connection = socket.socket()
    if secure:
        context = ssl.create_default_context()
        connection = context.wrap_socket(connection, server_hostname="localhost")
    kept.begin(connection, exchange(0))
    assert len(kept) == 1

    connection.close()
    del connection

    assert len(kept) == 0


def test_connections_wait_in_a_bounded_number_and_the_oldest_goes() -> None:
    kept = Exchanges(lambda: 0.0, capacity=2)
    connections = [socket.socket() for _ in range(3)]
    for one in connections:
        kept.begin(one, exchange(0))

    assert [kept.take(one) is not None for one in connections] == [False, True, True]
    for one in connections:
        one.close()


def test_an_exchange_is_taken_once_and_in_time(connection: socket.socket) -> None:
    now = 100.0
    kept = Exchanges(lambda: now)
    kept.begin(connection, exchange(now))
    assert kept.take(connection) is not None
    assert kept.take(connection) is None

    kept.begin(connection, exchange(now - 31))
    assert kept.take(connection) is None
