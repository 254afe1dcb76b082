"""Where private keys live, and the only door to them.

A `Signer` signs octets and says with which algorithm; nobody outside this package ever holds a
private key. Keys in files are `file`; other places (a token, a service) become a module beside it
and a prefix in `open_signer`.
"""

from __future__ import annotations

from enrollment.keys.errors import (
    KeyFileExists,
    KeyFileMissing,
    KeyFileUnreadable,
    KeyFileUnsafe,
    KeyMismatch,
    KeyProblem,
    UnknownKeyKind,
)
from enrollment.keys.file import FileSigner, generate, load
from enrollment.keys.kinds import KINDS, check_kind, kind_of
from enrollment.keys.signer import Signer, matches
from enrollment.keys.store import forget_signers, open_signer

__all__ = [
    "KINDS",
    "FileSigner",
    "KeyFileExists",
    "KeyFileMissing",
    "KeyFileUnreadable",
    "KeyFileUnsafe",
    "KeyMismatch",
    "KeyProblem",
    "Signer",
    "UnknownKeyKind",
    "check_kind",
    "forget_signers",
    "generate",
    "kind_of",
    "load",
    "matches",
    "open_signer",
]
