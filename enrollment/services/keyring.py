"""The one place where the settings of keys become a key ring.

With the setting `signer`, processes that serve ask the signer process and open nothing. Commands,
which run for seconds under the operator's own hand, open the keys themselves, unless the signer is
one that runs by itself and commands cannot (ADR 0010).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from enrollment import conf, keys
from enrollment.models import Authority, Responder, RetiredKey
from enrollment.services import awaited

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes


# Commands catch it; they may not import the keys themselves.
KeyProblem = keys.KeyProblem
# The store of this node does not hold the key; another node's may.
KeyAbsent: Final = (keys.KeyFileMissing, keys.TokenKeyMissing)


class _Process:
    """What this process was told beside its settings."""

    typed: bytes | None = None
    asks_signer = False
    is_signer = False


process: Final = _Process()


def ring() -> keys.KeyRing:
    """Return what this process may do with keys."""
    settings = conf.current()
    remote = settings.signer.startswith("/") or (settings.signer and process.asks_signer)
    return keys.KeyRing(
        home=settings.home,
        store=settings.key_store,
        passphrase=_passphrase,
        token=keys.TokenSettings(
            settings.token_module, settings.token_name, settings.token_pin.read
        ),
        socket=settings.signer_socket if remote and not process.is_signer else None,
    )


def open_key(reference: str, *, expected: CertificatePublicKeyTypes | None = None) -> keys.Signer:
    """Open the signer of a key that a row refers to.

    Raises:
        keys.KeyProblem: it cannot be had, or is not the private half of `expected`.
    """
    return ring().open(reference, expected=expected)


def make_key(kind: str, purpose: str) -> keys.MadeKey:
    """Make a key where keys are made now; `purpose` begins its name.

    Raises:
        keys.KeyProblem: it cannot be made.
    """
    return ring().make(kind, purpose)


def destroy_key(reference: str) -> None:
    """Delete a key for good; only `services.retirement` has a reason to.

    Raises:
        keys.KeyProblem: it does not lie where this program deletes keys.
    """
    ring().destroy(reference)


def ask_signer() -> None:
    """Say that this process serves: with the setting, it never opens a key itself."""
    process.asks_signer = True


def be_signer() -> None:
    """Say that this process is the signer: it opens keys, whatever the setting says."""
    process.is_signer = True


def is_serving() -> bool:
    """Whether this process serves, or is a command."""
    return process.asks_signer


def can_reopen() -> bool:
    """Whether what this process opened can be opened again, whatever it was told at its start."""
    return not is_serving() or ring().socket is not None


def locked_keys() -> list[str]:
    """Return the references of keys in use that wait for a passphrase in this process."""
    here = ring()
    retired = RetiredKey.objects.values("key_index")
    in_use = Authority.objects.exclude(key_index__in=retired)
    rows = [row.key_reference for row in in_use]
    rows += [row.key_reference for row in awaited.open_requests()]
    newest = Responder.objects.first()
    if newest is not None:
        rows.append(newest.key_reference)
    return [reference for reference in dict.fromkeys(rows) if here.needs_passphrase(reference)]


def unlock(passphrase: str) -> None:
    """Take the passphrase that was typed, for as long as this process lives, and try it.

    Raises:
        keys.KeyProblem: it does not open the keys.
    """
    waiting = locked_keys()
    process.typed = passphrase.encode()
    try:
        for reference in waiting:
            open_key(reference)
    except keys.KeyProblem:
        process.typed = None
        raise


def remember(passphrase: str) -> None:
    """Take a passphrase for as long as this process lives; an empty one is none."""
    process.typed = passphrase.encode() or process.typed


def _passphrase() -> bytes | None:
    return process.typed or conf.current().key_passphrase.read().encode() or None
