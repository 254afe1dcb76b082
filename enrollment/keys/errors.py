"""What can be wrong with a key, in sentences for whoever runs the site.

These are not refusals of a request: they stop a start or a command, and never reach a requester.
They may name a file, a token or a setting; never a passphrase or a PIN.
"""

from __future__ import annotations


class KeyProblem(Exception):
    """A private key cannot be made or used."""


class UnknownKeyKind(KeyProblem):
    """The text does not name a kind of key that a CA here may have."""


class UnknownKeyReference(KeyProblem):
    """The text does not say where a key is."""


class KeyFileExists(KeyProblem):
    """A key would be written over another."""


class KeyFileMissing(KeyProblem):
    """There is no file where the key should be."""


class KeyFileUnwritable(KeyProblem):
    """The key cannot be written where it should be kept."""


class KeyFileUnsafe(KeyProblem):
    """Others than the owner could read the key."""


class KeyFileUnreadable(KeyProblem):
    """The file is no private key, or its passphrase is another."""


class PassphraseMissing(KeyFileUnreadable):
    """The file is encrypted, and nobody said with what."""


class PassphraseWrong(KeyFileUnreadable):
    """The file is encrypted with another passphrase."""


class KeyMismatch(KeyProblem):
    """The private key does not belong to the certificate."""


class TokenModuleMissing(KeyProblem):
    """The driver of the token, or our way to talk to drivers, is not there."""


class TokenMissing(KeyProblem):
    """The driver knows no token of that name."""


class TokenPinWrong(KeyProblem):
    """The token does not accept the PIN."""


class TokenKeyMissing(KeyProblem):
    """The token holds no key of that name."""


class TokenKeyExists(KeyProblem):
    """The token holds a key of that name already."""


class TokenUnable(KeyProblem):
    """The token cannot make such keys or signatures."""


class TokenFailed(KeyProblem):
    """The token did not do its work, also not at a second try."""


class KeyNotOurs(KeyProblem):
    """The key lies where this program does not delete keys."""


class SignerUnreachable(KeyProblem):
    """The signer process does not answer."""


class SignerRefused(KeyProblem):
    """The signer process does not sign this; the text is its sentence."""
