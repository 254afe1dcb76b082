"""Why the answer of a CA above is not installed, in sentences for whoever runs this CA.

These are no refusals of a request that somebody made here: they stop a command, and may name
files, keys and settings.
"""

from __future__ import annotations

from typing import ClassVar

from enrollment.ca import hresult


class AnswerRefused(Exception):
    """The answer is not installed: what is wrong with it, and what to do.

    `hresult` is the code by which Windows names the same fault, where it has one.
    """

    hresult: ClassVar[int] = hresult.SUCCESS

    def __init__(self, detail: str, *, remedy: str) -> None:
        code = f" ({self.hresult:#x} {hresult.TEXTS[self.hresult][0]})" if self.hresult else ""
        super().__init__(f"{detail} {remedy}{code}")
        self.detail = detail
        self.remedy = remedy


class NoCertificate(AnswerRefused):
    """The file holds something else, or nothing that can be read."""


class PrivateKeyGiven(AnswerRefused):
    """The file holds a private key."""


class NothingAwaited(AnswerRefused):
    """No request waits for a certificate."""


class OtherKey(AnswerRefused):
    """No certificate in the file is for a key that waits."""


class NotACa(AnswerRefused):
    """The certificate, or one above it, is not that of a CA."""

    hresult = hresult.BASIC_CONSTRAINTS


class UsageMissing(AnswerRefused):
    """The key usage does not let the key do what a CA does."""

    hresult = hresult.CERT_WRONG_USAGE


class OutsideValidity(AnswerRefused):
    """A certificate is not valid yet, or no more, or hardly any more."""

    hresult = hresult.CERT_EXPIRED


class NameUnusable(AnswerRefused):
    """The certificate gives this CA a name under which it cannot issue."""


class IssuerMissing(AnswerRefused):
    """A certificate between this CA and the root was not given."""

    hresult = hresult.CERT_CHAINING


class NoRoot(AnswerRefused):
    """The certificates that were given lead in a circle."""

    hresult = hresult.CERT_CHAINING


class SignatureWrong(AnswerRefused):
    """The certificate of the right name did not sign."""

    hresult = hresult.CERT_SIGNATURE


class AlgorithmUnknown(AnswerRefused):
    """A signature or a key in the chain is of a kind that is not computed here."""

    hresult = hresult.NTE_BAD_ALGID


class TooWeak(AnswerRefused):
    """A signature or a key in the chain is one that programs no longer accept."""

    hresult = hresult.WEAK_SIGNATURE_OR_KEY


class PathTooLong(AnswerRefused):
    """A certificate above allows fewer CAs below it than there are."""

    hresult = hresult.CERT_PATH_LENGTH


class CriticalUnknown(AnswerRefused):
    """A critical extension that programs do not know makes them refuse the chain."""

    hresult = hresult.CERT_CRITICAL
