"""Lint of what is about to be signed, before the CA key is touched.

The content is signed with a throw-away key of the kind the CA has, and pkilint's rules of RFC 5280
judge the result. The rules of the public web (CA/Browser Forum, root programs) are not asked: this
is a private CA, whose hosts may be called `localhost` and whose certificates may live for years.
What is bent, and why, stands in `lint_profile`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, Final

from enrollment.ca import algorithms, der

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

    from pkilint.validation import ValidationFindingDescription

_LONGEST_MESSAGE: Final = 500


class Severity(IntEnum):
    """How bad a finding is; the lower, the worse."""

    FATAL = 0  # cannot be read at all
    ERROR = 1  # breaks a MUST
    WARNING = 2  # breaks a SHOULD
    NOTICE = 3
    INFO = 4
    DEBUG = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark of the linter.

    `code` is stable and names the rule; `message` is for people and may quote the certificate, so
    whoever shows it escapes it.
    """

    severity: Severity
    code: str
    message: str

    @property
    def blocks(self) -> bool:
        """Whether a certificate with this finding may not be signed."""
        return self.severity <= Severity.ERROR


def lint(tbs: bytes, signature_algorithm: bytes) -> tuple[Finding, ...]:
    """Judge a to-be-signed certificate, the worst finding first.

    Args:
        tbs: DER TBSCertificate, the very octets that the CA key would sign.
        signature_algorithm: DER AlgorithmIdentifier of the CA's signer.

    Raises:
        UnsupportedSigningKey: no CA here makes signatures of that algorithm.
    """
    signature = _throw_away_signer(signature_algorithm)(tbs)
    certificate = der.sequence(tbs, signature_algorithm, der.bit_string(signature))
    try:
        descriptions = _rules().judge(certificate)
    except ValueError as error:
        return (Finding(Severity.FATAL, "certsrv.unreadable", str(error)[:_LONGEST_MESSAGE]),)
    findings = map(_finding, descriptions)
    return tuple(sorted(_remarkable(findings), key=lambda finding: finding.severity))


def blocking(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Keep the findings that forbid the signature."""
    return tuple(finding for finding in findings if finding.blocks)


def load() -> None:
    """Make the rules now, so that no request waits for them."""
    _rules().profile()


def warm_up(signature_algorithm: bytes) -> None:
    """Make the rules and the throw-away key now."""
    load()
    _throw_away_signer(signature_algorithm)


@cache
def _rules() -> ModuleType:
    """Import pkilint where something is linted: it is a quarter of the start of a command."""
    from enrollment.ca import lint_profile  # noqa: PLC0415  # as said

    return lint_profile


@cache
def _throw_away_signer(signature_algorithm: bytes) -> Callable[[bytes], bytes]:
    """Sign with a key that nobody keeps: one per process and kind of CA key.

    This is the one place of the core where chance enters; no result depends on it.
    """
    algorithm = algorithms.by_identifier(signature_algorithm)
    key = algorithm.throw_away_key()
    return lambda message: algorithm.sign(key, message)


def _finding(description: ValidationFindingDescription) -> Finding:
    severity = Severity(description.finding.severity)
    code = description.finding.code
    if code in _rules().DEMOTED and severity < Severity.WARNING:
        severity = Severity.WARNING
    # Some of pkilint's rules say all they have to say in their code.
    message = description.message or code.partition(".")[2].replace("_", " ")
    return Finding(severity, code, message[:_LONGEST_MESSAGE])


def _remarkable(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Leave out what is only told, such as how a key identifier was computed."""
    return (finding for finding in findings if finding.severity < Severity.INFO)
