"""What people paste instead of a request, known by its label or its first octets.

What can be known by its ASN.1 is in `recognize`; this is the rest.
"""

from __future__ import annotations

import re
from typing import Final

from enrollment.ca.recognize import private_key_refusal

_JWK: Final = re.compile(r"[\"']d[\"']\s{0,4}:\s{0,4}[\"'][A-Za-z0-9_-]{20}")
BINARY_FORMATS: Final = (
    (b"\xfe\xed\xfe\xed", "a Java key store (JKS), which holds a private key"),
    (b"\xce\xce\xce\xce", "a Java key store (JCEKS), which holds a private key"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
)
_SECRET_LABELS: Final = (
    ("OPENSSH PRIVATE KEY-", "an OpenSSH private key"),
    ("ENCRYPTED PRIVATE KEY-", "an encrypted private key"),
    ("PRIVATE KEY-", "a private key"),
    ("PRIVATE KEY BLOCK-", "a PGP private key"),
    ("PUTTY-USER-KEY-FILE-", "a PuTTY private key"),
    ("<RSAKEYVALUE>", "a private key in XML"),
)
LABELS: Final = {
    "CERTIFICATE": "a certificate",
    "X509 CERTIFICATE": "a certificate",
    "TRUSTED CERTIFICATE": "a certificate",
    "X509 CRL": "a certificate revocation list (CRL)",
    "PUBLIC KEY": "a bare public key",
    "RSA PUBLIC KEY": "a bare public key",
    "SSH2 PUBLIC KEY": "an SSH public key",
    "DH PARAMETERS": "a set of Diffie-Hellman parameters",
    "EC PARAMETERS": "a set of curve parameters",
    "PGP MESSAGE": "a PGP message",
    "PGP PUBLIC KEY BLOCK": "a PGP public key",
}
_TEXT_FORMATS: Final = (
    ("ssh-rsa ", "an OpenSSH public key"),
    ("ssh-ed25519 ", "an OpenSSH public key"),
    ("ecdsa-sha2-", "an OpenSSH public key"),
    ("ssh-dss ", "an OpenSSH public key"),
    ("BEGIN SSH2 PUBLIC KEY", "an SSH public key"),
    ("BEGIN PGP ", "a PGP block"),
    ("[NewRequest]", "the settings file (.inf) from which certreq makes a request"),
    ("Certificate Request:", "the printed text of a request (openssl req -text)"),
    ("<html", "a web page"),
    ("<!doctype", "a web page"),
)


def refuse_labelled_secrets(text: str) -> None:
    """Refuse a private key that says what it is, wherever it stands."""
    upper = text.upper().replace("KEY -", "KEY-").replace("BLOCK -", "BLOCK-")
    for label, what in _SECRET_LABELS:
        if label in upper and (label != "<RSAKEYVALUE>" or "<D>" in upper):
            raise private_key_refusal(what)
    if '"KTY"' in upper and _JWK.search(text):
        raise private_key_refusal("a private key in JSON (JWK)")


def text_format(text: str) -> str | None:
    """Name text that is something other than a request, or None."""
    head = text[:4096].lower().lstrip()
    if head.startswith("{"):
        return "JSON"
    return next((what for mark, what in _TEXT_FORMATS if mark.lower() in head), None)
