"""Where private keys live, and the only door to them.

A `Signer` signs octets and says with which algorithm; nobody outside this package ever holds a
private key. A `KeyRing` opens and makes them: in files (`file`), on a PKCS #11 token
(`token_keys`), or by way of the signer process (`remote`).
"""

from __future__ import annotations

from enrollment.keys.errors import (
    KeyFileExists,
    KeyFileMissing,
    KeyFileUnreadable,
    KeyFileUnsafe,
    KeyFileUnwritable,
    KeyMismatch,
    KeyNotOurs,
    KeyProblem,
    PassphraseMissing,
    PassphraseWrong,
    SignerRefused,
    SignerUnreachable,
    TokenFailed,
    TokenKeyExists,
    TokenKeyMissing,
    TokenMissing,
    TokenModuleMissing,
    TokenPinWrong,
    TokenUnable,
    UnknownKeyKind,
    UnknownKeyReference,
)
from enrollment.keys.file import FileSigner, generate, load
from enrollment.keys.kinds import KINDS, check_kind, kind_of
from enrollment.keys.ring import IN_FILES, ON_TOKEN, KeyRing, MadeKey
from enrollment.keys.signer import Signer, matches
from enrollment.keys.store import forget_signers, open_signer
from enrollment.keys.token import TokenSettings

__all__ = [
    "IN_FILES",
    "KINDS",
    "ON_TOKEN",
    "FileSigner",
    "KeyFileExists",
    "KeyFileMissing",
    "KeyFileUnreadable",
    "KeyFileUnsafe",
    "KeyFileUnwritable",
    "KeyMismatch",
    "KeyNotOurs",
    "KeyProblem",
    "KeyRing",
    "MadeKey",
    "PassphraseMissing",
    "PassphraseWrong",
    "Signer",
    "SignerRefused",
    "SignerUnreachable",
    "TokenFailed",
    "TokenKeyExists",
    "TokenKeyMissing",
    "TokenMissing",
    "TokenModuleMissing",
    "TokenPinWrong",
    "TokenSettings",
    "TokenUnable",
    "UnknownKeyKind",
    "UnknownKeyReference",
    "check_kind",
    "forget_signers",
    "generate",
    "kind_of",
    "load",
    "matches",
    "open_signer",
]
