"""Encrypt a private key so that guessing its passphrase costs something.

`cryptography` writes PBES2 with 2,048 rounds of PBKDF2, a fraction of a millisecond for each guess.
This writes PBES2 with scrypt, which OpenSSL and `cryptography` read as well.

Source: RFC 5958 section 3 (EncryptedPrivateKeyInfo), RFC 8018 section 6.2 and appendix A.4 (PBES2),
RFC 7914 section 7 (scrypt in PBES2).
"""

from __future__ import annotations

import base64
import os
import textwrap
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7

from enrollment.ca import der

_PBES2: Final = "1.2.840.113549.1.5.13"
_SCRYPT: Final = "1.3.6.1.4.1.11591.4.11"
_AES_256_CBC: Final = "2.16.840.1.101.3.4.1.42"
# 16 MiB and some 50 ms for each guess; what needs over 32 MiB, OpenSSL does not read by default.
_COST: Final = 2**14
_BLOCK_SIZE: Final = 8
_PARALLEL: Final = 1
_KEY_BYTES: Final = 32
_SALT_BYTES: Final = 16


def encrypt(private_key_info: bytes, passphrase: bytes) -> bytes:
    """Return PrivateKeyInfo (DER) encrypted, as PEM."""
    salt, vector = os.urandom(_SALT_BYTES), os.urandom(AES256.block_size // 8)
    key = Scrypt(salt, _KEY_BYTES, _COST, _BLOCK_SIZE, _PARALLEL).derive(passphrase)
    padder = PKCS7(AES256.block_size).padder()
    cipher = Cipher(AES256(key), CBC(vector)).encryptor()
    padded = padder.update(private_key_info) + padder.finalize()
    parameters = der.sequence(
        der.octet_string(salt),
        *(der.integer(number) for number in (_COST, _BLOCK_SIZE, _PARALLEL)),
    )
    scheme = der.sequence(
        der.oid(_PBES2),
        der.sequence(
            der.sequence(der.oid(_SCRYPT), parameters),
            der.sequence(der.oid(_AES_256_CBC), der.octet_string(vector)),
        ),
    )
    content = cipher.update(padded) + cipher.finalize()
    return _pem(der.sequence(scheme, der.octet_string(content)))


def _pem(content: bytes) -> bytes:
    lines = textwrap.wrap(base64.b64encode(content).decode("ascii"), 64)
    label = "ENCRYPTED PRIVATE KEY"
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", "")).encode()
