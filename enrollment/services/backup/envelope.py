"""The file that leaves the house: a tar that holds an age file that holds a tar.

`age` encrypts as a stream for public keys; for a passphrase its library wants everything in memory.
So each archive has a key pair of its own when a passphrase is wanted: the archive is encrypted for
its public half, and the secret half, encrypted with the passphrase, lies beside it as an ordinary
`age` identity file. Without this program: `tar -xf`, `age -d -i identity.age`, `tar -x`.

Source: the format age-encryption.org/v1; ADR 0018.
"""

from __future__ import annotations

import io
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final

import pyrage

from enrollment.services.backup.errors import ArchiveUnreadable, BackupFault, PassphraseTooShort

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyrage import x25519

SHORTEST_PASSPHRASE: Final = 16
_IDENTITY: Final = "identity.age"
_CONTENT: Final = "backup.tar.age"
_README: Final = "README.txt"
_LONGEST_IDENTITY: Final = 4096
_BLOCK: Final = tarfile.BLOCKSIZE
_TEXT: Final = """\
A backup of a certsrv certification authority, encrypted with age (age-encryption.org).

    python manage.py backup verify FILE
    python manage.py backup restore FILE

Without that program, in an empty folder that nobody else can read:

    tar -xf FILE
    age -d -i identity.age backup.tar.age | tar -x

identity.age opens with the passphrase; where it is missing, name the file with your own age key.
"""


@dataclass(frozen=True, slots=True)
class Seal:
    """Who shall be able to open an archive: whoever has the passphrase, or one of the keys."""

    passphrase: str = field(default="", repr=False)
    recipients: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuse what would not protect.

        Raises:
            PassphraseTooShort, BackupFault: with what is wanted.
        """
        if not self.passphrase and not self.recipients:
            raise BackupFault(
                "A backup holds the keys of the CA and is always encrypted. Give --passphrase-file "
                "or --recipient, set CERTSRV_BACKUP_PASSPHRASE_FILE, or start on a terminal."
            )
        if self.passphrase and len(self.passphrase) < SHORTEST_PASSPHRASE:
            raise PassphraseTooShort(
                f"The passphrase has {len(self.passphrase)} characters, and whoever finds the file "
                f"can try as long as they like. Use {SHORTEST_PASSPHRASE} or more: five or six "
                "random words."
            )
        self.keys()

    def keys(self) -> list[x25519.Recipient]:
        """Return the public keys that were named.

        Raises:
            BackupFault: one is none.
        """
        found = []
        for text in self.recipients:
            try:
                found.append(pyrage.x25519.Recipient.from_str(text.strip()))
            except pyrage.RecipientError as error:
                raise BackupFault(
                    f"'{text[:80]}' is no public key of age ({error}). It begins with age1; "
                    "age-keygen prints it."
                ) from error
        return found


@dataclass(frozen=True, slots=True)
class Opener:
    """What a person has to open an archive with; passphrases are asked for when they are needed.

    `key_passphrase` is of key files inside that are encrypted themselves.
    """

    passphrase: Callable[[], str] = field(default=str, repr=False)
    identities: str = field(default="", repr=False)
    key_passphrase: Callable[[], str] = field(default=str, repr=False)

    def keys(self) -> list[x25519.Identity]:
        """Return the secret keys of an identity file.

        Raises:
            BackupFault: it holds none.
        """
        lines = [line.strip() for line in self.identities.splitlines()]
        try:
            return [
                pyrage.x25519.Identity.from_str(line)
                for line in lines
                if line and not line.startswith("#")
            ]
        except pyrage.IdentityError as error:
            raise BackupFault(
                "The identity file holds no secret key of age; its line begins with "
                f"AGE-SECRET-KEY-1 ({error})."
            ) from error


def seal(file: IO[bytes], seal: Seal, write: Callable[[tarfile.TarFile], None]) -> None:
    """Write an archive into an empty file.

    Args:
        file: can be written and rewound.
        seal: who shall open it.
        write: puts the members into the inner tar; called in a thread of its own.

    Raises:
        BackupFault: the seal does not protect.
        OSError: the file cannot be written.
    """
    seal.check()
    recipients = seal.keys()
    _member(file, _README, _TEXT.encode())
    if seal.passphrase:
        own = pyrage.x25519.Identity.generate()
        recipients.append(own.to_public())
        locked = pyrage.passphrase.encrypt(f"{own}\n".encode(), seal.passphrase)
        _member(file, _IDENTITY, locked)
    head = file.tell()
    file.write(bytes(_BLOCK))
    with _flowing(lambda pipe: _inner(pipe, write)) as pipe:
        pyrage.encrypt_io(pipe, file, recipients)
    size = file.tell() - head - _BLOCK
    file.write(bytes(-size % _BLOCK + 2 * _BLOCK))
    file.seek(head)
    file.write(_header(_CONTENT, size))


def _inner(pipe: IO[bytes], write: Callable[[tarfile.TarFile], None]) -> None:
    with pipe, tarfile.open(fileobj=pipe, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        write(tar)


@contextmanager
def _flowing(produce: Callable[[IO[bytes]], None]) -> Iterator[IO[bytes]]:
    """Give the end of a pipe into which `produce` writes in a thread; its failure is ours."""
    reading, writing = os.pipe()
    with ThreadPoolExecutor(1) as thread:
        work = thread.submit(produce, os.fdopen(writing, "wb"))
        try:
            with os.fdopen(reading, "rb") as pipe:
                yield pipe
        except BaseException:
            # A producer that meets a broken pipe is the victim; any other failure is the cause.
            fault = work.exception()
            if fault is not None and not isinstance(fault, BrokenPipeError):
                raise fault from None
            raise
        work.result()


def _header(name: str, size: int) -> bytes:
    found = tarfile.TarInfo(name)
    found.size, found.mode = size, 0o600
    return found.tobuf(tarfile.GNU_FORMAT)


def _member(file: IO[bytes], name: str, content: bytes) -> None:
    file.write(_header(name, len(content)))
    file.write(content + bytes(-len(content) % _BLOCK))


@contextmanager
def opened(path: Path, opener: Opener) -> Iterator[tarfile.TarFile]:
    """Give the inner tar of an archive as a stream.

    What is read is good only when the block has ended without an exception: only then has the end
    been seen, and found whole.

    Raises:
        ArchiveUnreadable: it is no archive, was altered or cut short, or does not open.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise ArchiveUnreadable(f"{path} cannot be read: {error.strerror}.") from error
    with file:
        try:
            yield from _unpacked(path, file, opener)
        except tarfile.TarError:
            raise ArchiveUnreadable(
                f"{path} is no backup of this program, or was cut short or altered."
            ) from None
        except pyrage.DecryptError as error:
            raise ArchiveUnreadable(
                f"{path} does not open: it was encrypted for other keys, or altered ({error})."
            ) from error
        except OSError as error:
            # age reports what does not decrypt like a fault of a disk, but without a number.
            if error.errno is not None:
                raise
            raise ArchiveUnreadable(
                f"{path} was altered or cut short; nothing of it is used."
            ) from error


def _unpacked(path: Path, file: IO[bytes], opener: Opener) -> Iterator[tarfile.TarFile]:
    with tarfile.open(fileobj=file, mode="r:") as outer:
        members = {each.name: each for each in outer}
        content = members.get(_CONTENT)
        source = outer.extractfile(content) if content is not None else None
        if source is None:
            raise ArchiveUnreadable(f"{path} is no backup of this program.")
        yield from _decrypted(source, _identities(path, outer, members.get(_IDENTITY), opener))


def _identities(
    path: Path, outer: tarfile.TarFile, locked: tarfile.TarInfo | None, opener: Opener
) -> list[x25519.Identity]:
    """Return the keys to try: those of a person, else the archive's own."""
    if opener.identities:
        return opener.keys()
    source = outer.extractfile(locked) if locked is not None else None
    if source is None:
        raise ArchiveUnreadable(
            f"{path} was encrypted for public keys. Name the file with a secret key: "
            "--identity-file FILE"
        )
    passphrase = opener.passphrase()
    try:
        text = pyrage.passphrase.decrypt(source.read(_LONGEST_IDENTITY), passphrase)
    except pyrage.DecryptError as error:
        if "work" in str(error).casefold():
            raise ArchiveUnreadable(
                f"{path} was locked on a much faster machine, or this one is busy: trying the "
                "passphrase would take too long. Try again later, or open identity.age with the "
                "program age, and give what it prints with --identity-file."
            ) from error
        raise ArchiveUnreadable(f"{path} does not open with this passphrase.") from error
    return Opener(identities=text.decode()).keys()


def _decrypted(source: IO[bytes], identities: list[x25519.Identity]) -> Iterator[tarfile.TarFile]:
    def produce(pipe: IO[bytes]) -> None:
        with pipe:
            pyrage.decrypt_io(source, pipe, identities)

    with _flowing(produce) as pipe:
        with tarfile.open(fileobj=pipe, mode="r|") as inner:
            yield inner
        # The end is proven only when everything was read.
        while pipe.read(io.DEFAULT_BUFFER_SIZE):
            pass
