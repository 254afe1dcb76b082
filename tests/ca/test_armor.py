"""Whatever people paste, the request in it is found, or what it was is named."""

from __future__ import annotations

import base64
import html
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
    pkcs12,
)
from cryptography.x509 import ocsp

from enrollment.ca import der
from enrollment.ca.armor import read_text
from enrollment.ca.errors import (
    NotARequest,
    NotBase64,
    PrivateKeyPasted,
    RequestTooLarge,
    TruncatedRequest,
)
from tests import make, messages

if TYPE_CHECKING:
    from collections.abc import Callable

DER = make.request_der("www.example.com", dns=["www.example.com", "example.com"])
PEM = make.request_pem("www.example.com", dns=["www.example.com", "example.com"]).decode()
BODY = base64.b64encode(DER).decode()


def wrapped(columns: int) -> str:
    return "\n".join(BODY[start : start + columns] for start in range(0, len(BODY), columns))


def armored(body: str, label: str = "CERTIFICATE REQUEST") -> str:
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


SHAPES = {
    "PEM": PEM,
    "PEM, CRLF": PEM.replace("\n", "\r\n"),
    "PEM, bare CR": PEM.replace("\n", "\r"),
    "PEM, every newline removed": PEM.replace("\n", ""),
    "PEM, newlines turned into blanks": PEM.replace("\n", " "),
    "one line, no armor": BODY,
    "wrapped at 64, no armor": wrapped(64),
    "wrapped at 76, no armor": wrapped(76),
    "wrapped at 57, no armor": wrapped(57),
    "NEW CERTIFICATE REQUEST": armored(wrapped(64), "NEW CERTIFICATE REQUEST"),
    "a label that lies": armored(wrapped(64), "CERTIFICATE"),
    "a label in small letters": armored(wrapped(64))
    .lower()
    .replace(wrapped(64).lower(), wrapped(64)),
    "quoted in mail": "\n".join("> " + line for line in PEM.splitlines()),
    "quoted twice in mail": "\n".join(">> " + line for line in PEM.splitlines()),
    "indented": "\n".join("\t    " + line + "  " for line in PEM.splitlines()),
    "indented with no-break spaces": "\n".join("\u00a0\u00a0" + line for line in PEM.splitlines()),
    "prose around": f"Hello,\n\nplease sign this:\n\n{PEM}\n\nThanks, Bob\n",
    "prose around, no armor": f"Hello, please sign this:\n\n{wrapped(64)}\n\nThanks, Bob\n",
    "no BEGIN line": wrapped(64) + "\n-----END CERTIFICATE REQUEST-----\n",
    "no END line": "-----BEGIN CERTIFICATE REQUEST-----\n" + wrapped(64),
    "inside XML": f"<Request><PKCS10>\n{PEM}</PKCS10></Request>",
    "inside XML, no armor": f"<Request><PKCS10>{BODY}</PKCS10></Request>",
    "HTML entities": html.escape(PEM).replace("\n", "&#13;&#10;").replace("+", "&#43;"),
    "HTML page": f"<html><body><pre>{PEM}</pre></body></html>",
    "JSON": '{"csr": "' + PEM.replace("\n", "\\n") + '"}',
    "source literal with escapes": 'csr = "' + PEM.replace("\n", "\\r\\n") + '";',
    "source literal by lines": " +\n".join(f'    "{line}\\n"' for line in PEM.splitlines()) + ";",
    "YAML block": "request: |\n" + "\n".join("  " + line for line in PEM.splitlines()),
    "comment": "\n".join("# " + line for line in PEM.splitlines()),
    "blanks for plus signs": PEM.replace("+", " "),
    "URL-safe alphabet": BODY.replace("+", "-").replace("/", "_").rstrip("="),
    "padding lost": armored(wrapped(64).rstrip("=")),
    "zero-width characters": PEM.replace("\n", "\u200b\n"),
    "dashes made pretty by an editor": PEM.replace("-----", "\u2014\u2014-"),
    "a header inside the armor": PEM.replace(
        "REQUEST-----\n", "REQUEST-----\nComment: hello\n\n", 1
    ),
    "a printed request before it": f"Certificate Request:\n    Data:\n        Version: 1\n{PEM}",
    "a Cisco terminal": (
        f"Certificate Request follows:\n\n{wrapped(64)}\n\n"
        "---End - This line not part of the certificate request---\n\n"
        "Redisplay enrollment request? [yes/no]: no\n"
    ),
    "certificate chain labels around": "-----BEGIN RUBBISH-----\n-----END RUBBISH-----\n" + PEM,
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES.keys())
def test_a_request_is_found_in_any_shape_of_text(text: str) -> None:
    assert read_text(text.encode()) == DER


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("shape", ["PEM, CRLF", "one line, no armor"])
def test_a_request_is_found_in_any_encoding_of_text(encoding: str, shape: str) -> None:
    assert read_text(SHAPES[shape].encode(encoding)) == DER


def test_a_file_in_der_is_taken_as_it_is() -> None:
    assert read_text(DER) == DER


def test_padding_behind_a_request_is_left_to_the_parser() -> None:
    assert read_text(DER + b"\x00" * 8) == DER + b"\x00" * 8


def test_a_request_beside_a_certificate_is_the_one_that_is_taken() -> None:
    certificate = armored(base64.b64encode(_certificate()).decode(), "CERTIFICATE")

    assert read_text((certificate + PEM).encode()) == DER


def test_the_same_request_twice_is_one_request() -> None:
    assert read_text((PEM + PEM).encode()) == DER


def test_two_requests_are_refused_and_counted() -> None:
    other = make.request_pem("other.example.com").decode()

    with pytest.raises(NotARequest, match="holds 2 requests"):
        read_text((PEM + other).encode())


def _certificate() -> bytes:

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "old")])
    key = make.key("ec:p256")
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(make.NOW)
        .not_valid_after(make.NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def _crl() -> bytes:

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ca")])
    return (
        x509.CertificateRevocationListBuilder()
        .issuer_name(name)
        .last_update(make.NOW)
        .next_update(make.NOW + timedelta(days=1))
        .sign(make.key("ec:p256"), hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def _spkac() -> bytes:
    key = make.key()
    content = der.sequence(messages.spki(key), der.ia5_string("challenge"))
    return der.sequence(
        content, messages.signature_algorithm(key), der.bit_string(messages.sign(key, content))
    )


def _bag() -> bytes:

    return pkcs7.serialize_certificates(
        [x509.load_der_x509_certificate(_certificate())], Encoding.DER
    )


def _crmf() -> bytes:
    return der.sequence(der.sequence(der.sequence(der.integer(0), der.sequence())))


def _cmp() -> bytes:
    general_name = der.explicit(4, der.sequence())
    header = der.sequence(der.integer(2), general_name, general_name)
    return der.sequence(header, der.explicit(0, der.sequence()))


def _ocsp() -> bytes:

    certificate = x509.load_der_x509_certificate(_certificate())
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, certificate, hashes.SHA256())
    return builder.build().public_bytes(Encoding.DER)


MISTAKES: dict[str, tuple[Callable[[], bytes], str]] = {
    "a certificate": (_certificate, "a certificate"),
    "a CRL": (_crl, "revocation list"),
    "SPKAC": (_spkac, "SPKAC"),
    "a bare public key": (lambda: messages.spki(make.key()), "public key"),
    "CRMF": (_crmf, "CRMF"),
    "CMP": (_cmp, "CMP"),
    "an OCSP request": (_ocsp, "OCSP request"),
    "an OCSP response": (lambda: der.sequence(der.tlv(0x0A, b"\x06")), "OCSP response"),
}


@pytest.mark.parametrize("armor", ["DER", "base64", "PEM with a label that lies"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_something_else_is_named_by_its_asn1(mistake: str, armor: str) -> None:
    build, named = MISTAKES[mistake]
    octets = build()
    text = base64.b64encode(octets).decode()
    paste = {
        "DER": octets,
        "base64": text.encode(),
        "PEM with a label that lies": armored(text).encode(),
    }[armor]

    with pytest.raises(NotARequest, match=named) as caught:
        read_text(paste)
    assert not isinstance(caught.value, PrivateKeyPasted)


def _private(form: PrivateFormat, kind: str = "rsa:2048", password: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return make.key(kind).private_bytes(Encoding.PEM, form, encryption)


SECRETS: dict[str, Callable[[], bytes]] = {
    "PKCS #8": lambda: _private(PrivateFormat.PKCS8),
    "PKCS #8, encrypted": lambda: _private(PrivateFormat.PKCS8, password=b"secret"),
    "PKCS #1": lambda: _private(PrivateFormat.TraditionalOpenSSL),
    "SEC 1": lambda: _private(PrivateFormat.TraditionalOpenSSL, "ec:p256"),
    "OpenSSH": lambda: _private(PrivateFormat.OpenSSH, "ed25519"),
    "PuTTY": lambda: b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n",
    "JWK": lambda: b'{"kty":"EC","crv":"P-256","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}',
    "XML": lambda: b"<RSAKeyValue><Modulus>AA</Modulus><D>AA</D></RSAKeyValue>",
}


@pytest.mark.parametrize("form", SECRETS)
def test_a_private_key_is_refused_and_its_owner_warned(form: str) -> None:
    with pytest.raises(PrivateKeyPasted) as caught:
        read_text(SECRETS[form]())

    assert "was not stored" in caught.value.detail
    assert "make a new key" in caught.value.remedy


@pytest.mark.parametrize("form", SECRETS)
def test_a_private_key_beside_a_request_spoils_the_request(form: str) -> None:
    with pytest.raises(PrivateKeyPasted):
        read_text(PEM.encode() + SECRETS[form]())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_private_key_in_another_encoding_is_seen_as_well(encoding: str) -> None:
    text = _private(PrivateFormat.PKCS8).decode()

    with pytest.raises(PrivateKeyPasted):
        read_text(text.encode(encoding))


@pytest.mark.parametrize("kind", ["rsa:2048", "ec:p256", "ed25519"])
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("shape", ["DER", "base64", "PEM with a label that lies"])
def test_a_private_key_without_its_label_is_seen_by_its_asn1(
    kind: str, form: PrivateFormat, shape: str
) -> None:
    if kind == "ed25519":
        form = PrivateFormat.PKCS8
    octets = make.key(kind).private_bytes(Encoding.DER, form, NoEncryption())
    text = base64.b64encode(octets).decode()
    paste = {
        "DER": octets,
        "base64": text.encode(),
        "PEM with a label that lies": armored(text).encode(),
    }[shape]

    with pytest.raises(PrivateKeyPasted):
        read_text(paste)


@pytest.mark.parametrize("label", ["CERTIFICATE REQUEST", "CERTIFICATE", "X"])
def test_a_private_key_under_another_label_spoils_the_request_beside_it(label: str) -> None:
    octets = make.key("ec:p256").private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    hidden = armored(base64.b64encode(octets).decode(), label)

    with pytest.raises(PrivateKeyPasted):
        read_text((PEM + hidden).encode())


def test_a_pkcs12_file_counts_as_a_private_key() -> None:
    private_key = make.key("ec:p256")
    assert isinstance(private_key, ec.EllipticCurvePrivateKey)
    octets = pkcs12.serialize_key_and_certificates(
        b"me", private_key, None, None, BestAvailableEncryption(b"secret")
    )

    with pytest.raises(PrivateKeyPasted, match="PKCS #12"):
        read_text(octets)


def test_a_message_about_a_private_key_quotes_nothing_of_it() -> None:
    secret = _private(PrivateFormat.PKCS8).decode()

    with pytest.raises(PrivateKeyPasted) as caught:
        read_text(secret.encode())
    assert not any(line in str(caught.value) for line in secret.splitlines() if len(line) > 20)


PLAIN = {
    "nothing": (b"", "empty"),
    "blanks": (b"  \r\n ", "empty"),
    "prose": (b"Please give me a certificate for www.example.com", "plain text"),
    "a web page": (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
    "an .inf file": (b'[NewRequest]\r\nSubject = "CN=x"\r\n', "settings file"),
    "an OpenSSH public key": (
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA alice@host",
        "OpenSSH public",
    ),
    "a ZIP archive": (b"PK\x03\x04\x14\x00\x00\x00", "ZIP"),
    "a PDF document": (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
    "base64 of something else": (base64.b64encode(b"hello world " * 20), "base64, but"),
    "a damaged character": (PEM.replace("M", "!", 1).encode(), "Line 2 holds '!'"),
    "nothing in the armor": (armored("").encode(), "nothing between BEGIN and END"),
    "a character lost": (armored(wrapped(64)[:-9]).encode()[:-40], "cut off|damaged"),
}


@pytest.mark.parametrize("what", PLAIN)
def test_text_without_a_request_is_explained(what: str) -> None:
    paste, told = PLAIN[what]

    with pytest.raises((NotARequest, TruncatedRequest), match=told):
        read_text(paste)


def test_a_request_cut_off_in_the_middle_is_said_to_be_cut_off() -> None:
    lines = PEM.splitlines()
    short = "\n".join([*lines[:8], lines[-1]])

    with pytest.raises(TruncatedRequest, match="cut off"):
        read_text(short.encode())


def test_more_than_the_limit_is_refused_unread() -> None:
    with pytest.raises(RequestTooLarge, match="at most 1,000"):
        read_text(PEM.encode() * 3, max_octets=1000)


def test_exactly_the_limit_is_read() -> None:
    assert read_text(PEM.encode(), max_octets=len(PEM)) == DER


def test_a_wrong_character_is_shown_so_that_it_cannot_act() -> None:
    with pytest.raises(NotBase64) as caught:
        read_text(armored("MII\u202e").encode())
    assert "\u202e" not in caught.value.detail
