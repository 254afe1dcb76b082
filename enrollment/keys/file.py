"""Private keys in files: PKCS #8 in PEM, readable by their owner alone."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from enrollment.ca.algorithms import UnsupportedSigningKey
from enrollment.keys import kinds, pkcs8
from enrollment.keys.errors import (
    KeyFileExists,
    KeyFileMissing,
    KeyFileUnreadable,
    KeyFileUnsafe,
    KeyFileUnwritable,
    KeyMismatch,
    PassphraseMissing,
    PassphraseWrong,
)
from enrollment.keys.signer import PublicHalf, matches

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificateIssuerPrivateKeyTypes,
        CertificatePublicKeyTypes,
    )

_OWNER_ONLY: Final = 0o600
_GROUP_AND_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_MAXIMUM_FILE_BYTES: Final = 64 * 1024


class FileSigner(PublicHalf):
    """A private key that was read from a file and stays in this process.

    Loading an RSA key costs some 30 ms of checks, so a process loads it once (`open_signer`).
    """

    def __init__(self, key: CertificateIssuerPrivateKeyTypes) -> None:
        """Take over a key.

        Raises:
            UnsupportedSigningKey: no CA here signs with such a key.
        """
        super().__init__(key.public_key())
        self._key = key

    def __repr__(self) -> str:
        return f"<FileSigner {kinds.kind_of(self._public_key)}>"

    def sign(self, message: bytes) -> bytes:
        """Sign `message`; the signature as it stands in a certificate's BIT STRING."""
        return self._algorithm.sign(self._key, message)


def generate(kind: str, path: Path, *, passphrase: bytes | None = None) -> FileSigner:
    """Make a key and keep it in a new file that only its owner can read.

    The file appears whole or not at all, and never replaces another.

    Args:
        kind: one of `kinds.KINDS`, such as `rsa:3072` or `ml-dsa-65`.
        path: where the key goes; its directory must exist.
        passphrase: encrypts the file; without one, the file's mode is its only guard.

    Raises:
        UnknownKeyKind: the sentence lists the legal kinds.
        KeyFileExists: there is a file at `path` already.
        KeyFileUnwritable: the place is full, read-only or not ours.
    """
    kinds.check_kind(kind)
    with writing(path):
        taken = path.exists()
    if taken:
        raise KeyFileExists(f"{path} exists; a key is never written over another file.")
    key = kinds.make(kind)
    if passphrase:
        plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        content = pkcs8.encrypt(plain, passphrase)
    else:
        content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with writing(path):
        _write_once(path, content)
    return FileSigner(key)


def load(
    path: Path,
    *,
    passphrase: bytes | None = None,
    expected: CertificatePublicKeyTypes | None = None,
) -> FileSigner:
    """Read a key that `generate` wrote or an administrator put there.

    Args:
        path: a PKCS #8 file in PEM, mode 0600.
        passphrase: what the file is encrypted with, if it is.
        expected: the public key of the CA certificate; another private key is refused.

    Raises:
        KeyFileMissing: there is no such file.
        KeyFileUnsafe: the group or others may read or write it.
        KeyFileUnreadable: it is no private key, or of a kind no CA has.
        PassphraseMissing, PassphraseWrong: it is encrypted, with something else.
        KeyMismatch: it is not the private half of `expected`.
    """
    key = _decode(_read_guarded(path), path, passphrase)
    try:
        signer = FileSigner(key)
    except UnsupportedSigningKey as error:
        raise KeyFileUnreadable(f"{path} holds a key that cannot serve: {error}.") from error
    if expected is not None and not matches(signer, expected):
        raise KeyMismatch(
            f"The private key in {path} does not belong to the CA certificate; put the right key "
            "there, or renew the CA with a new one."
        )
    return signer


def absent(path: Path) -> str:
    """Return what to say of a key that is not there."""
    return (
        f"There is no private key at {path}. Put it there from a backup, or from the node that "
        "made it."
    )


def is_locked(content: bytes) -> bool:
    """Whether a key in PEM is encrypted (RFC 7468 section 11, RFC 1421 section 4.6.1.3)."""
    return b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in content or b"DEK-Info:" in content


def needs_passphrase(path: Path) -> bool:
    """Whether the key in a file is encrypted; False where there is none."""
    try:
        return is_locked(_read_guarded(path))
    except (KeyFileMissing, KeyFileUnsafe, KeyFileUnreadable):
        return False


def _read_guarded(path: Path) -> bytes:
    """Read through one descriptor, so that what was checked is what is read."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise KeyFileMissing(absent(path)) from None
    except OSError as error:
        raise KeyFileUnreadable(f"{path} cannot be opened: {error.strerror}.") from error
    with file:
        mode = os.fstat(file.fileno()).st_mode
        if mode & _GROUP_AND_OTHERS:
            raise KeyFileUnsafe(
                f"{path} has mode {stat.S_IMODE(mode):04o}, so others than its owner could reach "
                f"the private key; type: chmod 600 {path}"
            )
        return file.read(_MAXIMUM_FILE_BYTES)


def _decode(
    content: bytes, path: Path, passphrase: bytes | None
) -> CertificateIssuerPrivateKeyTypes:
    locked = is_locked(content)
    if locked and not passphrase:
        raise PassphraseMissing(
            f"{path} is encrypted; set CERTSRV_KEY_PASSPHRASE_FILE to a file that holds its "
            "passphrase, or start on a terminal and type it."
        )
    try:
        # A key that was never encrypted opens without the passphrase that is set for others.
        key = load_pem_private_key(content, passphrase if locked else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if locked and "assword" in str(error):
            raise PassphraseWrong(
                f"{path} does not open with this passphrase; it was encrypted with another one."
            ) from error
        raise KeyFileUnreadable(
            f"{path} cannot be read as a private key: it must be PKCS #8 in PEM, with the "
            f"passphrase that belongs to it ({error})."
        ) from error
    # Keys that cannot sign fall out in FileSigner, which knows the kinds that can.
    return cast("CertificateIssuerPrivateKeyTypes", key)


def destroy(path: Path) -> None:
    """Overwrite a key file and remove it; one that is gone already is no fault.

    What backups, snapshots and the wear leveling of a disk still hold, this cannot reach.

    Raises:
        KeyFileUnwritable: the place is read-only or not ours.
    """
    with writing(path):
        try:
            size = path.stat().st_size
            with path.open("r+b") as file:
                file.write(os.urandom(size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
        except FileNotFoundError:
            return
        _sync_directory(path.parent)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Name what keeps a key from being written.

    Raises:
        KeyFileUnwritable: the system refused; the sentence says why.
    """
    try:
        yield
    except OSError as error:
        raise KeyFileUnwritable(f"{path} cannot be written: {error.strerror}.") from error


def _write_once(path: Path, content: bytes) -> None:
    """Write beside the place and link into it: a crash leaves the old state or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    try:
        with os.fdopen(os.open(draft, flags, _OWNER_ONLY), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        raise KeyFileExists(f"{path} exists; a key is never written over another file.") from None
    finally:
        draft.unlink(missing_ok=True)
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
