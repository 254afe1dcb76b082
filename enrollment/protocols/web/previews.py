"""What the preview shows: what the CA read, what it would do and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from enrollment.ca import lookalikes
from enrollment.ca.errors import PrivateKeyPasted
from enrollment.ca.names import display, names_of
from enrollment.ca.policy import Deny, Hold
from enrollment.ca.request import RequestForm
from enrollment.protocols.web.pages import commands_to_mend
from enrollment.services import enroll

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.ca.errors import EnrollmentError
    from enrollment.ca.policy import Decision, Holder, Requester
    from enrollment.ca.request import CertificationRequest
    from enrollment.protocols.web import commands

_FORMS: Final = {
    RequestForm.PKCS10: "PKCS #10 request",
    RequestForm.PKCS7: "PKCS #7 signed request",
    RequestForm.CMC: "CMC request",
}
_MOST_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """A preview, ready to be drawn."""

    tone: str
    verdict: str
    reason: str
    remedy: str = ""
    commands: tuple[commands.Command, ...] = ()
    has_request: bool = False
    is_secret: bool = False
    subject: str = ""
    names: tuple[str, ...] = ()
    key: str = ""
    signature: str = ""
    form: str = ""
    software: str = ""
    renews: str = ""
    on_behalf_of: str = ""
    template: str = ""
    template_display: str = ""
    valid_until: datetime | None = None
    fitting: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def preview_of(raw: bytes, attributes: str, requester: Requester, now: datetime) -> PreviewPage:
    """Judge what is in the box, without a trace, and say it in words."""
    if not raw.strip():
        return unreadable("There is nothing in the box yet.", "Paste a request or choose its file.")
    found = enroll.preview(raw, attributes, requester, now=now)
    judged, decision = found.judgement, found.decision
    if judged is None or decision is None:
        return _refused(found.error)
    tone, verdict, reason, remedy = _verdict(decision)
    names = tuple(dict.fromkeys(name.value for name in judged.names)) or _asked(judged.request)
    code = decision.error.hresult if isinstance(decision, Deny) else 0
    return PreviewPage(
        tone=tone,
        verdict=verdict,
        reason=reason,
        remedy=remedy,
        commands=commands_to_mend(code, names),
        names=names,
        renews=str(judged.renews) if judged.renews else "",
        on_behalf_of=judged.requester.name if judged.agents else "",
        template=_template_meant(judged.request) or judged.template_name,
        template_display=judged.template.display_name if judged.template else "",
        valid_until=found.certificate.not_after if found.certificate else None,
        fitting=tuple(template.display_name for template in found.fitting_templates),
        holders=_holders(found.holders),
        ignored=_bounded(found.ignored),
        **_read(judged.request),
    )


def unreadable(detail: str, remedy: str = "", *, is_secret: bool = False) -> PreviewPage:
    """Return the preview of what is no request."""
    return PreviewPage(
        tone="bad",
        verdict="This is not a certificate request",
        reason=detail,
        remedy=remedy,
        is_secret=is_secret,
    )


def _refused(error: EnrollmentError | None) -> PreviewPage:
    if error is None:
        return unreadable("It cannot be read.")
    burnt = isinstance(error, PrivateKeyPasted)
    return unreadable(error.detail, error.remedy, is_secret=burnt)


def _verdict(decision: Decision) -> tuple[str, str, str, str]:
    match decision:
        case Deny(error):
            return "bad", "The CA would deny this request", error.detail, error.remedy
        case Hold(reason):
            return "wait", "This request would wait for a certificate manager", reason, ""
        case _:
            return "good", "The CA would issue this certificate at once", "Every rule is met.", ""


def _read(request: CertificationRequest) -> dict[str, Any]:
    """Return what stands in the request, in words."""
    weak = " (weak)" if request.signature.weak else ""
    return {
        "has_request": True,
        "subject": display(request.subject) or "(empty)",
        "key": request.key.name,
        "signature": f"{request.signature.algorithm}{weak}",
        "form": _FORMS[request.form],
        "software": _software(request),
        "remarks": _bounded((*request.remarks, *lookalikes.doubts([display(request.subject)]))),
    }


def _asked(request: CertificationRequest) -> tuple[str, ...]:
    names = names_of(request.subject, request.subject_alternative_name)
    return tuple(dict.fromkeys(name.value for name in names))


def _software(request: CertificationRequest) -> str:
    """Name the program that made the request, from what it wrote about itself."""
    facts = request.microsoft
    parts = []
    if facts.client_info is not None and facts.client_info.process:
        parts.append(facts.client_info.process)
    if facts.os_version:
        parts.append(f"Windows {facts.os_version}")
    if facts.csp is not None and facts.csp.name:
        parts.append(facts.csp.name)
    return ", ".join(parts)


def _template_meant(request: CertificationRequest) -> str:
    """Return the template that the request itself names; the page then chooses it in the list."""
    return request.microsoft.template_name or ""


def _holders(holders: tuple[Holder, ...]) -> tuple[str, ...]:
    """Say that others hold names; who they are is a manager's to know."""
    held = dict.fromkeys(holder.name.value for holder in holders)
    return _bounded(tuple(f"{value}: another account" for value in held))


def _bounded(lines: tuple[str, ...]) -> tuple[str, ...]:
    if len(lines) <= _MOST_LINES:
        return lines
    return (*lines[:_MOST_LINES], f"and {len(lines) - _MOST_LINES} more")
