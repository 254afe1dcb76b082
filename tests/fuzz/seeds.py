"""Inputs to begin with: our vectors, the corpus where it lies, and what it takes to go deeper."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from enrollment.ca import der
from enrollment.ca.armor import read_text
from enrollment.ca.cms import read_signed_data
from enrollment.ca.errors import EnrollmentError
from tests import corpus, messages
from tests.build_vectors import VECTORS, old_certificate
from tests.fuzz import mutate

if TYPE_CHECKING:
    from collections.abc import Iterator

# What is longer teaches little and costs a second each.
_MOST: Final = 8192


def pastes() -> Iterator[bytes]:
    """Requests as people paste them and programs post them."""
    for path in sorted(VECTORS.iterdir()):
        if path.is_file() and path.suffix != ".md":
            yield path.read_bytes()
    for name in sorted(corpus.manifest()):
        octets = corpus.read(name)
        if len(octets) <= _MOST:
            yield octets


def requests() -> Iterator[bytes]:
    """The same, out of their armor."""
    for paste in pastes():
        try:
            yield read_text(paste)
        except EnrollmentError:
            continue


def signed_requests() -> Iterator[bytes]:
    """Requests for a key that the mutator signs with again."""
    yield mutate.request(messages.common_name("www.example.com"))
    yield mutate.request(_whole_subject(), *_attributes_of_windows())
    yield mutate.request(
        messages.common_name("www.example.com"),
        messages.extension_request(
            messages.template_name("WebServer"),
            messages.extension("2.5.29.15", bytes.fromhex("030205a0"), critical=True),
            messages.extension("2.5.29.17", _every_kind_of_name()),
            messages.extension("2.5.29.37", der.sequence(der.oid("1.3.6.1.5.5.7.3.1"))),
            messages.extension(messages.MICROSOFT + "21.7", _template_information()),
            messages.extension(messages.MICROSOFT + "21.10", der.sequence()),
            oid=messages.MICROSOFT_EXTENSIONS,
        ),
    )


def signed_data() -> Iterator[bytes]:
    """PKCS #7 and CMC."""
    for octets in requests():
        if octets[:1] == b"\x30" and b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" in octets[:20]:
            yield octets


def pki_data() -> Iterator[bytes]:
    """What is inside of CMC."""
    for octets in signed_data():
        content = read_signed_data(octets).content
        if content is not None:
            yield content


def certificates() -> Iterator[bytes]:
    """Certificates as clients show them."""
    from cryptography.hazmat.primitives.serialization import Encoding

    yield old_certificate().public_bytes(Encoding.DER)


def attribute_lines() -> Iterator[bytes]:
    """Lines as they stand beside a request."""
    yield b"CertificateTemplate:WebServer\r\nSAN:dns=a.example.com&dns=b.example.com\r\nx: y"
    yield b"CERTIFICATE-TEMPLATE : User\nccm: host\nUserAgent:Mozilla/5.0 (a; b)\n:\n a"


def ocsp_requests() -> Iterator[bytes]:
    """Requests with one and several certificates, with a nonce and extensions."""
    identity = der.sequence(
        der.sequence(der.oid("1.3.14.3.2.26"), der.null()),
        der.octet_string(b"\x01" * 20),
        der.octet_string(b"\x02" * 20),
        der.integer(0x1F00D),
    )
    nonce = messages.extension("1.3.6.1.5.5.7.48.1.2", der.octet_string(b"n" * 16))
    kinds = messages.extension(
        "1.3.6.1.5.5.7.48.1.4", der.sequence(der.oid("1.3.6.1.5.5.7.48.1.1"))
    )
    single = der.sequence(identity)
    yield der.sequence(der.sequence(der.sequence(single)))
    yield der.sequence(
        der.sequence(der.sequence(single, single), der.explicit(2, der.sequence(nonce, kinds)))
    )


def ntlm_messages() -> Iterator[bytes]:
    """Both messages of a client."""
    yield b"NTLMSSP\0" + struct.pack("<II", 1, 0xE2088297) + bytes(24)
    pairs = struct.pack("<HHI", 6, 4, 2) + struct.pack("<HH", 10, 16) + bytes(20)
    answer = b"p" * 16 + b"\1\1" + bytes(26) + pairs
    values = [bytes(24), answer, *(text.encode("utf-16-le") for text in ("EXAMPLE", "alice", "PC"))]
    fields, at = b"", 88
    for value in (*values, b""):
        fields += struct.pack("<HHI", len(value), len(value), at)
        at += len(value)
    head = b"NTLMSSP\0" + struct.pack("<I", 3) + fields + struct.pack("<I", 1)
    yield head.ljust(88, b"\0") + b"".join(values)


def tickets() -> Iterator[bytes]:
    """A Kerberos token, and SPNEGO around it, as browsers send them (RFC 4120, 4121, 4178)."""
    kerberos, ntlm = der.oid("1.2.840.113554.1.2.2"), der.oid("1.3.6.1.4.1.311.2.2.10")

    def general(text: str) -> bytes:
        return der.tlv(0x1B, text.encode())

    def numbered(*values: bytes) -> bytes:
        return der.sequence(*(der.explicit(number, one) for number, one in enumerate(values)))

    parts = der.sequence(general("HTTP"), general("ca.example.com"))
    encrypted = numbered(der.integer(18), der.integer(1), der.octet_string(bytes(200)))
    version = der.integer(5)
    service = numbered(der.integer(2), parts)
    ticket = der.tlv(0x61, numbered(version, general("EXAMPLE.COM"), service, encrypted))
    options = der.bit_string(bytes(4))
    request = der.tlv(0x6E, numbered(version, der.integer(14), options, ticket, encrypted))
    token = der.tlv(0x60, kerberos, b"\1\0", request)
    offered = der.explicit(0, der.sequence(kerberos, ntlm))
    offer = der.sequence(offered, der.explicit(2, der.octet_string(token)))
    yield token
    yield der.tlv(0x60, der.oid("1.3.6.1.5.5.2"), der.explicit(0, offer))


def _whole_subject() -> bytes:
    return messages.name(
        ("2.5.4.6", der.printable_string("NL")),
        ("2.5.4.8", der.utf8_string("Noord-Holland")),
        ("2.5.4.10", der.bmp_string("Example")),
        ("2.5.4.11", der.tlv(0x14, b"Web")),
        ("1.2.840.113549.1.9.1", der.ia5_string("a@example.com")),
        ("2.5.4.3", der.utf8_string("www.example.com")),
    )


def _attributes_of_windows() -> tuple[bytes, ...]:
    return (
        messages.os_version(),
        messages.provider(),
        messages.client_info(),
        messages.attribute(messages.MICROSOFT + "13.2.1", messages.name_value_pair("a", "b")),
        messages.extension_request(messages.dns_names("www.example.com", "example.com")),
    )


def _every_kind_of_name() -> bytes:
    principal = der.explicit(0, der.utf8_string("alice@example.com"))
    upn = der.tlv(0xA0, der.oid("1.3.6.1.4.1.311.20.2.3"), principal)
    return der.sequence(
        upn,
        der.implicit(1, b"a@example.com"),
        der.implicit(2, b"www.example.com"),
        der.explicit(4, messages.common_name("directory")),
        der.implicit(6, b"https://example.com/"),
        der.implicit(7, bytes((192, 0, 2, 1))),
        der.implicit(8, der.oid("1.2.3.4")[2:]),
    )


def _template_information() -> bytes:
    return der.sequence(
        der.oid("1.3.6.1.4.1.311.21.8.1.2.3.4.5.6.1.16"), der.integer(100), der.integer(2)
    )
