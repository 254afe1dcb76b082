"""Each disposition as a word and an icon, never as a color alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.html import format_html

from enrollment.ca.disposition import Disposition
from enrollment.services import revocation

if TYPE_CHECKING:
    from datetime import datetime

    from django.utils.safestring import SafeString

    from enrollment.models import Certificate, EnrollmentRequest

WORDS: Final = {
    Disposition.INCOMPLETE: ("wait", "◌", "Incomplete"),
    Disposition.ERROR: ("bad", "✕", "Error"),
    Disposition.DENIED: ("bad", "✕", "Denied"),
    Disposition.ISSUED: ("good", "✓", "Issued"),
    Disposition.ISSUED_OUT_OF_BAND: ("good", "✓", "Issued elsewhere"),
    Disposition.UNDER_SUBMISSION: ("wait", "◷", "Waiting"),
    Disposition.REVOKED: ("bad", "⊘", "Revoked"),
}
_ON_HOLD: Final = ("wait", "‖", "On hold")


def badge(mood: str, icon: str, word: str) -> SafeString:
    """Draw one state."""
    return format_html(
        '<span class="desk-state desk-state-{}"><span aria-hidden="true">{}</span> {}</span>',
        mood,
        icon,
        word,
    )


def words_of_request(row: EnrollmentRequest) -> tuple[str, str, str]:
    """Return mood, icon and word of a request; on hold is what AD CS calls revoked."""
    held = row.certificate is not None and revocation.status_of(row.certificate).is_held
    return _ON_HOLD if held else WORDS[row.state]


def of_request(row: EnrollmentRequest) -> SafeString:
    """Draw where a request stands."""
    return badge(*words_of_request(row))


def words_of_certificate(row: Certificate, now: datetime) -> tuple[str, str, str]:
    """Return mood, icon and word of a certificate."""
    status = revocation.status_of(row)
    if status.is_revoked and not status.is_held:
        return "bad", "⊘", "Revoked"
    if row.not_after <= now:
        return "bad", "◌", "Ended"
    if status.is_held:
        return _ON_HOLD
    if row.not_before > now:
        return "wait", "◷", "Not yet valid"
    return "good", "✓", "Valid"


def of_certificate(row: Certificate, now: datetime) -> SafeString:
    """Draw whether a certificate can be relied upon."""
    return badge(*words_of_certificate(row, now))
