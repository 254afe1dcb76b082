"""The parsers that need no site: what they must hold of whatever they read."""

from __future__ import annotations

import atexit
import re
import tempfile
import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key
from cryptography.x509 import ocsp as pyca_ocsp

from enrollment.ca import (
    armor,
    attributes,
    ber,
    certificate_file,
    client_certificate,
    cmc,
    cms,
    encode,
    names,
    ocsp,
    recognize,
)
from enrollment.ca.answer_errors import NoCertificate, PrivateKeyGiven
from enrollment.ca.certification_request import RequestForm
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.request import CertificationRequest, parse_certification_request
from enrollment.protocols.ocsp.codec import requests_in_path
from enrollment.protocols.web import codec, commands
from enrollment.signin import kerberos
from enrollment.signin.credentials import account_name, parse_basic
from enrollment.signin.ntlm import messages
from enrollment.signin.ntlm.proof import is_proof
from tests.fuzz import mutate, seeds
from tests.fuzz.target import Target
from tests.kerberos import keytabs

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_OPINION: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
)
_SERVICE: Final = "HTTP/ca.example.com@EXAMPLE.COM"
_IN_QUOTES: Final = re.compile(r"[\w .()/@:%+,=*-]*", re.ASCII)


def _armor(octets: bytes) -> None:
    found = armor.read_text(octets)
    again = armor.read_text(encode.pem_request(found).encode(), max_octets=2 * len(octets) + 256)
    assert again == found, "what was read is not what is read from our own armor"


def _ber(octets: bytes) -> None:
    strict = ber.canonical(octets)
    assert ber.canonical(strict) == strict, "strict DER is rewritten"


def _recognize(octets: bytes) -> None:
    assert recognize.recognize(octets) in recognize.Kind


def _request(octets: bytes) -> None:
    found = parse_certification_request(octets)
    assert found == parse_certification_request(octets), "two readings differ"
    _agree_with_cryptography(found)
    shown = names.display(found.subject)
    shown += " ".join(map(str, names.names_of(found.subject, ())))
    hidden = [sign for sign in shown if unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl"}]
    assert not hidden, f"the name shows {hidden}"


def _paste(octets: bytes) -> None:
    _request(armor.read_text(octets))


def _agree_with_cryptography(found: CertificationRequest) -> None:
    """What we read is what another reader reads, and what is signed."""
    try:
        other = x509.load_der_x509_csr(found.pkcs10_der)
        subject, extensions = other.subject, other.extensions
    except _NO_OPINION:
        return
    assert subject == found.subject, "another subject"
    if found.public_key is not None:
        assert load_der_public_key(found.spki_der) == found.public_key, "another key"
    # `cryptography` calls MD5 invalid; to us it is true and too weak, which policy says.
    is_proven = found.unverifiable is None and not found.signature.weak
    if found.form is RequestForm.PKCS10 and is_proven:
        assert _is_signed(other), "the proof of possession is none"
    for extension in extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            assert tuple(extension.value) == found.subject_alternative_name, "other names"


def _is_signed(request: x509.CertificateSigningRequest) -> bool:
    try:
        return request.is_signature_valid
    except _NO_OPINION:
        return True


def _cms(octets: bytes) -> None:
    message = cms.read_signed_data(octets)
    for signer in message.signers:
        certificate = message.certificate_of(signer)
        assert signer.proves_nothing in {True, False}
        assert certificate is None or certificate in message.certificates


def _cmc(octets: bytes) -> None:
    data = cmc.read_pki_data(octets)
    assert data.pkcs10 in octets
    assert all(name for name, _ in data.pairs)


def _attributes(octets: bytes) -> None:
    text = octets.decode("utf-8", "surrogateescape")
    found = attributes.parse_request_attributes(text)
    assert all(name and value for name, value in found.items())
    kept = attributes.readable_lines(text)
    again = attributes.parse_request_attributes(kept)
    assert dict(again) == dict(found), "what is kept is not what was read"
    joined = codec.attribute_text(text, "0;WebServer;")
    assert attributes.parse_request_attributes(joined).template_name == "WebServer"


def _client_certificate(octets: bytes) -> None:
    found = client_certificate.read(octets)
    assert found.claims[0][0] is client_certificate.Rule.EXACT
    assert all(value.isprintable() for rule, value in found.claims if rule != "subject")


def _certificate_file(octets: bytes) -> None:
    found = certificate_file.read_certificates(octets, "file")
    for each in found:
        names.display(each.subject)
        names.display(each.issuer)
    again = certificate_file.read_certificates(
        encode.pem_bundle([each.public_bytes(Encoding.DER) for each in found]).encode(),
        "file",
    )
    assert again == found, "what was read is not what is read from our own armor"


def _ocsp(octets: bytes) -> None:
    found = ocsp.parse_request(octets)
    assert 0 < len(found.certificates) <= ocsp.MAX_CERTIFICATES
    try:
        other = pyca_ocsp.load_der_ocsp_request(octets)
        serial, issuer = other.serial_number, other.issuer_name_hash
    except (*_NO_OPINION, NotImplementedError):
        return
    assert (found.certificates[0].serial_number, found.certificates[0].issuer_name_hash) == (
        serial,
        issuer,
    ), "another certificate"


def _ocsp_path(octets: bytes) -> None:
    readings = requests_in_path(octets.decode("latin-1"))
    assert 0 < len(readings) <= 64


def _ocsp_paths() -> Iterator[bytes]:
    import base64
    from urllib.parse import quote

    for octets in seeds.ocsp_requests():
        text = base64.b64encode(octets).decode()
        yield text.encode()
        yield quote(text, safe="").encode()
        yield text.replace("//", "/").rstrip("=").encode()


def _basic(octets: bytes) -> None:
    found = parse_basic("Basic " + octets.decode("latin-1"))
    if found is not None:
        account = account_name(found.name, realm="EXAMPLE.COM", domain="EXAMPLE")
        assert account is None or account in found.name


def _codec(octets: bytes) -> None:
    text = octets.decode("latin-1")
    number = codec.request_id(text)
    assert number is None or 0 <= number < 10**15
    assert 0 <= codec.position(text) < 10**6
    assert codec.renewal(text) in {None, codec.position(text)}
    written = codec.write_pending_cookie(codec.read_pending_cookie(text))
    assert codec.write_pending_cookie(codec.read_pending_cookie(written)) == written
    assert isinstance(codec.template_of_option(text), str)
    assert codec.as_text(octets).isascii()


def _typed_names(octets: bytes) -> None:
    typed, _, organization = octets.decode("utf-8", "replace").partition("\x00")
    found = commands.typed_names(typed)
    company = commands.organization(organization)
    if not found:
        return
    for name in found:
        assert _IN_QUOTES.fullmatch(name.value), "a shell would read this name"
    for command in commands.commands_for(found, organization=company):
        assert not set("`$;|<>'\\") & set(
            command.text.replace(" \\\n", "").replace("$Windows NT$", "")
        )


def _ntlm(octets: bytes) -> None:
    kind = messages.kind_of(octets)
    if kind is messages.Kind.NEGOTIATE:
        offered = messages.read_negotiate(octets)
        challenge = messages.write_challenge(offered, b"12345678", "EXAMPLE", ())
        assert messages.kind_of(challenge) is messages.Kind.CHALLENGE
    if kind is messages.Kind.AUTHENTICATE:
        found = messages.read_authenticate(octets)
        assert found.user
        assert len(found.without_mic) == len(octets) or not found.mic
        assert messages.read_pairs(found.answer.blob[28:]) == found.answer.pairs
        assert not is_proof(b"key", b"12345678", found)


@cache
def _service() -> Path:
    """A folder with the keytab of a service that no ticket here is for."""
    folder = tempfile.TemporaryDirectory(prefix="certsrv-fuzz-")
    atexit.register(folder.cleanup)
    keytab = Path(folder.name) / "keytab"
    keytab.write_bytes(keytabs.HEAD + keytabs.entry(_SERVICE))
    return keytab


def _ticket(octets: bytes) -> None:
    """Nobody has the key of this service, so nothing is believed."""
    keytab = _service()
    kerberos.accept(
        octets,
        keytab=str(keytab),
        service=_SERVICE,
        replays=keytab.with_name("replays"),
        binding=kerberos.NO_CONNECTION,
    )
    raise AssertionError("a ticket is believed that nobody can have made")


_ASN1: Final = (mutate.values, mutate.values, mutate.octets)
_TEXT: Final = (mutate.words, mutate.octets)
_REQUEST: Final = 64 * 1024

TARGETS: Final = (
    Target("armor", _armor, seeds.pastes, (EnrollmentError,), _REQUEST, _TEXT),
    Target("ber", _ber, seeds.requests, (EnrollmentError,), _REQUEST, _ASN1),
    Target("recognize", _recognize, seeds.requests, (), _REQUEST, _ASN1),
    Target(
        "pkcs10",
        _request,
        seeds.signed_requests,
        (EnrollmentError,),
        _REQUEST,
        (mutate.signed, mutate.signed, mutate.values),
    ),
    Target("request", _request, seeds.requests, (EnrollmentError,), _REQUEST, _ASN1),
    Target("paste", _paste, seeds.pastes, (EnrollmentError,), _REQUEST, _TEXT),
    Target("cms", _cms, seeds.signed_data, (EnrollmentError,), _REQUEST, _ASN1),
    Target("cmc", _cmc, seeds.pki_data, (EnrollmentError,), _REQUEST, _ASN1),
    Target("attributes", _attributes, seeds.attribute_lines, (), 32 * 1024, _TEXT),
    Target("ocsp", _ocsp, seeds.ocsp_requests, (ocsp.RequestMalformed,), 8193, _ASN1),
    Target("path", _ocsp_path, _ocsp_paths, (), 8192, _TEXT),
    Target(
        "clientcert",
        _client_certificate,
        seeds.certificates,
        (client_certificate.NoClientCertificate,),
        16 * 1024,
        _ASN1,
    ),
    Target(
        "file",
        _certificate_file,
        seeds.certificates,
        (NoCertificate, PrivateKeyGiven),
        _REQUEST,
        _ASN1,
    ),
    Target("basic", _basic, lambda: (b"YWxpY2U6cGFzc3dvcmQ=", b"RVhBTVBMRVxhOmI="), (), 4096),
    Target("ntlm", _ntlm, seeds.ntlm_messages, (messages.NotNtlm,), 4097),
    Target(
        "ticket",
        _ticket,
        seeds.tickets,
        (kerberos.TicketRefused,),
        12 * 1024,
        _ASN1,
        package="gssapi",
    ),
    Target(
        "codec",
        _codec,
        lambda: (b"17", b"[17,0,yes,Saved-Request Certificate][18,0,no,x]", b"E;WebServer;1;Web"),
        (),
        8192,
        _TEXT,
    ),
    Target(
        "names",
        _typed_names,
        lambda: (b"www.example.com\nexample.com, 192.0.2.1\x00Example (B.V.)", b"a@example.com"),
        (commands.NameUnusable,),
        8192,
        _TEXT,
    ),
)
