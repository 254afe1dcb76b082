"""What `/ocsp` answers: of ours, of what we never issued, of others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.x509 import ocsp as library
from django.test import Client

from enrollment.ca import ber, der
from enrollment.ca.revocation import Act, Reason
from enrollment.models import Certificate
from enrollment.services import ca_life, revocation
from tests.ocsp import questions
from tests.ocsp.asking import (
    ACCEPTABLE_RESPONSES,
    BASIC,
    MANAGER,
    SERVICE_LOCATOR,
    Outcome,
    Status,
    get,
    identities,
    outcome,
    path_of,
    post,
    statuses,
)
from tests.ocsp.questions import SHA1, SHA256, Issuer, request

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def test_get_and_post_say_the_same(serial: int, issuer: Issuer) -> None:
    asked = request(issuer.identity(serial))

    assert statuses(post(asked)) == statuses(get(asked)) == [Status.GOOD]


@pytest.mark.parametrize("parameters", [der.null(), der.sequence()[:0]], ids=["NULL", "absent"])
@pytest.mark.parametrize("algorithm", [SHA1, SHA256], ids=["SHA-1", "SHA-256"])
def test_the_identity_comes_back_octet_by_octet(
    algorithm: str, parameters: bytes, serial: int, issuer: Issuer
) -> None:
    """Clients find their answer by comparing; RFC 6960 section 4.2.2.3."""
    asked = issuer.identity(serial, algorithm=algorithm)
    if not parameters:
        asked = _without_parameters(asked)

    answer = post(request(asked))

    assert identities(answer) == [asked]
    assert statuses(answer) == [Status.GOOD]


def _without_parameters(identity: bytes) -> bytes:
    algorithm, *rest = ber.read(identity).children()
    oid = algorithm.children()[0].octets
    return der.sequence(der.sequence(oid), *(node.octets for node in rest))


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(der.octet_string(b"n"), id="1 octet"),
        pytest.param(der.octet_string(b"n" * 32), id="32 octets"),
        pytest.param(der.octet_string(b"n" * 128), id="128 octets"),
        pytest.param(b"\x00\x01\x99bare", id="bare, as before RFC 8954"),
    ],
)
def test_a_nonce_comes_back_as_it_was(octets: bytes, serial: int, issuer: Issuer) -> None:
    extension = questions.extension(questions.NONCE, octets)

    answer = post(request(issuer.identity(serial), extensions=(extension,)))

    assert statuses(answer) == [Status.GOOD]
    assert extension in answer.content


def test_no_nonce_comes_back_when_none_was_sent(serial: int, issuer: Issuer) -> None:
    asked = request(issuer.identity(serial))

    assert der.oid(questions.NONCE) not in post(asked).content


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"before": der.explicit(0, der.integer(0))}, id="its version written out"),
        pytest.param({"before": der.explicit(1, der.implicit(2, b"a.example"))}, id="its sender"),
        pytest.param(
            {"signature": der.explicit(0, der.sequence(der.sequence(), der.bit_string(b"no")))},
            id="a signature that proves nothing",
        ),
        pytest.param(
            {"extensions": (questions.extension("1.3.6.1.4.1.55555.1", b"\x05\x00"),)},
            id="an extension we do not know",
        ),
        pytest.param(
            {"of_single": (questions.extension(SERVICE_LOCATOR, b"\x30\x00"),)},
            id="a service locator",
        ),
        pytest.param(
            {"extensions": (questions.extension(ACCEPTABLE_RESPONSES, BASIC, critical=True),)},
            id="critically, the one type of response there is",
        ),
    ],
)
def test_what_a_request_may_carry_beside_changes_nothing(
    options: dict[str, Any], serial: int, issuer: Issuer
) -> None:
    assert statuses(post(request(issuer.identity(serial), **options))) == [Status.GOOD]


@pytest.mark.parametrize(
    "content_type", ["application/octet-stream", "text/plain", "application/x-www-form-urlencoded"]
)
def test_the_type_of_the_body_does_not_matter(
    content_type: str, serial: int, issuer: Issuer
) -> None:
    answer = post(request(issuer.identity(serial)), content_type=content_type)

    assert statuses(answer) == [Status.GOOD]


def test_indefinite_lengths_are_read_and_answered_in_der(serial: int, issuer: Issuer) -> None:
    """BER, as some smart card middleware writes it; the answer has the same values in DER."""
    identity = issuer.identity(serial)
    single = ber.read(identity)
    loose = b"\x30\x80" + single.content + b"\x00\x00"
    body = b"\x30\x80" * 4 + loose + b"\x00\x00" * 4

    assert identities(post(body)) == [identity]


# --- unknown, and not ours ---


@pytest.mark.parametrize(
    "number", [1, 2**127 - 1, 2**159, 2**500, 0, -1, -(2**64)], ids=lambda number: f"{number:.3g}"
)
def test_a_number_we_never_issued_is_unknown(number: int, issuer: Issuer) -> None:
    """RFC 6960 section 2.2: `good` would be told of forged certificates, too."""
    asked = issuer.identity(number)

    answer = post(request(asked))

    assert statuses(answer) == [Status.UNKNOWN]
    assert identities(answer) == [asked]


@pytest.mark.parametrize(
    "algorithm",
    [
        pytest.param("2.16.840.1.101.3.4.2.4", id="SHA-224"),
        pytest.param("1.2.840.113549.2.5", id="MD5"),
        pytest.param("1.2.3.4.5", id="nothing that exists"),
    ],
)
def test_a_hash_we_do_not_compute_makes_a_ca_we_do_not_know(
    algorithm: str, serial: int, issuer: Issuer
) -> None:
    answer = post(request(issuer.identity(serial, algorithm=algorithm)))

    assert outcome(answer) is Outcome.UNAUTHORIZED


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda own: Issuer(own.name_der, b"another key"), id="our name, another key"),
        pytest.param(lambda own: Issuer(der.sequence(), own.key_bits), id="our key, another name"),
        pytest.param(lambda _: questions.STRANGER, id="another CA"),
    ],
)
def test_certificates_of_others_are_not_ours_to_answer_for(
    spoil: Any, serial: int, issuer: Issuer
) -> None:
    answer = post(request(spoil(issuer).identity(serial)))

    assert outcome(answer) is Outcome.UNAUTHORIZED
    assert len(answer.content) == 5


def test_among_ours_a_certificate_of_another_ca_is_unknown(serial: int, issuer: Issuer) -> None:
    asked = [questions.STRANGER.identity(serial), issuer.identity(serial), issuer.identity(5)]

    answer = post(request(*asked))

    assert statuses(answer) == [Status.UNKNOWN, Status.GOOD, Status.UNKNOWN]
    assert identities(answer) == asked


def test_one_answer_speaks_for_one_key_of_the_ca(alice: User, row: Certificate) -> None:
    """Its signer was issued by one key, and may not speak for another: RFC 6960 4.2.2.2."""
    ca_life.renew(new_key=True, actor="ada", now=datetime.now(UTC))
    newer = questions.issue(alice)
    old, new = Issuer.of(row.authority), Issuer.of(newer.authority)
    asked = [old.identity(int(row.serial_number, 16)), new.identity(int(newer.serial_number, 16))]

    both = post(request(*asked))
    reverse = post(request(*reversed(asked)))
    alone = [post(request(identity)) for identity in asked]

    assert statuses(both) == statuses(reverse) == [Status.GOOD, Status.UNKNOWN]
    assert [statuses(answer) for answer in alone] == [[Status.GOOD]] * 2


def test_many_certificates_are_answered_in_the_order_asked(
    alice: User, serial: int, row: Certificate, issuer: Issuer
) -> None:
    others = [questions.issue(alice) for _ in range(2)]
    order = revocation.Order(Act.REVOKE, Reason.SUPERSEDED)
    revocation.change_status(others[:1], order, MANAGER, now=datetime.now(UTC))
    asked = [int(other.serial_number, 16) for other in others] + [4711, serial, serial]

    answer = post(request(*map(issuer.identity, asked)))

    found = library.load_der_ocsp_response(answer.content)
    assert [single.serial_number for single in found.responses] == asked
    assert statuses(answer) == [
        Status.REVOKED,
        Status.GOOD,
        Status.UNKNOWN,
        Status.GOOD,
        Status.GOOD,
    ]


def test_a_slash_that_a_proxy_folded_does_no_harm(row: Certificate, issuer: Issuer) -> None:
    """Some serial number or other has two slashes in a row; proxies make one of them."""
    serial = next(n for n in range(2**80, 2**80 + 10**6) if "//" in path_of(issuer, n))
    Certificate.objects.filter(pk=row.pk).update(serial_number=f"{serial:x}")

    answer = Client().get("/ocsp/" + path_of(issuer, serial).replace("//", "/"))

    assert identities(answer) == [issuer.identity(serial)]
    assert statuses(answer) == [Status.GOOD]
