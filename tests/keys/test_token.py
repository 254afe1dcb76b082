"""Keys on a PKCS #11 token, with SoftHSM2 as the token."""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from enrollment import keys
from enrollment.ca import algorithms
from enrollment.keys import token as token_module
from enrollment.keys.reference import TokenReference, parse
from enrollment.keys.token import Token

if TYPE_CHECKING:
    from tests.keys.softhsm import SoftToken

# The package complains where a search is cleaned up after its session was lost.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"
)
KINDS = ("rsa:2048", "ec:p256", "ec:p384", "ec:p521", "ed25519")
_FORKED = """
import os, sys
from pathlib import Path
from enrollment import keys

module, label, pin, reference = sys.argv[1:]
ring = keys.KeyRing(Path(), token=keys.TokenSettings(module, label, lambda: pin))
signer = ring.open(reference)
signer.sign(b"before")
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        os._exit(0 if signer.sign(b"child") and ring.open(reference).sign(b"again") else 1)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
signer.sign(b"after")
sys.exit(max(codes))
"""


def use(token: SoftToken, act: Any) -> Any:
    return Token(token.settings()).use(act)


def verify(signer: keys.Signer, signature: bytes, message: bytes) -> None:
    algorithm = algorithms.by_identifier(signer.signature_algorithm)
    algorithm.verify(signer.public_key, signature, message)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_of_every_kind_is_made_on_the_token_and_signs(
    kind: str, soft_token: SoftToken, tmp_path: Path
) -> None:
    made = soft_token.ring(tmp_path).make(kind, "ca")
    keys.forget_signers()

    opened = soft_token.ring(tmp_path).open(made.reference, expected=made.signer.public_key)

    verify(opened, opened.sign(b"message"), b"message")
    assert keys.kind_of(opened.public_key) == kind
    assert not list(tmp_path.iterdir())


def test_the_private_half_cannot_be_taken_out(soft_token: SoftToken, tmp_path: Path) -> None:
    from pkcs11 import Attribute, AttributeSensitive, ObjectClass

    made = soft_token.ring(tmp_path).make("ec:p256", "ca")
    label = parse(made.reference).label  # type: ignore[union-attr] # it is one on a token

    def look(session: Any) -> tuple[Any, ...]:
        wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: label}
        (key,) = list(session.get_objects(wanted))
        names = (Attribute.SENSITIVE, Attribute.EXTRACTABLE, Attribute.LOCAL)
        with contextlib.suppress(AttributeSensitive):
            assert not key[Attribute.VALUE]
        return tuple(key[name] for name in names)

    assert use(soft_token, look) == (True, False, True)


def test_a_key_is_never_made_over_another(soft_token: SoftToken) -> None:
    from enrollment.keys import token_keys

    token = Token(soft_token.settings())
    reference = TokenReference(token.name, f"twice-{secrets.token_hex(4)}")
    token_keys.generate("ec:p256", token, reference)

    with pytest.raises(keys.TokenKeyExists, match="already"):
        token_keys.generate("ec:p256", token, reference)


def test_many_threads_share_a_signer(soft_token: SoftToken, tmp_path: Path) -> None:
    signer = soft_token.ring(tmp_path).make("ec:p256", "ca").signer
    messages = [str(number).encode() for number in range(200)]

    with ThreadPoolExecutor(8) as pool:
        signatures = list(pool.map(signer.sign, messages))

    for signature, message in zip(signatures, messages, strict=True):
        verify(signer, signature, message)


def test_a_forked_process_signs_with_what_its_parent_had_opened(
    soft_token: SoftToken, tmp_path: Path
) -> None:
    made = soft_token.ring(tmp_path).make("ec:p256", "ca")
    settings = soft_token.settings()

    done = subprocess.run(
        [sys.executable, "-c", _FORKED, settings.module, settings.token, settings.pin(), made[0]],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("how", ["finalized", "logged out"])
def test_a_lost_session_is_opened_again(how: str, soft_token: SoftToken, tmp_path: Path) -> None:
    import pkcs11

    signer = soft_token.ring(tmp_path).make("rsa:2048", "ca").signer
    module = pkcs11.lib(soft_token.module)
    if how == "finalized":
        module.finalize()
        module.initialize()
    else:
        use(soft_token, lambda session: session.close())

    verify(signer, signer.sign(b"message"), b"message")


@pytest.mark.parametrize(
    ("change", "problem", "words"),
    [
        ({"module": "/nowhere.so"}, keys.TokenModuleMissing, "CERTSRV_PKCS11_MODULE"),
        ({"name": "another"}, keys.TokenMissing, "these: .*'test token'"),
        ({"pin": "0000"}, keys.TokenPinWrong, "does not accept the PIN"),
        ({"pin": ""}, keys.TokenPinWrong, "wants a PIN"),
    ],
    ids=["module", "token", "PIN", "no PIN"],
)
def test_what_is_missing_is_told_in_a_sentence(
    change: dict[str, str],
    problem: type[keys.KeyProblem],
    words: str,
    soft_token: SoftToken,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(token_module.process, "sessions", {})
    import pkcs11

    pkcs11.lib(soft_token.module).reinitialize()
    settings = soft_token.settings(**change)

    with pytest.raises(problem, match=words):
        Token(settings).use(lambda session: session)


def test_a_token_without_a_driver_set_says_which_setting(tmp_path: Path) -> None:
    with pytest.raises(keys.TokenModuleMissing, match="CERTSRV_PKCS11_MODULE"):
        keys.KeyRing(tmp_path).open("pkcs11:token=t;object=o")


def test_a_missing_package_is_named(
    soft_token: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)

    with pytest.raises(keys.TokenModuleMissing, match=r"requirements-pkcs11\.txt"):
        soft_token.ring(tmp_path).make("ec:p256", "ca")


def test_a_missing_key_is_named(soft_token: SoftToken, tmp_path: Path) -> None:
    with pytest.raises(keys.TokenKeyMissing, match="'nobody'"):
        soft_token.ring(tmp_path).open("pkcs11:token=test%20token;object=nobody")


def test_a_kind_the_token_cannot_make_is_refused(soft_token: SoftToken, tmp_path: Path) -> None:
    with pytest.raises(keys.TokenUnable, match="ml-dsa-65"):
        soft_token.ring(tmp_path).make("ml-dsa-65", "ca")


def test_a_token_without_the_mechanism_is_told_apart(
    soft_token: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from enrollment.keys import token_keys

    signer = soft_token.ring(tmp_path).make("ec:p256", "ca").signer
    monkeypatch.setattr(token_keys, "ways_to_sign", lambda *_: (("RSA_PKCS_TPM_1_1", b"digest"),))

    with pytest.raises(keys.TokenUnable, match="CKM_RSA_PKCS_TPM_1_1"):
        signer.sign(b"message")


@pytest.mark.parametrize("way", [0, 1], ids=["digest", "whole content"])
def test_an_rsa_key_signs_by_either_mechanism(
    way: int, soft_token: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from enrollment.keys import token_keys

    signer = soft_token.ring(tmp_path).make("rsa:2048", "ca").signer
    ways = token_keys.ways_to_sign
    monkeypatch.setattr(token_keys, "ways_to_sign", lambda *facts: ways(*facts)[way : way + 1])

    verify(signer, signer.sign(b"message"), b"message")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pkcs11:",
        "pkcs11:token=t",
        "pkcs11:token=;object=o",
        "pkcs11:token=t;object=o;module-path=/tmp/evil.so",
        "pkcs11:token=t;object=o;pin-value=1234",
        "keys/a\nb.pem",
        "k" * 256,
    ],
)
def test_a_reference_that_says_too_little_or_too_much_is_refused(text: str) -> None:
    with pytest.raises(keys.UnknownKeyReference):
        parse(text)


@pytest.mark.parametrize("name", ["plain", "with blank", "semi;colon", "100 %", "ä"])
def test_a_reference_survives_being_written(name: str) -> None:
    reference = TokenReference(name, name)

    assert parse(str(reference)) == reference
