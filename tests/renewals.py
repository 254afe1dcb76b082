"""Renewal requests as Windows and OpenSSL write them, for any old certificate and its key."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import rsa

from enrollment.ca import der
from tests import messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes


def windows_renewal(  # noqa: PLR0913 - a builder: one keyword for each thing to vary
    old_certificate: x509.Certificate,
    old_key: PrivateKeyTypes,
    new_key: PrivateKeyTypes,
    *,
    subject: bytes | None = None,
    san: Sequence[str] = (),
    template: str | None = None,
    digest: str = "sha256",
) -> bytes:
    """Return a PKCS #7 renewal in the form of Windows.

    One SignerInfo without signed attributes, rsaEncryption beside the hash, the old certificate in
    the message and in attribute 13.1 of the PKCS #10. Subject and names default to the old ones.

    Source: ms-facts section b.3.
    """
    extensions = [messages.dns_names(*san)] if san else []
    if template is not None:
        extensions.append(messages.template_name(template))
    request = messages.pkcs10(
        new_key,
        subject or old_certificate.subject.public_bytes(),
        [
            messages.os_version(),
            messages.client_info(5, process="InetMgr.exe"),
            messages.provider(),
            messages.renewal_certificate(old_certificate),
            *([messages.extension_request(*extensions)] if extensions else []),
        ],
    )
    signer = messages.signer_info(
        old_key,
        request,
        certificate=old_certificate,
        digest=digest,
        with_signed_attributes=False,
        algorithm=messages.RSA_KEY if isinstance(old_key, rsa.RSAPrivateKey) else None,
    )
    return messages.signed_data(request, [signer], [old_certificate])


def openssl_cms_renewal(
    old_certificate: x509.Certificate,
    old_key: PrivateKeyTypes,
    new_key: PrivateKeyTypes,
    *,
    subject: bytes | None = None,
    san: Sequence[str] = (),
) -> bytes:
    """Return what `openssl cms -sign -nodetach -binary` makes of a new PKCS #10.

    Signed attributes with a time, the old certificate in the message, and no attribute 13.1.
    """
    request = messages.pkcs10(
        new_key,
        subject or old_certificate.subject.public_bytes(),
        [messages.extension_request(messages.dns_names(*san))] if san else [],
    )
    moment = der.time(datetime(2026, 11, 23, 12, tzinfo=UTC))
    signer = messages.signer_info(
        old_key,
        request,
        certificate=old_certificate,
        extra_signed=[messages.attribute("1.2.840.113549.1.9.5", moment)],
    )
    return messages.signed_data(request, [signer], [old_certificate])


def certreq_cmc(
    new_key: PrivateKeyTypes,
    *,
    subject: bytes,
    san: Sequence[str] = (),
    template: str | None = None,
) -> bytes:
    """Return a new request as certreq writes it: CMC, signed by its own key and no certificate."""
    extensions = [messages.dns_names(*san)] if san else []
    if template is not None:
        extensions.append(messages.template_name(template))
    request = messages.pkcs10(
        new_key,
        subject,
        [
            messages.os_version(),
            messages.provider(),
            *([messages.extension_request(*extensions)] if extensions else []),
        ],
    )
    content = messages.pki_data(request, added=[messages.client_info()])
    signer = messages.signer_info(
        new_key,
        content,
        key_identifier=messages.key_identifier(new_key),
        content_type=messages.PKI_DATA,
    )
    return messages.signed_data(content, [signer], content_type=messages.PKI_DATA, version=3)


def pem(octets: bytes, label: str = "NEW CERTIFICATE REQUEST") -> bytes:
    """Return armor as IIS writes it: CRLF and 64 columns."""
    body = base64.b64encode(octets).decode()
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    text = "\r\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])
    return text.encode()
