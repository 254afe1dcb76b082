"""What can be wrong with a key, in sentences for whoever runs the site.

These are not refusals of a request: they stop a start or a command, and never reach a requester.
They may name a file.
"""

from __future__ import annotations


class KeyProblem(Exception):
    """A private key cannot be made or used."""


class UnknownKeyKind(KeyProblem):
    """The text does not name a kind of key that a CA here may have."""


class KeyFileExists(KeyProblem):
    """A key would be written over another."""


class KeyFileMissing(KeyProblem):
    """There is no file where the key should be."""


class KeyFileUnsafe(KeyProblem):
    """Others than the owner could read the key."""


class KeyFileUnreadable(KeyProblem):
    """The file is no private key, or its passphrase is another."""


class KeyMismatch(KeyProblem):
    """The private key does not belong to the certificate."""
