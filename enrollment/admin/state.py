"""Each disposition as a word and an icon, never as a color alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.html import format_html

from enrollment.ca.disposition import Disposition

if TYPE_CHECKING:
    from datetime import datetime

    from django.utils.safestring import SafeString

    from enrollment.models import Certificate

WORDS: Final = {
    Disposition.INCOMPLETE: ("wait", "◌", "Incomplete"),
    Disposition.ERROR: ("bad", "✕", "Error"),
    Disposition.DENIED: ("bad", "✕", "Denied"),
    Disposition.ISSUED: ("good", "✓", "Issued"),
    Disposition.ISSUED_OUT_OF_BAND: ("good", "✓", "Issued elsewhere"),
    Disposition.UNDER_SUBMISSION: ("wait", "◷", "Waiting"),
    Disposition.REVOKED: ("bad", "⊘", "Revoked"),
}


def badge(mood: str, icon: str, word: str) -> SafeString:
    """Draw one state."""
    return format_html(
        '<span class="desk-state desk-state-{}"><span aria-hidden="true">{}</span> {}</span>',
        mood,
        icon,
        word,
    )


def of_request(disposition: int) -> SafeString:
    """Draw where a request stands."""
    return badge(*WORDS[Disposition(disposition)])


def of_certificate(row: Certificate, now: datetime) -> SafeString:
    """Draw whether a certificate can be relied upon."""
    if row.revoked_at is not None:
        return badge("bad", "⊘", "Revoked")
    if row.not_after <= now:
        return badge("bad", "◌", "Ended")
    if row.not_before > now:
        return badge("wait", "◷", "Not yet valid")
    return badge("good", "✓", "Valid")
