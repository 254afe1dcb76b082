"""Private keys: made once, kept for their owner, and only for the CA they belong to."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from enrollment import keys
from enrollment.ca import algorithms
from enrollment.keys import file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes


@pytest.fixture(autouse=True)
def _no_loaded_keys() -> Iterator[None]:
    keys.forget_signers()
    yield
    keys.forget_signers()


def write(path: Path, key: PrivateKeyTypes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.mark.parametrize("kind", [kind for kind in keys.KINDS if kind != "rsa:4096"])
def test_a_key_of_every_kind_signs_what_its_public_half_verifies(kind: str, tmp_path: Path) -> None:
    made = keys.generate(kind, tmp_path / "ca.key")

    loaded = keys.load(tmp_path / "ca.key", expected=made.public_key)

    algorithm = algorithms.by_identifier(loaded.signature_algorithm)
    algorithm.verify(made.public_key, loaded.sign(b"message"), b"message")
    assert keys.kind_of(loaded.public_key) == kind


def test_a_signer_is_what_services_expect(tmp_path: Path) -> None:
    assert isinstance(keys.generate("ec:p256", tmp_path / "ca.key"), keys.Signer)


def test_only_the_owner_can_read_a_new_key(tmp_path: Path) -> None:
    keys.generate("ed25519", tmp_path / "ca.key")

    assert stat.S_IMODE((tmp_path / "ca.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["ca.key"]


def test_a_key_is_never_written_over_another(tmp_path: Path) -> None:
    made = keys.generate("ed25519", tmp_path / "ca.key")

    with pytest.raises(keys.KeyFileExists, match="never written over"):
        keys.generate("ed25519", tmp_path / "ca.key")

    assert keys.matches(keys.load(tmp_path / "ca.key"), made.public_key)


def test_of_two_that_write_at_once_one_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link decides, not the look before it."""
    (tmp_path / "ca.key").write_bytes(b"first")
    monkeypatch.setattr(type(tmp_path), "exists", lambda _self: False)

    with pytest.raises(keys.KeyFileExists):
        keys.generate("ed25519", tmp_path / "ca.key")

    assert (tmp_path / "ca.key").read_bytes() == b"first"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601], ids=oct)
def test_a_key_others_could_reach_is_refused(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "ca.key"
    keys.generate("ed25519", path)
    path.chmod(mode)

    with pytest.raises(keys.KeyFileUnsafe, match="chmod 600"):
        keys.load(path)


@pytest.mark.parametrize(
    "text", ["rsa:1024", "rsa:8192", "rsa", "ec:p224", "dsa", "", "ed448", "ml-dsa"]
)
def test_an_unknown_kind_is_told_what_may_be_typed(text: str, tmp_path: Path) -> None:
    with pytest.raises(keys.UnknownKeyKind) as refusal:
        keys.generate(text, tmp_path / "ca.key")

    assert all(kind in str(refusal.value) for kind in keys.KINDS)
    assert not list(tmp_path.iterdir())


def test_case_and_blanks_around_a_kind_do_not_matter() -> None:
    assert keys.check_kind(" RSA:3072\n") == "rsa:3072"


def test_a_passphrase_protects_the_file(tmp_path: Path) -> None:
    keys.generate("ec:p256", tmp_path / "ca.key", passphrase=b"correct horse")

    assert keys.load(tmp_path / "ca.key", passphrase=b"correct horse").sign(b"message")
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in (tmp_path / "ca.key").read_bytes()


@pytest.mark.parametrize("passphrase", [None, b"wrong"], ids=["none", "wrong"])
def test_a_protected_key_needs_its_passphrase(passphrase: bytes | None, tmp_path: Path) -> None:
    keys.generate("ec:p256", tmp_path / "ca.key", passphrase=b"correct horse")

    with pytest.raises(keys.KeyFileUnreadable, match="passphrase"):
        keys.load(tmp_path / "ca.key", passphrase=passphrase)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(keys.KeyFileMissing, match=r"ca\.key"):
        keys.load(tmp_path / "ca.key")
    with pytest.raises(keys.KeyFileMissing, match=r"ca\.key"):
        keys.KeyRing(tmp_path).open("ca.key")


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\n", b"\x00" * 70_000])
def test_what_is_no_key_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ca.key"
    path.touch(mode=0o600)
    path.write_bytes(content)

    with pytest.raises(keys.KeyFileUnreadable, match="PKCS #8"):
        keys.load(path)


def test_a_place_where_no_key_can_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("no folder", encoding="ascii")

    with pytest.raises(keys.KeyFileUnwritable, match="keys"):
        keys.KeyRing(tmp_path).make("ec:p256", "ca")
    with pytest.raises(keys.KeyFileUnwritable, match=r"ca\.pem"):
        keys.generate("ec:p256", tmp_path / "keys" / "ca.pem")
    with pytest.raises(keys.KeyFileUnreadable, match=r"ca\.pem"):
        keys.KeyRing(tmp_path).open("keys/ca.pem")


def test_a_directory_is_not_a_key(tmp_path: Path) -> None:
    with pytest.raises(keys.KeyFileUnreadable):
        keys.load(tmp_path)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: rsa.generate_private_key(65537, 1024), id="RSA 1024"),  # noqa: S505 - weak on purpose
        pytest.param(lambda: ec.generate_private_key(ec.SECP256K1()), id="secp256k1"),
        pytest.param(x25519.X25519PrivateKey.generate, id="X25519"),
    ],
)
def test_a_key_no_ca_signs_with_is_refused(make: object, tmp_path: Path) -> None:
    path = write(tmp_path / "ca.key", make())  # type: ignore[operator] # one of the three above

    with pytest.raises(keys.KeyFileUnreadable, match="cannot serve"):
        keys.load(path)


def test_a_key_of_another_ca_is_refused(tmp_path: Path) -> None:
    keys.generate("ec:p256", tmp_path / "ours.key")
    other = keys.generate("ec:p256", tmp_path / "other.key")

    with pytest.raises(keys.KeyMismatch):
        keys.load(tmp_path / "ours.key", expected=other.public_key)
    with pytest.raises(keys.KeyMismatch):
        keys.KeyRing(tmp_path).open("ours.key", expected=other.public_key)


def test_a_process_loads_a_key_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys.generate("ec:p256", tmp_path / "ca.key")
    loaded: list[Path] = []

    def counting(path: Path, *, passphrase: bytes | None = None) -> file.FileSigner:
        loaded.append(path)
        return keys.load(path, passphrase=passphrase)

    monkeypatch.setattr(file, "load", counting)

    with ThreadPoolExecutor(8) as pool:
        opened = pool.map(lambda _: keys.KeyRing(tmp_path).open("file:ca.key"), range(32))
        signers = set(opened)

    assert len(loaded) == 1
    assert len(signers) == 1


def test_a_replaced_key_is_loaded_anew(tmp_path: Path) -> None:
    before = keys.generate("ec:p256", tmp_path / "ca.key")
    keys.KeyRing(tmp_path).open("ca.key")
    after = keys.generate("ec:p256", tmp_path / "next.key")
    (tmp_path / "next.key").replace(tmp_path / "ca.key")

    opened = keys.KeyRing(tmp_path).open("ca.key")

    assert keys.matches(opened, after.public_key)
    assert not keys.matches(opened, before.public_key)


def test_a_signer_does_not_show_its_key(tmp_path: Path) -> None:
    assert repr(keys.generate("ec:p384", tmp_path / "ca.key")) == "<FileSigner ec:p384>"
