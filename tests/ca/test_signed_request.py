"""Renewals and other signed messages: what each signature proves, and what it must not."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from enrollment.ca import der
from enrollment.ca.errors import (
    NoSigner,
    NotARequest,
    RenewalAttributeInvalid,
    RequestAmbiguous,
    SignatureInvalid,
    SignatureUnverifiable,
)
from enrollment.ca.request import RequestForm, parse_certification_request
from tests import messages, renewals, tools

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


from tests.ca.signed_messages import (
    NEW_KEY,
    OLD,
    OLD_DER,
    OLD_KEY,
    SUBJECT,
    cmc,
    key,
    old_certificate,
    own_signer,
)


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


def test_the_requester_named_in_a_signed_attribute_is_kept_as_a_pair_and_nothing_more() -> None:
    inner = messages.pkcs10(NEW_KEY, SUBJECT)
    pair = messages.name_value_pair("requestername", "EXAMPLE\\administrator")
    attribute = messages.attribute(messages.MICROSOFT + "13.2.1", pair)
    signer = messages.signer_info(OLD_KEY, inner, certificate=OLD, extra_signed=[attribute])

    request = parse_certification_request(messages.signed_data(inner, [signer], [OLD]))

    assert request.microsoft.name_value_pairs == (("requestername", "EXAMPLE\\administrator"),)
    assert request.subject.rfc4514_string() == "CN=www.example.com"
