"""Renewals and other signed messages: what each signature proves, and what it must not."""

from __future__ import annotations

import hashlib
import subprocess
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from enrollment.ca import der
from enrollment.ca.errors import (
    KeyArchivalUnsupported,
    MalformedRequest,
    NoSigner,
    NotARequest,
    RenewalAttributeInvalid,
    RequestAmbiguous,
    RequestTooLarge,
    SignatureInvalid,
    SignatureUnverifiable,
)
from enrollment.ca.request import RequestForm, parse_certification_request
from tests import make, messages, renewals, tools

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

SUBJECT = messages.common_name("www.example.com")


def key(kind: str, number: int) -> CertificateIssuerPrivateKeyTypes:
    """Return a key; the arguments are never left out, so the same ones mean the same key."""
    return make.key(kind, number)


NEW_KEY = key("rsa:2048", 2)
ARCHIVED = messages.attribute(messages.MICROSOFT + "21.13", der.sequence())


@cache
def old_certificate(kind: str = "rsa:2048", number: int = 0) -> x509.Certificate:
    """A certificate that an earlier enrollment might have given."""
    private_key = key(kind, number)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "www.example.com")])
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"CA {number}")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(private_key.public_key())
        .serial_number(0xF1 + number)
        .not_valid_before(make.NOW)
        .not_valid_after(make.NOW + timedelta(days=365))
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(private_key.public_key()), critical=False
        )
        .sign(private_key, hashes.SHA256())
    )


OLD = old_certificate()
OLD_DER = OLD.public_bytes(Encoding.DER)
OLD_KEY = key("rsa:2048", 0)


@pytest.mark.parametrize("digest", ["sha256", "sha1"])
def test_a_windows_renewal_without_signed_attributes_is_a_renewal(digest: str) -> None:
    octets = renewals.windows_renewal(OLD, OLD_KEY, NEW_KEY, san=["www.example.com"], digest=digest)

    request = parse_certification_request(octets)

    assert (request.form, request.is_renewal) == (RequestForm.PKCS7, True)
    assert request.signer_certificate == request.microsoft.renewal_certificate == OLD_DER
    assert request.spki_der == messages.spki(NEW_KEY)
    assert request.der == octets


def test_a_renewal_signed_with_sha1_is_remarked_upon() -> None:
    octets = renewals.windows_renewal(OLD, OLD_KEY, NEW_KEY, digest="sha1")

    request = parse_certification_request(octets)

    assert any("SHA-1" in remark for remark in request.remarks)
    assert request.signature.weak is False


def test_a_renewal_by_an_elliptic_curve_certificate_is_a_renewal() -> None:
    old = old_certificate("ec:p256")
    octets = renewals.windows_renewal(old, key("ec:p256", 0), NEW_KEY)

    assert parse_certification_request(octets).is_renewal is True


def test_a_request_signed_by_openssl_names_its_signer_and_leaves_the_rest_to_the_service() -> None:
    octets = renewals.openssl_cms_renewal(OLD, OLD_KEY, NEW_KEY, san=["www.example.com"])

    request = parse_certification_request(octets)

    assert (request.signer_certificate, request.is_renewal) == (OLD_DER, False)
    assert request.subject_alternative_name == (x509.DNSName("www.example.com"),)


OPENSSL_OPTIONS = {
    "signed attributes": [],
    "no attributes": ["-noattr"],
    "key identifier": ["-keyid"],
    "indefinite lengths": ["-stream", "-indef"],
    "SHA-1": ["-md", "sha1"],
}


@pytest.mark.parametrize("options", OPENSSL_OPTIONS)
def test_what_openssl_itself_signs_is_read(options: str, tmp_path: Path) -> None:
    openssl = tools.require("openssl")
    (tmp_path / "request.der").write_bytes(messages.pkcs10(NEW_KEY, SUBJECT))
    (tmp_path / "old.pem").write_bytes(OLD.public_bytes(Encoding.PEM))
    (tmp_path / "old.key").write_bytes(
        OLD_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    command = (
        f"{openssl} cms -sign -binary -nodetach -in request.der -signer old.pem -inkey old.key"
    )
    command += " -outform DER -out signed.der"
    subprocess.run(
        [*command.split(), *OPENSSL_OPTIONS[options]], cwd=tmp_path, check=True, capture_output=True
    )

    request = parse_certification_request((tmp_path / "signed.der").read_bytes())

    assert request.signer_certificate == OLD_DER


def test_a_signer_by_key_identifier_is_found_among_the_certificates() -> None:
    inner = messages.pkcs10(NEW_KEY, SUBJECT)
    signer = messages.signer_info(OLD_KEY, inner, key_identifier=messages.key_identifier(OLD_KEY))

    request = parse_certification_request(messages.signed_data(inner, [signer], [OLD]))

    assert request.signer_certificate == OLD_DER


def test_certreq_signs_a_new_request_with_its_own_key() -> None:
    octets = renewals.certreq_cmc(
        NEW_KEY, subject=SUBJECT, san=["www.example.com"], template="WebServer"
    )

    request = parse_certification_request(octets)

    assert (request.form, request.signer_certificate) == (RequestForm.CMC, None)
    assert request.is_renewal is False
    assert request.microsoft.template_name == "WebServer"
    assert request.microsoft.client_info is not None
    assert request.microsoft.client_info.user == "EXAMPLE\\alice"


def test_the_key_identifier_of_a_new_request_need_not_be_a_hash_of_its_key() -> None:
    content = messages.pki_data(messages.pkcs10(NEW_KEY, SUBJECT))
    signer = messages.signer_info(
        NEW_KEY, content, key_identifier=b"anything", content_type=messages.PKI_DATA
    )

    request = parse_certification_request(cmc(content, signer))

    assert request.form is RequestForm.CMC


def cmc(content: bytes, *signers: bytes) -> bytes:
    return messages.signed_data(content, signers, content_type=messages.PKI_DATA, version=3)


def own_signer(content: bytes, **options: object) -> bytes:
    return messages.signer_info(
        NEW_KEY,
        content,
        key_identifier=messages.key_identifier(NEW_KEY),
        content_type=messages.PKI_DATA,
        **options,  # type: ignore[arg-type]  # those of signer_info
    )


def test_registration_information_becomes_name_value_pairs() -> None:
    content = messages.pki_data(
        messages.pkcs10(NEW_KEY, SUBJECT),
        registration_info="CertificateTemplate=WebServer&rmd=web1%2eexample.com&",
    )

    request = parse_certification_request(cmc(content, own_signer(content)))

    assert request.microsoft.name_value_pairs == (
        ("CertificateTemplate", "WebServer"),
        ("rmd", "web1.example.com"),
    )


def test_registration_information_in_several_controls_is_all_read() -> None:
    content = messages.pki_data(
        messages.pkcs10(NEW_KEY, SUBJECT), registration_info=("a=1", "b=2", "")
    )

    request = parse_certification_request(cmc(content, own_signer(content)))

    assert request.microsoft.name_value_pairs == (("a", "1"), ("b", "2"))


def test_no_control_hides_whom_another_one_names() -> None:
    content = messages.pki_data(
        messages.pkcs10(NEW_KEY, SUBJECT),
        registration_info=("RequesterName=alice", "RequesterName=bob"),
    )

    with pytest.raises(RequestAmbiguous, match="'alice' and 'bob'"):
        parse_certification_request(cmc(content, own_signer(content)))


def with_controls(*controls: tuple[str, Sequence[bytes]]) -> bytes:
    listed = [
        der.sequence(der.integer(number), der.oid(oid), der.tlv(der.SET, *values))
        for number, (oid, values) in enumerate(controls, start=2)
    ]
    request = der.explicit(0, der.integer(1) + messages.pkcs10(NEW_KEY, SUBJECT))
    content = der.sequence(
        der.sequence(*listed), der.sequence(request), der.sequence(), der.sequence()
    )
    return cmc(content, own_signer(content))


ADD_ATTRIBUTES = messages.MICROSOFT + "10.10.1"
NONCE = ("1.3.6.1.5.5.7.7.6", [der.octet_string(b"once")])


def added(attribute: bytes) -> bytes:
    return der.sequence(der.integer(0), der.sequence(der.integer(1)), der.set_of(attribute))


def test_no_value_of_a_control_hides_whom_another_one_names() -> None:
    pair = messages.name_value_pair("RequesterName", "EXAMPLE\\alice")
    named = added(messages.attribute(messages.MICROSOFT + "13.2.1", pair))
    nothing = added(messages.attribute("1.2.3.4"))

    request = parse_certification_request(with_controls((ADD_ATTRIBUTES, [nothing, named])))

    assert request.on_behalf_of == "EXAMPLE\\alice"


def test_more_controls_than_are_read_are_refused() -> None:
    archived = (ADD_ATTRIBUTES, [added(ARCHIVED)])

    with pytest.raises(KeyArchivalUnsupported):
        parse_certification_request(with_controls(*[NONCE] * 63, archived))
    with pytest.raises(RequestTooLarge, match="controls"):
        parse_certification_request(with_controls(*[NONCE] * 64, archived))


def test_a_cmc_renewal_has_a_second_signature_by_the_old_certificate() -> None:
    attributes = [messages.renewal_certificate(OLD)]
    content = messages.pki_data(messages.pkcs10(NEW_KEY, SUBJECT, attributes))
    second = messages.signer_info(OLD_KEY, content, certificate=OLD, content_type=messages.PKI_DATA)
    octets = messages.signed_data(
        content, [own_signer(content), second], [OLD], content_type=messages.PKI_DATA
    )

    request = parse_certification_request(octets)

    assert (request.is_renewal, request.signer_certificate) == (True, OLD_DER)


def test_a_null_signature_is_good_when_its_own_key_signed_the_message() -> None:
    content = messages.pki_data(messages.null_signed_pkcs10(NEW_KEY, SUBJECT))

    request = parse_certification_request(cmc(content, own_signer(content)))

    assert (request.has_null_signature, request.unverifiable) == (False, None)
    assert request.signature.algorithm == "RSA with SHA-256"


def test_a_null_signature_with_another_signer_only_proves_nothing() -> None:
    content = messages.pki_data(messages.null_signed_pkcs10(NEW_KEY, SUBJECT))
    signer = messages.signer_info(OLD_KEY, content, certificate=OLD, content_type=messages.PKI_DATA)

    with pytest.raises(SignatureInvalid, match="hash instead of a signature"):
        parse_certification_request(
            messages.signed_data(content, [signer], [OLD], content_type=messages.PKI_DATA)
        )


def test_a_null_signature_inside_pkcs7_proves_nothing() -> None:
    inner = messages.null_signed_pkcs10(NEW_KEY, SUBJECT)
    signer = messages.signer_info(NEW_KEY, inner, key_identifier=messages.key_identifier(NEW_KEY))

    with pytest.raises(SignatureInvalid, match="hash instead of a signature"):
        parse_certification_request(messages.signed_data(inner, [signer]))


def test_a_null_signature_over_other_content_proves_nothing() -> None:
    inner = messages.null_signed_pkcs10(NEW_KEY, SUBJECT).replace(b".com", b".org")
    content = messages.pki_data(inner)

    with pytest.raises(SignatureInvalid, match="hash instead of a signature"):
        parse_certification_request(cmc(content, own_signer(content)))


NO_SIGNATURE = der.sequence(der.oid("1.3.6.1.5.5.7.6.2"))


def test_a_signer_without_signature_beside_a_real_one_is_remarked_upon() -> None:
    content = messages.pki_data(messages.pkcs10(NEW_KEY, SUBJECT))
    empty = own_signer(content, algorithm=NO_SIGNATURE)
    agent = messages.signer_info(OLD_KEY, content, certificate=OLD, content_type=messages.PKI_DATA)
    octets = messages.signed_data(content, [empty, agent], [OLD], content_type=messages.PKI_DATA)

    request = parse_certification_request(octets)

    assert request.signer_certificate == OLD_DER
    assert "a signer of the message left no signature" in request.remarks


def test_a_signer_without_signature_alone_proves_nothing() -> None:
    content = messages.pki_data(messages.pkcs10(NEW_KEY, SUBJECT))

    with pytest.raises(NoSigner):
        parse_certification_request(cmc(content, own_signer(content, algorithm=NO_SIGNATURE)))


def test_a_signed_message_without_signers_is_refused() -> None:
    with pytest.raises(NoSigner) as caught:
        parse_certification_request(messages.signed_data(messages.pkcs10(NEW_KEY, SUBJECT), []))
    assert caught.value.hresult == 0x8009200E


def test_a_bag_of_certificates_is_named() -> None:
    with pytest.raises(NotARequest, match="certificates in it"):
        parse_certification_request(messages.signed_data(None, [], [OLD]))


AMBIGUOUS: dict[str, Callable[[], bytes]] = {
    "two requests": lambda: messages.pki_data(*[messages.pkcs10(NEW_KEY, SUBJECT)] * 2),
    "no request": messages.pki_data,
    "a CRMF": lambda: messages.pki_data(der.sequence(), tag=1),
}


@pytest.mark.parametrize("what", AMBIGUOUS)
def test_a_cmc_message_must_hold_exactly_one_pkcs10(what: str) -> None:
    content = AMBIGUOUS[what]()

    with pytest.raises(RequestAmbiguous) as caught:
        parse_certification_request(cmc(content, own_signer(content)))
    assert caught.value.hresult == 0x8007000D


def test_a_pkcs7_message_must_hold_a_request() -> None:
    signer = messages.signer_info(OLD_KEY, OLD_DER, certificate=OLD)

    with pytest.raises(RequestAmbiguous, match="a certificate instead of"):
        parse_certification_request(messages.signed_data(OLD_DER, [signer], [OLD]))


def test_signed_content_of_an_unknown_type_is_refused() -> None:
    inner = messages.pkcs10(NEW_KEY, SUBJECT)
    signer = messages.signer_info(OLD_KEY, inner, certificate=OLD, content_type="1.2.3")

    with pytest.raises(RequestAmbiguous, match="type 1\\.2\\.3"):
        parse_certification_request(
            messages.signed_data(inner, [signer], [OLD], content_type="1.2.3")
        )


def test_a_renewal_whose_old_certificate_is_not_in_the_message_is_refused() -> None:
    inner = messages.pkcs10(NEW_KEY, SUBJECT, [messages.renewal_certificate(OLD)])
    other = old_certificate(number=1)
    signer = messages.signer_info(key("rsa:2048", 1), inner, certificate=other)

    with pytest.raises(RenewalAttributeInvalid) as caught:
        parse_certification_request(messages.signed_data(inner, [signer], [other]))
    assert caught.value.hresult == 0x8009400E


def test_a_renewal_attribute_without_a_certificate_is_refused() -> None:
    junk = messages.attribute(messages.MICROSOFT + "13.1", der.octet_string(b"junk"))
    inner = messages.pkcs10(NEW_KEY, SUBJECT, [junk])
    signer = messages.signer_info(OLD_KEY, inner, certificate=OLD)

    with pytest.raises(RenewalAttributeInvalid):
        parse_certification_request(messages.signed_data(inner, [signer], [OLD]))


def test_a_renewal_signed_by_another_certificate_is_refused() -> None:
    inner = messages.pkcs10(NEW_KEY, SUBJECT, [messages.renewal_certificate(OLD)])
    other = old_certificate(number=1)
    signer = messages.signer_info(key("rsa:2048", 1), inner, certificate=other)

    with pytest.raises(SignatureInvalid, match="not signed by the certificate"):
        parse_certification_request(messages.signed_data(inner, [signer], [OLD, other]))


def test_a_renewal_signed_in_the_name_of_a_certificate_by_another_key_is_refused() -> None:
    octets = renewals.windows_renewal(OLD, key("rsa:2048", 1), NEW_KEY)

    with pytest.raises(SignatureInvalid, match="message"):
        parse_certification_request(octets)


@pytest.mark.parametrize("with_signed_attributes", [True, False])
def test_a_message_changed_after_signing_is_refused(with_signed_attributes: bool) -> None:  # noqa: FBT001 - a case
    inner = messages.pkcs10(NEW_KEY, SUBJECT)
    other = messages.pkcs10(NEW_KEY, messages.common_name("www.example.org"))
    signer = messages.signer_info(
        OLD_KEY, inner, certificate=OLD, with_signed_attributes=with_signed_attributes
    )

    with pytest.raises(SignatureInvalid) as caught:
        parse_certification_request(messages.signed_data(other, [signer], [OLD]))
    assert caught.value.hresult == 0x80090006


def test_signed_attributes_made_for_another_type_of_content_are_refused() -> None:
    inner = messages.pkcs10(NEW_KEY, SUBJECT)
    signer = messages.signer_info(OLD_KEY, inner, certificate=OLD, content_type=messages.PKI_DATA)

    with pytest.raises(SignatureInvalid, match="another type of content"):
        parse_certification_request(messages.signed_data(inner, [signer], [OLD]))


CONTENT_TYPE = "1.2.840.113549.1.9.3"
OF_DATA = messages.attribute(CONTENT_TYPE, der.oid(messages.DATA))
SIGNING_TIME = messages.attribute("1.2.840.113549.1.9.5", der.time(make.NOW))


def digest_of(content: bytes, name: str = "sha256") -> bytes:
    octets = hashlib.new(name, content).digest()
    return messages.attribute("1.2.840.113549.1.9.4", der.octet_string(octets))


def by_hand(
    signed: Sequence[bytes], *, unsigned: Sequence[bytes] = (), digest: str = "sha256"
) -> bytes:
    """Return a SignerInfo with no other attributes than these, signed with SHA-256."""
    attributes = sorted(signed)
    return der.sequence(
        der.integer(1),
        der.sequence(OLD.issuer.public_bytes(), der.integer(OLD.serial_number)),
        messages.digest_algorithm(digest),
        der.explicit(0, b"".join(attributes)),
        messages.signature_algorithm(OLD_KEY),
        der.octet_string(messages.sign(OLD_KEY, der.tlv(der.SET, *attributes))),
        der.explicit(1, b"".join(unsigned)) if unsigned else b"",
    )


MESSAGE = messages.pkcs10(NEW_KEY, SUBJECT)
TWO_TYPES = messages.attribute(CONTENT_TYPE, der.oid(messages.DATA), der.oid(messages.PKI_DATA))
NOT_COVERED = {
    "the hash is not signed": by_hand([OF_DATA, SIGNING_TIME], unsigned=[digest_of(MESSAGE)]),
    "neither hash nor type is": by_hand([SIGNING_TIME], unsigned=[digest_of(MESSAGE), OF_DATA]),
    "the type is not signed": by_hand([digest_of(MESSAGE)], unsigned=[OF_DATA]),
    "there is no type": by_hand([digest_of(MESSAGE)]),
    "there are two types": by_hand([digest_of(MESSAGE), TWO_TYPES]),
}


@pytest.mark.parametrize("what", NOT_COVERED)
def test_a_signature_that_does_not_cover_the_content_is_refused(what: str, tmp_path: Path) -> None:
    """OpenSSL says the same of each, and takes what they resemble."""
    octets = messages.signed_data(MESSAGE, [NOT_COVERED[what]], [OLD])

    with pytest.raises(SignatureInvalid):
        parse_certification_request(octets)
    assert not openssl_verifies(octets, tmp_path)


def test_a_signature_that_covers_hash_and_type_is_good(tmp_path: Path) -> None:
    octets = messages.signed_data(MESSAGE, [by_hand([OF_DATA, digest_of(MESSAGE)])], [OLD])

    assert parse_certification_request(octets).signer_certificate == OLD_DER
    assert openssl_verifies(octets, tmp_path)


def openssl_verifies(octets: bytes, folder: Path) -> bool:
    (folder / "message").write_bytes(octets)
    command = ["openssl", "cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in"]
    done = subprocess.run(
        [*command, folder / "message", "-out", folder / "content"], capture_output=True, check=False
    )
    return done.returncode == 0


@pytest.mark.parametrize("digest", ["md5", "sha1"])
def test_a_good_signature_over_a_broken_hash_of_the_content_is_remarked_upon(digest: str) -> None:
    signer = by_hand([OF_DATA, digest_of(MESSAGE, digest)], digest=digest)

    request = parse_certification_request(messages.signed_data(MESSAGE, [signer], [OLD]))

    assert any(f"over {digest.upper()}, a broken hash" in remark for remark in request.remarks)


def test_signed_attributes_in_the_wrong_order_are_verified_as_they_were_signed() -> None:
    inner = messages.pkcs10(NEW_KEY, SUBJECT)
    signer = messages.signer_info(OLD_KEY, inner, certificate=OLD, is_sorted=False)

    request = parse_certification_request(messages.signed_data(inner, [signer], [OLD]))

    assert request.signer_certificate == OLD_DER


def test_the_inner_request_must_prove_its_own_key_however_well_the_message_is_signed() -> None:
    inner = messages.pkcs10(NEW_KEY, SUBJECT, signature=bytes(256))
    signer = messages.signer_info(OLD_KEY, inner, certificate=OLD)

    with pytest.raises(SignatureInvalid, match="request"):
        parse_certification_request(messages.signed_data(inner, [signer], [OLD]))


def test_a_signer_whose_certificate_is_missing_cannot_be_verified() -> None:
    inner = messages.pkcs10(NEW_KEY, SUBJECT)
    signer = messages.signer_info(OLD_KEY, inner, certificate=OLD)

    with pytest.raises(SignatureInvalid, match="is not in it"):
        parse_certification_request(messages.signed_data(inner, [signer]))


def test_one_false_signature_among_good_ones_refuses_the_message() -> None:
    inner = messages.pkcs10(NEW_KEY, SUBJECT)
    good = messages.signer_info(OLD_KEY, inner, certificate=OLD)
    false = messages.signer_info(key("rsa:2048", 1), inner, certificate=OLD)

    with pytest.raises(SignatureInvalid):
        parse_certification_request(messages.signed_data(inner, [good, false], [OLD]))


def test_an_outer_signature_that_cannot_be_computed_is_named() -> None:
    inner = messages.pkcs10(NEW_KEY, SUBJECT)
    algorithm = der.sequence(der.oid("1.2.643.7.1.1.3.2"))
    signer = messages.signer_info(OLD_KEY, inner, certificate=OLD, algorithm=algorithm)

    with pytest.raises(SignatureUnverifiable, match="GOST"):
        parse_certification_request(messages.signed_data(inner, [signer], [OLD]))


def _archival_by_signer() -> bytes:
    content = messages.pki_data(messages.pkcs10(NEW_KEY, SUBJECT))
    return cmc(content, own_signer(content, unsigned=[ARCHIVED]))


def _archival_by_control() -> bytes:
    key_hash = messages.attribute(messages.MICROSOFT + "21.21", der.octet_string(bytes(20)))
    content = messages.pki_data(messages.pkcs10(NEW_KEY, SUBJECT), added=[key_hash])
    return cmc(content, own_signer(content))


ARCHIVALS: dict[str, Callable[[], bytes]] = {
    "in the request": lambda: messages.pkcs10(NEW_KEY, SUBJECT, [ARCHIVED]),
    "as an unsigned attribute of the signer": _archival_by_signer,
    "as a hash in a control": _archival_by_control,
}


@pytest.mark.parametrize("where", ARCHIVALS)
def test_a_private_key_sent_for_archival_is_refused(where: str) -> None:
    with pytest.raises(KeyArchivalUnsupported) as caught:
        parse_certification_request(ARCHIVALS[where]())
    assert caught.value.hresult == 0x8009400A


def test_more_signers_than_anybody_needs_are_refused() -> None:
    inner = messages.pkcs10(NEW_KEY, SUBJECT)
    signers = [
        messages.signer_info(OLD_KEY, inner + bytes([number]), certificate=OLD)
        for number in range(9)
    ]

    with pytest.raises(RequestTooLarge, match="signers"):
        parse_certification_request(messages.signed_data(inner, signers, [OLD]))


def test_more_certificates_than_anybody_needs_are_refused() -> None:
    inner = messages.pkcs10(NEW_KEY, SUBJECT)
    signer = messages.signer_info(OLD_KEY, inner, certificate=OLD)

    with pytest.raises(RequestTooLarge, match="certificates"):
        parse_certification_request(messages.signed_data(inner, [signer], [OLD] * 17))


@pytest.mark.parametrize("cut", [30, 200, 600])
def test_a_message_with_a_part_missing_is_malformed(cut: int) -> None:
    octets = renewals.windows_renewal(OLD, OLD_KEY, NEW_KEY)
    body = octets[:cut]

    with pytest.raises(MalformedRequest):
        parse_certification_request(body)


def test_the_requester_named_in_a_signed_attribute_is_kept_as_a_pair_and_nothing_more() -> None:
    inner = messages.pkcs10(NEW_KEY, SUBJECT)
    pair = messages.name_value_pair("requestername", "EXAMPLE\\administrator")
    attribute = messages.attribute(messages.MICROSOFT + "13.2.1", pair)
    signer = messages.signer_info(OLD_KEY, inner, certificate=OLD, extra_signed=[attribute])

    request = parse_certification_request(messages.signed_data(inner, [signer], [OLD]))

    assert request.microsoft.name_value_pairs == (("requestername", "EXAMPLE\\administrator"),)
    assert request.subject.rfc4514_string() == "CN=www.example.com"


def broken_message(*fields: bytes) -> bytes:
    """A ContentInfo whose SignedData has these fields."""
    return der.sequence(der.oid(messages.SIGNED_DATA), der.explicit(0, der.sequence(*fields)))


INNER = der.sequence(der.oid(messages.DATA), der.explicit(0, der.octet_string(b"x")))
VERSION, DIGESTS = der.integer(1), der.set_of()
BROKEN = {
    "nothing in it": der.sequence(der.oid(messages.SIGNED_DATA), der.tlv(0xA0)),
    "too few fields": broken_message(VERSION, DIGESTS, INNER),
    "content without a type": broken_message(VERSION, DIGESTS, der.sequence(), der.set_of()),
    "a certificate without fields": broken_message(
        VERSION, DIGESTS, INNER, der.explicit(0, der.sequence(der.sequence())), der.set_of()
    ),
    "a signer without fields": broken_message(VERSION, DIGESTS, INNER, der.set_of(der.sequence())),
    "a signer without signature": broken_message(
        VERSION,
        DIGESTS,
        INNER,
        der.set_of(
            der.sequence(VERSION, der.implicit(0, b"x"), messages.digest_algorithm("sha256"))
        ),
    ),
    "a signer without a name": broken_message(
        VERSION,
        DIGESTS,
        INNER,
        der.set_of(
            der.sequence(
                VERSION,
                der.null(),
                messages.digest_algorithm("sha256"),
                messages.RSA_KEY,
                der.octet_string(b""),
            )
        ),
    ),
    "a signer with an empty algorithm": broken_message(
        VERSION,
        DIGESTS,
        INNER,
        der.set_of(
            der.sequence(
                VERSION,
                der.implicit(0, b"x"),
                messages.digest_algorithm("sha256"),
                der.sequence(),
                der.octet_string(b""),
            )
        ),
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_message_that_lacks_a_part_is_malformed(what: str) -> None:
    with pytest.raises(MalformedRequest):
        parse_certification_request(BROKEN[what])


def test_controls_and_requests_must_both_be_there() -> None:
    content = der.sequence(der.sequence())

    with pytest.raises(MalformedRequest, match="CMC request is incomplete"):
        parse_certification_request(cmc(content, own_signer(content)))
