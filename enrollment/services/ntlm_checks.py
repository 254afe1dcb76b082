"""The standing warning about NTLM: for as long as it is on, and for secrets that outlive it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.models import F

from enrollment import conf, conf_ntlm
from enrollment.ca.check import Check, Severity
from enrollment.models import NtlmAccount
from enrollment.services import ntlm_accounts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

NAME: Final = "NTLM"
_MOST_NAMED: Final = 5
_LAST_USED: Final = F("last_used_at").desc(nulls_last=True)
_RISKS: Final = {
    conf_ntlm.REQUIRED: "",
    conf_ntlm.WHEN_OFFERED: (
        " CERTSRV_NTLM_CHANNEL_BINDING is when-offered: what a program answers that binds nothing "
        "can be passed on to this site by whoever it speaks to."
    ),
    conf_ntlm.OFF: (
        " CERTSRV_NTLM_CHANNEL_BINDING is off: any answer can be passed on to this site by "
        "whoever a program speaks to."
    ),
}


def standing(now: datetime) -> Iterator[Check]:
    """Say that NTLM is on, for whom, and when it was used last."""
    del now
    settings = conf.current()
    rows = list(NtlmAccount.objects.select_related("user").order_by(_LAST_USED, "pk"))
    if conf_ntlm.NTLM not in settings.sign_in:
        if rows:
            yield _warn(
                f"It is off, and {_accounts(rows)} keep a secret for it. Run: python manage.py "
                "ntlm end NAME"
            )
        return
    yield _warn(
        f"It is on, for {_accounts(rows)}. It is the weakest way to sign in here; end it as soon "
        f"as no program needs it.{_RISKS[settings.ntlm.channel_binding]}"
    )
    if settings.ntlm.plain_http:
        yield _warn(
            "CERTSRV_NTLM_PLAIN_HTTP is on: whoever is on the way can act as the program that "
            "signs in. Take it out."
        )
    if settings.clients.proxies:
        yield _warn("Through the proxies of CERTSRV_TRUSTED_PROXIES nobody can use it.")
    sealed = [row for row in rows if not ntlm_accounts.can_be_read(row)]
    if sealed:
        yield _warn(
            f"The secret of the site is another one than when {_accounts(sealed)} got a password. "
            "Run: python manage.py ntlm allow NAME"
        )


def _warn(finding: str) -> Check:
    return Check(NAME, Severity.WARNING, finding)


def _accounts(rows: Sequence[NtlmAccount]) -> str:
    count = f"{len(rows)} account{'' if len(rows) == 1 else 's'}"
    if not rows:
        return count
    named = ", ".join(f"{row.user.get_username()} ({_used(row)})" for row in rows[:_MOST_NAMED])
    return f"{count}: {named}{' and others' if len(rows) > _MOST_NAMED else ''}"


def _used(row: NtlmAccount) -> str:
    used = row.last_used_at
    return f"last used {used:%Y-%m-%d %H:%M}" if used is not None else "never used"
