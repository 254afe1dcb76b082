"""Answer one question to the signer: look, judge, write down, sign."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from django.db import Error as DatabaseError
from django.db import connections

from enrollment.keys import KeyProblem, SignerRefused, check_kind
from enrollment.keys.signer import spki
from enrollment.signer.content import Kind
from enrollment.signer.rate import Rate
from enrollment.signer.rules import RESPONDER_NAME, Refusal, judge, known

if TYPE_CHECKING:
    from collections.abc import Callable

    from enrollment.keys import KeyRing
    from enrollment.keys.wire import Head
    from enrollment.signer.log import UseLog

_LISTS_A_MINUTE: Final = 600
_OTHERS_A_MINUTE: Final = 60
_ANSWERS_FOR_A_CERTIFICATE: Final = 10


class Desk:
    """What every connection of the signer asks; safe to be asked by many threads."""

    def __init__(self, ring: KeyRing, log: UseLog, per_minute: int) -> None:
        self._ring = ring
        self._log = log
        self._rates = {
            Kind.CERTIFICATE: Rate(per_minute),
            Kind.ANSWER: Rate(per_minute * _ANSWERS_FOR_A_CERTIFICATE),
            Kind.LIST: Rate(_LISTS_A_MINUTE),
            Kind.REQUEST: Rate(_OTHERS_A_MINUTE),
        }
        self._making = Rate(_OTHERS_A_MINUTE)

    def answer(self, head: Head, message: bytes, asker: int) -> tuple[Head, bytes]:
        """Do what was asked, or say why not.

        Args:
            head: the question.
            message: its content.
            asker: process id of who asks, for the log.
        """
        facts: dict[str, Any] = {"pid": asker, "verb": str(head.get("verb"))[:32]}
        try:
            return {}, self._act(head, message, facts)
        except (Refusal, KeyProblem) as error:
            return self._refuse(facts, error)
        except DatabaseError as error:
            connections.close_all()
            return self._refuse(facts, Refusal(f"The signer cannot read the database: {error}"))
        except OSError as error:
            reason = Refusal(f"The signer cannot write its log: {error.strerror}.")
            return self._refuse(facts, reason)

    def _act(self, head: Head, message: bytes, facts: dict[str, Any]) -> bytes:
        verbs: dict[str, Callable[[], bytes]] = {
            "public key": lambda: self._public_key(_text(head, "reference")),
            "sign": lambda: self._sign(_text(head, "reference"), message, facts),
            "make": lambda: self._make(_text(head, "kind"), _text(head, "purpose"), facts),
        }
        verb = verbs.get(facts["verb"])
        if verb is None:
            raise Refusal(f"The signer knows {', '.join(verbs)} and nothing else.")
        return verb()

    def _public_key(self, reference: str) -> bytes:
        known(reference)
        return spki(self._ring.open(reference).public_key)

    def _sign(self, reference: str, message: bytes, facts: dict[str, Any]) -> bytes:
        digest = hashlib.sha256(message).hexdigest()
        facts |= {"reference": reference, "octets": len(message), "digest": digest}
        known(reference)
        signer = self._ring.open(reference)
        content = judge(reference, signer, message)
        facts["content"] = content.kind.value
        if content.kind is Kind.CERTIFICATE:
            facts["serial_number"] = f"{content.serial_number:x}"
        if not self._rates[content.kind].spend():
            raise Refusal(f"The signer signs no more of kind {content.kind} in this minute.")
        signature = signer.sign(message)
        self._log.write(**facts, outcome="signed")
        return signature

    def _make(self, kind: str, purpose: str, facts: dict[str, Any]) -> bytes:
        if not RESPONDER_NAME.fullmatch(purpose):
            raise Refusal("The signer makes keys for OCSP responders only.")
        if not self._making.spend():
            raise Refusal("The signer makes no more keys in this minute.")
        made = self._ring.make(check_kind(kind), purpose)
        self._log.write(**facts, reference=made.reference, kind=kind, outcome="made")
        return made.reference.encode()

    def _refuse(self, facts: dict[str, Any], error: Refusal | KeyProblem) -> tuple[Head, bytes]:
        problem = SignerRefused if isinstance(error, Refusal) else type(error)
        try:
            self._log.write(**facts, outcome="refused", reason=str(error)[:500])
        except OSError:
            # Nothing was signed, so nothing is lost but this line.
            return {"refused": f"{error} (And its log cannot be written.)"[:1000]}, b""
        return {"refused": str(error)[:1000], "problem": problem.__name__}, b""


def _text(head: Head, name: str) -> str:
    value = head.get(name)
    if not isinstance(value, str):
        raise Refusal(f"The question has no {name}.")
    return value
