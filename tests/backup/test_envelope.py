"""An archive opens for those it was made for, and for nobody when one octet of it is another."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import tarfile
from pathlib import Path

import pyrage
import pytest

from enrollment.services.backup import envelope
from enrollment.services.backup.envelope import Opener, Seal
from enrollment.services.backup.errors import ArchiveUnreadable, BackupFault, PassphraseTooShort
from tests.tools import require

PASSPHRASE = "correct horse battery staple"
# More than one chunk of age, so that a later one can be spoilt.
CONTENT = os.urandom(200_000)


def write(tar: tarfile.TarFile) -> None:
    entry = tarfile.TarInfo("content")
    entry.size = len(CONTENT)
    tar.addfile(entry, io.BytesIO(CONTENT))


def sealed(path: Path, seal: Seal) -> Path:
    with path.open("w+b") as file:
        envelope.seal(file, seal, write)
    return path


def with_passphrase(text: str = PASSPHRASE) -> Opener:
    return Opener(passphrase=lambda: text)


def content_of(path: Path, opener: Opener) -> bytes:
    with envelope.opened(path, opener) as tar:
        entry = tar.next()
        assert entry is not None
        source = tar.extractfile(entry)
        assert source is not None
        return source.read()


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with a passphrase: scrypt takes a second or two, so one for the module."""
    return sealed(tmp_path_factory.mktemp("archive") / "backup", Seal(PASSPHRASE))


@pytest.fixture
def identity() -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.generate()


def test_the_passphrase_opens_it(locked: Path) -> None:
    assert content_of(locked, with_passphrase()) == CONTENT


def test_another_passphrase_does_not(locked: Path) -> None:
    with pytest.raises(ArchiveUnreadable, match="does not open with this passphrase"):
        content_of(locked, with_passphrase("correct horse battery stable"))


def test_a_lock_that_would_take_hours_to_try_is_not_called_a_wrong_passphrase(
    locked: Path, tmp_path: Path
) -> None:
    """The work is chosen on the machine that locks, and judged on the one that opens."""
    heavy = tmp_path / "heavy"
    content = re.sub(rb"(-> scrypt \S+ )\d\d\n", rb"\g<1>30\n", locked.read_bytes())
    heavy.write_bytes(content)

    with pytest.raises(ArchiveUnreadable, match="would take too long"):
        content_of(heavy, with_passphrase())


def test_the_secret_half_of_a_public_key_opens_it(
    tmp_path: Path, identity: pyrage.x25519.Identity
) -> None:
    path = sealed(tmp_path / "backup", Seal(recipients=(str(identity.to_public()),)))

    keys = f"# created: today\n# public key: {identity.to_public()}\n{identity}\n"
    assert content_of(path, Opener(identities=keys)) == CONTENT


def test_another_key_does_not(tmp_path: Path, identity: pyrage.x25519.Identity) -> None:
    path = sealed(tmp_path / "backup", Seal(recipients=(str(identity.to_public()),)))

    other = pyrage.x25519.Identity.generate()
    with pytest.raises(ArchiveUnreadable, match="encrypted for other keys"):
        content_of(path, Opener(identities=str(other)))


def test_who_has_no_key_is_told_that_one_is_wanted(
    tmp_path: Path, identity: pyrage.x25519.Identity
) -> None:
    path = sealed(tmp_path / "backup", Seal(recipients=(str(identity.to_public()),)))

    with pytest.raises(ArchiveUnreadable, match="--identity-file FILE"):
        content_of(path, with_passphrase())


def test_passphrase_and_key_each_open_an_archive_for_both(
    tmp_path: Path, identity: pyrage.x25519.Identity
) -> None:
    path = sealed(tmp_path / "backup", Seal(PASSPHRASE, (str(identity.to_public()),)))

    assert content_of(path, with_passphrase()) == CONTENT
    assert content_of(path, Opener(identities=str(identity))) == CONTENT


@pytest.mark.parametrize(
    ("seal", "error", "sentence"),
    [
        pytest.param(Seal(), BackupFault, "always encrypted", id="for nobody"),
        pytest.param(
            Seal("fifteen letters"), PassphraseTooShort, "has 15 characters", id="a short one"
        ),
        pytest.param(
            Seal(recipients=("ssh-rsa AAAA",)), BackupFault, "begins with age1", id="no key of age"
        ),
        pytest.param(
            Seal(recipients=("age1qqqq",)), BackupFault, "no public key of age", id="half a key"
        ),
    ],
)
def test_what_does_not_protect_is_refused_before_anything_is_written(
    seal: Seal, error: type[Exception], sentence: str
) -> None:
    file = io.BytesIO()

    with pytest.raises(error, match=sentence):
        envelope.seal(file, seal, write)
    assert file.getvalue() == b""


def test_sixteen_characters_are_enough() -> None:
    Seal("sixteen letters!").check()


def test_an_identity_file_without_a_key_is_named() -> None:
    with pytest.raises(BackupFault, match="AGE-SECRET-KEY-1"):
        Opener(identities="my key").keys()


def test_no_octet_of_the_encrypted_part_can_be_another(locked: Path, tmp_path: Path) -> None:
    whole = locked.read_bytes()
    with tarfile.open(locked) as outer:
        part = outer.getmember("backup.tar.age")
        start, size = part.offset_data, part.size
    altered = tmp_path / "altered"

    for place in (30, 100, 300, size // 2, size - 1):
        spoilt = bytearray(whole)
        spoilt[start + place] ^= 1
        altered.write_bytes(spoilt)
        with pytest.raises(ArchiveUnreadable, match=r"altered|does not open"):
            content_of(altered, with_passphrase())


@pytest.mark.parametrize("share", [0, 0.001, 0.01, 0.3, 0.6, 0.9, 0.99])
def test_an_archive_that_was_cut_short_is_noticed(
    locked: Path, tmp_path: Path, share: float
) -> None:
    whole = locked.read_bytes()
    short = tmp_path / "short"
    short.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(ArchiveUnreadable):
        content_of(short, with_passphrase())


def test_a_cut_between_two_chunks_with_a_fitting_length_is_noticed(
    tmp_path: Path, identity: pyrage.x25519.Identity
) -> None:
    """Each chunk is whole by itself; that the last one is missing must show."""
    path = sealed(tmp_path / "backup", Seal(recipients=(str(identity.to_public()),)))
    with tarfile.open(path) as outer:
        source = outer.extractfile("backup.tar.age")
        assert source is not None
        encrypted = source.read()
    body = encrypted.index(b"\n--- ") + len(b"\n--- ") + 43 + 1 + 16
    short = io.BytesIO()
    cut = encrypted[: body + 3 * (65536 + 16)]
    for name, octets in (("README.txt", b""), ("backup.tar.age", cut)):
        envelope._member(short, name, octets)  # noqa: SLF001 - what somebody who cuts would do
    short.write(bytes(1024))
    path.write_bytes(short.getvalue())

    with pytest.raises(ArchiveUnreadable, match="altered or cut short"):
        content_of(path, Opener(identities=str(identity)))


@pytest.mark.parametrize("octets", [b"", b"hello", bytes(10_000), os.urandom(10_000)])
def test_what_is_no_archive_is_called_so(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(octets)

    with pytest.raises(ArchiveUnreadable, match="is no backup of this program"):
        content_of(path, with_passphrase())


def test_a_file_that_is_not_there_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(ArchiveUnreadable, match="No such file"):
        content_of(tmp_path / "missing", with_passphrase())


def test_what_is_wrong_while_writing_is_told_and_not_the_broken_pipe(tmp_path: Path) -> None:
    def fail(tar: tarfile.TarFile) -> None:
        write(tar)
        raise ZeroDivisionError

    identity = pyrage.x25519.Identity.generate()
    with (tmp_path / "file").open("w+b") as file, pytest.raises(ZeroDivisionError):
        envelope.seal(file, Seal(recipients=(str(identity.to_public()),)), fail)


def test_a_full_disk_while_writing_is_told_as_such() -> None:
    identity = pyrage.x25519.Identity.generate()

    with (
        Path("/dev/full").open("r+b", buffering=0) as file,
        pytest.raises(OSError, match="No space left"),
    ):
        envelope.seal(file, Seal(recipients=(str(identity.to_public()),)), write)


def test_the_reader_s_own_failure_is_told_and_not_the_broken_pipe(locked: Path) -> None:
    with pytest.raises(ZeroDivisionError), envelope.opened(locked, with_passphrase()):
        raise ZeroDivisionError


def test_the_program_age_opens_it_too(tmp_path: Path) -> None:
    require("age")
    identity = pyrage.x25519.Identity.generate()
    path = sealed(tmp_path / "backup", Seal(PASSPHRASE, (str(identity.to_public()),)))
    (tmp_path / "mine.txt").write_text(f"{identity}\n")
    subprocess.run(["tar", "-xf", path], cwd=tmp_path, check=True)

    by_key = subprocess.run(
        ["age", "-d", "-i", "mine.txt", "backup.tar.age"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    ).stdout
    by_passphrase = answered(
        ["age", "-d", "-i", "identity.age", "-o", "out", "backup.tar.age"], tmp_path
    )

    assert by_passphrase == 0
    assert (tmp_path / "out").read_bytes() == by_key
    with tarfile.open(fileobj=io.BytesIO(by_key)) as tar:
        source = tar.extractfile("content")
        assert source is not None
        assert source.read() == CONTENT


def answered(command: list[str], folder: Path) -> int:
    """Run a program that asks for a passphrase on its terminal, and answer it."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvp(command[0], command)  # noqa: S606 - our own words
    asked = b""
    while b":" not in asked:
        asked += os.read(terminal, 1024)
    os.write(terminal, PASSPHRASE.encode() + b"\n")
    try:
        while os.read(terminal, 1024):
            pass
    except OSError:
        pass  # the terminal of a program that has ended
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
