"""What strangers send to `/ocsp`, and what comes back: always an OCSP response, never a page."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp as library
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.test import Client

from enrollment import keys
from enrollment.ca import ber, der
from enrollment.ca.revocation import Act, Reason
from enrollment.models import Authority, Certificate
from enrollment.services import authority, ca_life, responders, revocation
from tests.ocsp import questions
from tests.ocsp.questions import SHA1, SHA256, Issuer, nonce, request

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Status = library.OCSPCertStatus
Outcome = library.OCSPResponseStatus
REQUEST_TYPE = "application/ocsp-request"
MANAGER = revocation.Revoker("maria", may_revoke=True)
SERVICE_LOCATOR = "1.3.6.1.5.5.7.48.1.7"
ACCEPTABLE_RESPONSES = "1.3.6.1.5.5.7.48.1.4"
BASIC = der.sequence(der.oid("1.3.6.1.5.5.7.48.1.1"))


@pytest.fixture
def row(alice: User) -> Certificate:
    return questions.issue(alice)


@pytest.fixture
def serial(row: Certificate) -> int:
    return int(row.serial_number, 16)


@pytest.fixture
def issuer(row: Certificate) -> Issuer:
    return Issuer.of(row.authority)


def post(body: bytes, **options: Any) -> Any:
    options.setdefault("content_type", REQUEST_TYPE)
    return Client().post("/ocsp", body, **options)


def get(body: bytes, **headers: str) -> Any:
    return Client().get("/ocsp/" + quote(base64.b64encode(body).decode(), safe=""), headers=headers)


def outcome(answer: Any) -> library.OCSPResponseStatus:
    """Return the status of a response, checked for what holds for all of them."""
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/ocsp-response"
    return library.load_der_ocsp_response(answer.content).response_status


def statuses(answer: Any) -> list[library.OCSPCertStatus]:
    assert outcome(answer) is Outcome.SUCCESSFUL
    loaded = library.load_der_ocsp_response(answer.content)
    return [single.certificate_status for single in loaded.responses]


def identities(answer: Any) -> list[bytes]:
    """Return the CertIDs of an answer, octet by octet."""
    basic = ber.read(answer.content).children()[1].children()[0].children()[1]
    data = ber.read(basic.content).children()[0]
    (singles,) = [node for node in data.children() if node.tag == der.SEQUENCE]
    return [single.children()[0].octets for single in singles.children()]


# --- what is answered ---


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


# --- malformed ---


def good() -> bytes:
    return request(questions.STRANGER.identity(1))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"hello", id="words"),
        pytest.param(b"\x30\x84\xff\xff\xff\xff", id="four gigabytes, it says"),
        pytest.param(good()[:-1], id="cut off"),
        pytest.param(good() + bytes(9000), id="9,000 octets"),
        pytest.param(bytes(1_000_000), id="a megabyte"),
        pytest.param(request(), id="no certificate"),
        pytest.param(request(*[questions.STRANGER.identity(1)] * 33), id="33 certificates"),
        pytest.param(request(questions.STRANGER.identity(2**600)), id="a serial of 600 bits"),
        pytest.param(
            request(questions.STRANGER.identity(1), before=der.explicit(0, der.integer(1))),
            id="version 2",
        ),
        pytest.param(
            request(questions.STRANGER.identity(1), before=der.sequence()), id="two lists"
        ),
        pytest.param(
            request(questions.STRANGER.identity(1), before=der.octet_string(b"?")),
            id="a field that is none",
        ),
        pytest.param(
            request(questions.STRANGER.identity(1), extensions=(nonce(b""),)), id="an empty nonce"
        ),
        pytest.param(
            request(questions.STRANGER.identity(1), extensions=(nonce(b"n" * 129),)),
            id="a nonce of 129 octets",
        ),
        pytest.param(
            request(
                questions.STRANGER.identity(1),
                extensions=(questions.extension(questions.NONCE, b""),),
            ),
            id="no nonce in its extension",
        ),
        pytest.param(
            request(
                questions.STRANGER.identity(1),
                extensions=(questions.extension("1.3.6.1.4.1.55555.1", b"", critical=True),),
            ),
            id="a critical extension we do not know",
        ),
        pytest.param(
            request(
                questions.STRANGER.identity(1),
                of_single=(questions.extension(SERVICE_LOCATOR, b"\x30\x00", critical=True),),
            ),
            id="a critical extension of one certificate",
        ),
    ],
)
def test_what_is_no_request_is_malformed(body: bytes) -> None:
    answer = post(body)

    assert outcome(answer) is Outcome.MALFORMED_REQUEST
    assert answer.content == bytes.fromhex("30030a0101")
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        *("", "favicon.ico", "../../etc/passwd", "MF8%", "%00", "%0a%0d", "%ff%fe", "AAAA/AAAA"),
        pytest.param("M" * 4100, id="4,100 signs"),
    ],
)
def test_junk_in_the_path_is_malformed(path: str) -> None:
    answer = Client().get(f"/ocsp/{path}")

    assert outcome(answer) is Outcome.MALFORMED_REQUEST
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options", "trace"])
def test_other_methods_are_not_for_status(method: str) -> None:
    assert getattr(Client(), method)("/ocsp").status_code == 405


def test_a_slash_that_a_proxy_folded_does_no_harm(row: Certificate, issuer: Issuer) -> None:
    """Some serial number or other has two slashes in a row; proxies make one of them."""
    serial = next(n for n in range(2**80, 2**80 + 10**6) if "//" in _path(issuer, n))
    Certificate.objects.filter(pk=row.pk).update(serial_number=f"{serial:x}")

    answer = Client().get("/ocsp/" + _path(issuer, serial).replace("//", "/"))

    assert identities(answer) == [issuer.identity(serial)]
    assert statuses(answer) == [Status.GOOD]


def _path(issuer: Issuer, serial: int) -> str:
    return base64.b64encode(request(issuer.identity(serial))).decode()


# --- times and caches ---


def test_the_times_of_an_answer_make_sense(serial: int, issuer: Issuer) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    answer = library.load_der_ocsp_response(post(request(issuer.identity(serial))).content)
    after = datetime.now(UTC)

    assert answer.next_update_utc is not None
    assert before <= answer.this_update_utc <= after
    assert before <= answer.produced_at_utc <= after
    assert timedelta(hours=1) < answer.next_update_utc - answer.this_update_utc
    assert answer.next_update_utc <= answer.certificates[0].not_valid_after_utc
    assert answer.this_update_utc >= answer.certificates[0].not_valid_before_utc


def test_a_cache_may_keep_an_answer_for_a_while(serial: int, issuer: Issuer) -> None:
    """RFC 9919 section 6.2."""
    answer = get(request(issuer.identity(serial)))

    loaded = library.load_der_ocsp_response(answer.content)
    assert loaded.next_update_utc is not None
    words = answer["Cache-Control"].split(", ")
    assert words[1:] == ["public", "no-transform", "must-revalidate"]
    seconds = int(words[0].removeprefix("max-age="))
    assert 0 < seconds < (loaded.next_update_utc - datetime.now(UTC)).total_seconds()
    assert parsedate_to_datetime(answer["Expires"]) == loaded.next_update_utc
    assert parsedate_to_datetime(answer["Last-Modified"]) == loaded.this_update_utc


@pytest.mark.parametrize("ask", [get, post])
def test_no_cache_keeps_an_answer_with_a_nonce(ask: Any, serial: int, issuer: Issuer) -> None:
    answer = ask(request(issuer.identity(serial), extensions=(nonce(b"n" * 32),)))

    assert statuses(answer) == [Status.GOOD]
    assert answer["Cache-Control"] == "no-store"
    assert not {"ETag", "Expires", "Last-Modified"} & set(answer.headers)


def test_no_cache_keeps_an_error(row: Certificate) -> None:
    answer = get(request(questions.STRANGER.identity(1)))

    assert outcome(answer) is Outcome.UNAUTHORIZED
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("held", ["{}", "W/{}", '"other", {}', "*"])
def test_a_cache_that_holds_the_answer_is_told_so(held: str, serial: int, issuer: Issuer) -> None:
    asked = request(issuer.identity(serial))
    tag = get(asked)["ETag"]

    answer = get(asked, if_none_match=held.format(tag))

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer["ETag"] == tag
    assert "max-age" in answer["Cache-Control"]


@pytest.mark.parametrize("held", ["other", '"other"', "", '"', "W/"])
def test_a_cache_that_holds_something_else_gets_the_answer(
    held: str, serial: int, issuer: Issuer
) -> None:
    answer = get(request(issuer.identity(serial)), if_none_match=held)

    assert statuses(answer) == [Status.GOOD]


def test_a_revocation_within_the_same_second_is_told_to_a_cache(
    row: Certificate, serial: int, issuer: Issuer
) -> None:
    """Its tag is another one; If-Modified-Since would not tell the two answers apart."""
    asked = request(issuer.identity(serial))
    first = get(asked)
    order = revocation.Order(Act.REVOKE, Reason.KEY_COMPROMISE)
    revocation.change_status([row], order, MANAGER, now=datetime.now(UTC))

    again = get(asked, if_none_match=first["ETag"], if_modified_since=first["Last-Modified"])
    by_date = get(asked, if_modified_since="Fri, 31 Dec 2100 00:00:00 GMT")

    assert statuses(again) == statuses(by_date) == [Status.REVOKED]


def test_a_head_has_the_headers_of_a_get(serial: int, issuer: Issuer) -> None:
    path = "/ocsp/" + quote(_path(issuer, serial), safe="")

    head = Client().head(path)

    assert head.status_code == 200
    assert head["ETag"] == Client().get(path)["ETag"]
    assert head["Content-Type"] == "application/ocsp-response"


# --- the signer of answers ---


def test_the_signer_of_answers_may_do_that_and_nothing_else(serial: int, issuer: Issuer) -> None:
    """RFC 6960 section 4.2.2.2, and 4.2.2.2.1: whoever checks it needs no further list."""
    answer = library.load_der_ocsp_response(post(request(issuer.identity(serial))).content)

    (signer,) = answer.certificates
    found = {extension.oid: extension for extension in signer.extensions}
    purposes = found[x509.ExtendedKeyUsage.oid].value
    assert list(purposes) == [ExtendedKeyUsageOID.OCSP_SIGNING]
    assert x509.OCSPNoCheck.oid in found
    assert not found[x509.OCSPNoCheck.oid].critical
    assert not {x509.CRLDistributionPoints.oid, x509.AuthorityInformationAccess.oid} & set(found)
    usage = found[x509.KeyUsage.oid].value
    assert (usage.digital_signature, usage.key_cert_sign, usage.crl_sign) == (True, False, False)
    digest = hashes.Hash(hashes.SHA1())  # noqa: S303 - an identifier, RFC 6960 section 4.2.1
    from enrollment.ca.content import key_bits
    from enrollment.keys.signer import spki

    digest.update(key_bits(spki(signer.public_key())))
    assert answer.responder_key_hash == digest.finalize()


def test_a_key_that_computes_wrongly_gives_an_error_and_no_page(
    serial: int, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the responder's key nor the CA's: whoever asks learns no more than that."""
    right = keys.FileSigner.sign
    monkeypatch.setattr(keys.FileSigner, "sign", lambda _self, _message: bytes(64))
    assert outcome(post(request(issuer.identity(serial)))) is Outcome.INTERNAL_ERROR

    responders.paused.end_all()
    ca = authority.issuer_of(authority.current()).public_key
    monkeypatch.setattr(
        keys.FileSigner,
        "sign",
        lambda self, message: bytes(64) if self.public_key == ca else right(self, message),
    )
    assert outcome(post(request(issuer.identity(serial)))) is Outcome.INTERNAL_ERROR


def test_a_ca_without_certificates_answers_for_itself(site: object) -> None:
    own = Issuer.of(Authority.objects.get())

    assert statuses(post(request(own.identity(1)))) == [Status.UNKNOWN]
