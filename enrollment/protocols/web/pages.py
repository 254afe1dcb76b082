"""What each page shows, taken from rows and decisions; the templates only draw it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from enrollment.ca import hresult
from enrollment.ca.disposition import Disposition
from enrollment.ca.revocation import GOOD
from enrollment.protocols.web import commands
from enrollment.services import revocation

if TYPE_CHECKING:
    from enrollment.ca.revocation import Status
    from enrollment.models import EnrollmentRequest

# What AD CS takes when nothing else is said; short certificates renew in their last fifth.
_RENEWAL_PERIOD: Final = timedelta(weeks=6)
_LAST_PART: Final = 5

UNDER_SUBMISSION: Final = "Taken Under Submission"

# Refusals that a new request can mend; the page then shows the command that makes one.
_MENDED_BY_A_NEW_REQUEST: Final = frozenset(
    {
        hresult.CERT_REVOKED,
        hresult.KEY_LENGTH,
        hresult.WEAK_SIGNATURE_OR_KEY,
        hresult.NTE_BAD_SIGNATURE,
        hresult.NTE_BAD_ALGID,
        hresult.SUBJECT_ALT_NAME_REQUIRED,
        hresult.BAD_REQUEST_SUBJECT,
    }
)

_ARMOR: Final = re.compile(r"-*(BEGIN|END) [A-Z ]*CERTIFICATE[A-Z ]*-*")
_NEVER_SET: Final = "(never set)"
_NONE: Final = "(none)"


@dataclass(frozen=True, slots=True)
class IssuedPage:
    """certfnsh.asp: issued."""

    request_id: int
    subject: str
    names: tuple[str, ...]
    template: str
    requester: str
    agent: str
    renews: str
    not_before: datetime
    not_after: datetime
    renew_from: datetime
    serial_number: str
    thumbprint_sha1: str
    thumbprint_sha256: str


@dataclass(frozen=True, slots=True)
class StandingPage:
    """certfnsh.asp: waiting or refused."""

    request_id: int
    names: tuple[str, ...]
    template: str
    submitted_at: datetime
    reason: str
    detail: str
    remedy: str
    message: str
    status: str
    commands: tuple[commands.Command, ...] = ()
    come_back: str = ""
    pending_days: int = 10
    is_return: bool = False


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """The labels of the Error page, in the order of certsrv-contract section 2.4.

    `heading` and `tone` are for people: what was taken back is no failure of theirs.
    """

    message: str
    last_status: str
    suggested_cause: str = _NONE
    mode: str = "(unknown)"
    disposition: str = _NEVER_SET
    result: str = hresult.describe(hresult.SUCCESS)
    com_error: str = _NONE
    summary: str = ""
    next_step: str = ""
    heading: str = "Error"
    tone: str = "bad"


@dataclass(frozen=True, slots=True)
class RequestLine:
    """One request in a list."""

    request_id: int
    name: str
    template: str
    submitted_at: datetime
    tone: str
    word: str
    reason: str = ""
    not_after: datetime | None = None
    can_renew: bool = False
    on_behalf: str = ""
    in_cookie: bool = False


@dataclass(frozen=True, slots=True)
class RenewingNote:
    """What the paste page says to somebody who came by **Renew**."""

    name: str
    not_after: datetime
    command: str


_WORDS: Final = {
    Disposition.INCOMPLETE: ("wait", "In progress"),
    Disposition.ERROR: ("bad", "Failed"),
    Disposition.DENIED: ("bad", "Denied"),
    Disposition.ISSUED: ("good", "Issued"),
    Disposition.ISSUED_OUT_OF_BAND: ("good", "Issued"),
    Disposition.UNDER_SUBMISSION: ("wait", "Waiting"),
    Disposition.REVOKED: ("bad", "Revoked"),
}


def names_of(row: EnrollmentRequest) -> tuple[str, ...]:
    """Return the names a request holds, each once, whatever kind it is."""
    return tuple(dict.fromkeys(str(name) for name in row.names))


def name_of(row: EnrollmentRequest) -> str:
    """Return the one name a person would call this request by."""
    return next(iter(names_of(row)), row.subject or "Request without names")


def issued_page(row: EnrollmentRequest) -> IssuedPage:
    """Return what the page of an issued request shows."""
    certificate = row.certificate
    assert certificate is not None  # noqa: S101 - the disposition is ISSUED
    lifetime = certificate.not_after - certificate.not_before
    return IssuedPage(
        request_id=row.pk,
        subject=certificate.subject,
        names=names_of(row),
        template=row.template_name,
        requester=row.requester,
        agent=row.agent,
        renews=str(row.renews) if row.renews_id else "",
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        renew_from=certificate.not_after - min(_RENEWAL_PERIOD, lifetime / _LAST_PART),
        serial_number=certificate.serial_number,
        thumbprint_sha1=certificate.thumbprint_sha1,
        thumbprint_sha256=certificate.thumbprint_sha256,
    )


def standing_page(
    row: EnrollmentRequest, *, come_back: str = "", pending_days: int = 10, is_return: bool = False
) -> StandingPage:
    """Return what the page of a waiting or refused request shows."""
    return StandingPage(
        request_id=row.pk,
        names=names_of(row),
        template=row.template_name,
        submitted_at=row.submitted_at,
        reason=row.detail,
        detail=row.detail,
        remedy=row.remedy,
        message=row.disposition_message,
        status=status(row.status_code),
        commands=commands_to_mend(row.status_code, names_of(row)),
        come_back=come_back,
        pending_days=pending_days,
        is_return=is_return,
    )


def commands_to_mend(code: int, names: tuple[str, ...]) -> tuple[commands.Command, ...]:
    """Return the command that makes a better request, where one helps."""
    return commands.openssl_for(list(names)) if code in _MENDED_BY_A_NEW_REQUEST else ()


def request_line(
    row: EnrollmentRequest, now: datetime, *, viewer: str = "", in_cookie: bool = False
) -> RequestLine:
    """Return one line of a list of requests, as `viewer` may use it."""
    certificate = row.certificate
    tone, word = _WORDS[row.state]
    reason = row.detail if row.state is not Disposition.ISSUED else ""
    if row.state is Disposition.REVOKED:
        status = _status(row)
        reason = _since(status)
        tone, word = ("wait", "On hold") if status.is_held else (tone, word)
    elif certificate is not None and certificate.not_after < now and word == "Issued":
        tone, word = "bad", "Expired"
    return RequestLine(
        request_id=row.pk,
        name=name_of(row),
        template=row.template_name,
        submitted_at=row.submitted_at,
        tone=tone,
        word=word,
        reason=reason,
        not_after=certificate.not_after if certificate else None,
        # What an agent renewed would be the agent's own.
        can_renew=certificate is not None
        and row.state is Disposition.ISSUED
        and (not row.agent or row.requester == viewer),
        on_behalf=f"for {row.requester}, asked for by {row.agent}" if row.agent else "",
        in_cookie=in_cookie,
    )


def status(code: int) -> str:
    """Return Microsoft's sentence for `code`, or its number where we have none."""
    return hresult.describe(code) if code in hresult.TEXTS else f"{code:#x}"


def not_issued(row: EnrollmentRequest) -> ErrorPage:
    """Return the Error page of a request that has no certificate (contract section 2.5)."""
    waiting = row.state in (Disposition.UNDER_SUBMISSION, Disposition.INCOMPLETE)
    return ErrorPage(
        message=UNDER_SUBMISSION if waiting else _without_armor(row.disposition_message),
        last_status=status(hresult.SUCCESS if waiting else row.status_code),
        disposition=f"{row.disposition}",
        suggested_cause=_without_armor(row.remedy) or _NONE,
        summary="The certificate is not issued yet."
        if waiting
        else "There is no certificate for this request.",
        next_step="" if waiting else _without_armor(row.detail),
    )


def revoked(row: EnrollmentRequest) -> ErrorPage:
    """Return the Error page of a request whose certificate must not be used (any more)."""
    status = _status(row)
    found = ErrorPage(
        message=row.disposition_message,
        last_status=hresult.describe(hresult.CERT_REVOKED),
        disposition=f"{row.disposition}",
        suggested_cause="The certificate was revoked.",
        summary=f"The certificate was issued, and is revoked {_since(status)}.",
        next_step="Do not install it. Make a new key and request, and send it here.",
        heading="Certificate Revoked",
    )
    if not status.is_held:
        return found
    return replace(
        found,
        suggested_cause="The certificate is on hold.",
        summary=f"The certificate was issued, and is on hold {_since(status)}.",
        next_step="Do not use it meanwhile. Ask a certificate manager; released, it is good again.",
        heading="Certificate On Hold",
        tone="wait",
    )


def _status(row: EnrollmentRequest) -> Status:
    return revocation.status_of(row.certificate) if row.certificate is not None else GOOD


def _since(status: Status) -> str:
    """Say since when, and of a revocation why, when there is more to say than nothing."""
    if status.revoked_at is None:
        return ""
    told = status.reason is not None and not status.is_held
    why = f" ({status.reason.label})" if told and status.reason is not None else ""
    return f"since {status.revoked_at:%Y-%m-%d %H:%M} UTC{why}"


def _without_armor(text: str) -> str:
    """Take out what a client would read as the beginning of a certificate (contract 2.5)."""
    return _ARMOR.sub(r"the \1 line", text)


def unknown_request(*, mode: str = "(unknown)") -> ErrorPage:
    """Return the Error page of an id that is unknown here, or somebody else's."""
    text = hresult.describe(hresult.PROPERTY_EMPTY)
    return ErrorPage(
        message=text,
        last_status=text,
        suggested_cause="The Request Id is not that of a request of yours.",
        mode=mode,
        summary="There is no request of yours with this number.",
        next_step="Check the Request Id, or look at your requests, signed in as the requester.",
    )


def unusable(detail: str, remedy: str, code: int, *, mode: str = "(unknown)") -> ErrorPage:
    """Return the Error page of something that never became a request."""
    return ErrorPage(
        message=_NONE,
        last_status=status(code),
        suggested_cause=remedy,
        mode=mode,
        summary=detail,
        next_step=remedy,
    )
