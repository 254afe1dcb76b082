"""What a process knows about keys: where they are, what opens them, and where new ones go."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from enrollment.keys import file, token_keys
from enrollment.keys.errors import KeyMismatch, KeyNotOurs
from enrollment.keys.reference import FileReference, TokenReference, parse
from enrollment.keys.remote import RemoteSigner
from enrollment.keys.remote import make as make_remotely
from enrollment.keys.signer import Signer, matches
from enrollment.keys.store import forget_signers, kept, open_signer
from enrollment.keys.token import Token, TokenSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

IN_FILES: Final = "file"
ON_TOKEN: Final = "pkcs11"  # noqa: S105 - a place
_FOLDER: Final = "keys"


class MadeKey(NamedTuple):
    """A new key, and the text by which it is found again."""

    reference: str
    signer: Signer


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The settings of keys, and what can be done by them.

    `home` is where relative paths start. `store` says where new keys are made: in files or on the
    token. With `socket`, keys are used in the signer process alone, and nothing is opened here.
    """

    home: Path
    store: str = IN_FILES
    passphrase: Callable[[], bytes | None] = field(default=_nothing, repr=False)
    token: TokenSettings | None = None
    socket: Path | None = None

    def open(self, reference: str, *, expected: CertificatePublicKeyTypes | None = None) -> Signer:
        """Open the signer that a reference means; a process opens each one once.

        Args:
            reference: see `enrollment.keys.reference`.
            expected: the public key of the certificate; another private key is refused.

        Raises:
            KeyProblem: it cannot be had, and the sentence says why.
        """
        signer = self._open(reference)
        if expected is not None and not matches(signer, expected):
            raise KeyMismatch(
                f"The private key in {reference} does not belong to the CA certificate; put the "
                "right key there, or renew the CA with a new one."
            )
        return signer

    def _open(self, reference: str) -> Signer:
        place = parse(reference)
        if self.socket is not None:
            socket = self.socket
            return kept((str(socket), reference), lambda: RemoteSigner(socket, reference))
        if isinstance(place, TokenReference):
            return kept(
                (self._module, reference),
                lambda: token_keys.TokenSigner(self._token(place.token), place.label),
            )
        return open_signer(self.home / place.path, passphrase=self.passphrase)

    def make(self, kind: str, purpose: str) -> MadeKey:
        """Make a key where keys are made now.

        Args:
            kind: one of `kinds.KINDS`.
            purpose: a word that begins its name, such as `ca` or `ocsp`.

        Raises:
            KeyProblem: it cannot be made there.
        """
        if self.socket is not None:
            reference = make_remotely(self.socket, kind, purpose)
            return MadeKey(reference, self.open(reference))
        name = f"{purpose}-{secrets.token_hex(4)}"
        if self.store == ON_TOKEN:
            token = self._token("")
            place = TokenReference(token.name, name)
            return MadeKey(str(place), token_keys.generate(kind, token, place))
        folder = self.home / _FOLDER
        with file.writing(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        passphrase = self.passphrase()
        signer = file.generate(kind, folder / f"{name}.pem", passphrase=passphrase)
        return MadeKey(f"{_FOLDER}/{name}.pem", signer)

    def destroy(self, reference: str) -> None:
        """Delete a key that lies in a file, and forget it in this process.

        Raises:
            KeyNotOurs: it lies on a token, or the signer process holds it.
            KeyFileUnwritable: its file cannot be removed.
        """
        place = parse(reference)
        if isinstance(place, TokenReference):
            raise KeyNotOurs(
                f"The key {place.label!r} lies on the token {place.token!r}; delete it there, with "
                "the token's own tool."
            )
        if self.socket is not None:
            raise KeyNotOurs(
                "The signer holds the key; run this command as the signer's user, without "
                "CERTSRV_SIGNER."
            )
        file.destroy(self.home / place.path)
        forget_signers()

    def needs_passphrase(self, reference: str) -> bool:
        """Whether a passphrase must be known here before the key can be opened, and is not."""
        place = parse(reference)
        return (
            self.socket is None
            and isinstance(place, FileReference)
            and not self.passphrase()
            and file.needs_passphrase(self.home / place.path)
        )

    @property
    def _module(self) -> str:
        return "" if self.token is None else self.token.module

    def _token(self, name: str) -> Token:
        return Token(self.token or TokenSettings("", "", str), name)
