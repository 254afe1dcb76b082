"""Four eyes: several managers approve one content, and only then is it signed.

The first approval fixes the content; the others approve the same octets, or start anew.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import User

from enrollment import conf
from enrollment.models import GivenApproval, SigningRecord, Template
from enrollment.services import audit, directory, manager_scopes
from enrollment.services.outside import fresh
from enrollment.services.outside.told import SourceUnavailable
from enrollment.services.refusals import (
    AlreadyApproved,
    ContentChanged,
    DirectoryAway,
    NoAccount,
    SelfApproval,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from enrollment.models import EnrollmentRequest
    from enrollment.services.review import Reviewer

# A weekend; the certificate begins when the first manager looked.
LIFETIME: Final = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many approvals a content has, and how many it needs."""

    given: int
    needed: int

    @property
    def is_enough(self) -> bool:
        """Whether the content may be signed."""
        return self.given >= self.needed

    def __str__(self) -> str:
        return f"{self.given} of {self.needed} approvals"


def needed_for(template_name: str) -> int:
    """Return how many managers must approve, by the template of now."""
    found = Template.objects.filter(name=template_name).values_list("approvals_needed", flat=True)
    return found.first() or 1


def standing(row: EnrollmentRequest) -> SigningRecord | None:
    """Return the content of a waiting request that somebody approved already."""
    prepared = SigningRecord.objects.filter(request=row, state=SigningRecord.State.PREPARED)
    return (
        prepared.filter(approvals__isnull=False)
        .select_related("request", "authority")
        .order_by("-pk")
        .first()
    )


def counting(record: SigningRecord) -> list[GivenApproval]:
    """Return the approvals that count: of active managers who may still decide this request."""
    row = record.request
    given = GivenApproval.objects.filter(record=record).select_related("user")
    return [
        one
        for one in given
        if directory.may_review(one.user)
        and not asked(row, one.user_id, one.user.get_username())
        and manager_scopes.of(one.user).has_request(row)
    ]


def look_up_people(row: EnrollmentRequest) -> None:
    """Bring up to date whose rights decide: who asked, for whom, and who approved already.

    Raises:
        DirectoryAway: the directory keeps one of them, and cannot be asked.
    """
    approved = User.objects.select_related("account").filter(
        pk__in=GivenApproval.objects.filter(record__request=row).values("user")
    )
    try:
        fresh.those((row.account, row.agent_account, *approved))
    except SourceUnavailable as error:
        raise away(row) from error


def away(row: EnrollmentRequest) -> DirectoryAway:
    """Return why nothing is decided while the directory of somebody concerned cannot be asked."""
    return DirectoryAway(
        f"The directory that keeps an account of request {row.pk} cannot be asked at the moment, "
        "so nothing is decided. Try again in a minute."
    )


def asked(
    row: EnrollmentRequest, account_id: int | None, name: str, agents: tuple[str, ...] = ()
) -> bool:
    """Whether somebody asked for a request: by the account, and by the name that is signed.

    `agents` are those who signed it on behalf of somebody: they ask, too, and one of them sends it.
    """
    accounts = (row.account_id, row.agent_account_id)
    is_account = account_id is not None and account_id in accounts
    return is_account or name in (row.requester, row.agent, *agents)


def check_not_own(row: EnrollmentRequest, reviewer: Reviewer, agents: tuple[str, ...] = ()) -> None:
    """Let nobody decide alone what they asked for, unless the site allows that.

    Raises:
        SelfApproval
    """
    is_own = asked(row, reviewer.account_id, reviewer.name, agents)
    if is_own and not conf.current().self_approval:
        raise SelfApproval(
            f"You asked for request {row.pk} yourself; another certificate manager must decide it."
        )


def give(
    record: SigningRecord, reviewer: Reviewer, *, agents: tuple[str, ...] = (), now: datetime
) -> Tally:
    """Add one approval to a content; call it in the transaction that holds the request.

    Args:
        record: the content.
        reviewer: who approves.
        agents: who signed the request on behalf of somebody; they never count.
        now: timezone-aware UTC.

    Raises:
        NoAccount, SelfApproval, AlreadyApproved, ContentChanged
    """
    row, needed = record.request, needed_for(record.template_name)
    if needed == 1:
        return Tally(1, 1)
    if reviewer.account_id is None:
        raise NoAccount(
            f"Request {row.pk} needs the approvals of {needed} certificate managers. Say which "
            "account you are: add --as NAME."
        )
    if asked(row, reviewer.account_id, reviewer.name, agents):
        raise SelfApproval(
            f"You asked for request {row.pk} yourself; {needed} other certificate managers must "
            "approve it."
        )
    _make_the_only_one(record)
    _, is_new = GivenApproval.objects.get_or_create(
        record=record, user_id=reviewer.account_id, defaults={"approved_at": now}
    )
    tally = Tally(len(counting(record)), needed)
    if is_new:
        audit.record(
            "approved",
            actor=reviewer.name,
            subject=f"request {row.pk}",
            at=now,
            digest=record.digest,
            given=tally.given,
            needed=needed,
        )
    elif not tally.is_enough:
        raise AlreadyApproved(
            f"You approved request {row.pk} already ({tally}); another certificate manager must."
        )
    return tally


def _make_the_only_one(record: SigningRecord) -> None:
    """Void what other managers were shown: from here on there is one content to approve."""
    prepared = SigningRecord.objects.filter(
        request_id=record.request_id, state=SigningRecord.State.PREPARED
    )
    others = prepared.exclude(pk=record.pk)
    is_there = prepared.filter(pk=record.pk).exists()
    if not is_there or others.filter(approvals__isnull=False).exists():
        raise ContentChanged(
            f"Somebody decided about request {record.request_id} meanwhile. Look at it again."
        )
    others.delete()


def drop(record: SigningRecord, *, is_late: bool, now: datetime) -> str:
    """Forget a content with its approvals; return a remark for whoever looks.

    Args:
        record: what was approved.
        is_late: it is too old; otherwise it would not be composed like this any more.
        now: timezone-aware UTC.
    """
    why = (
        f"it is older than {LIFETIME // timedelta(hours=1)} hours."
        if is_late
        else "the CA, the template or the requester's directory entry changed since."
    )
    given = GivenApproval.objects.filter(record=record).select_related("user")
    names = [one.user.get_username() for one in given]
    audit.record(
        "approvals dropped",
        actor="site",
        subject=f"request {record.request_id}",
        at=now,
        digest=record.digest,
        approved_by=names,
        why=why,
    )
    record.delete()
    return f"The approval of {', '.join(names)} counts no more: {why} Approvals start anew."


def told(rows: Iterable[EnrollmentRequest]) -> dict[int, str]:
    """Say of waiting requests that were approved by some how far they are, with two queries."""
    found = (
        GivenApproval.objects.filter(
            record__request__in=[row.pk for row in rows],
            record__state=SigningRecord.State.PREPARED,
        )
        .order_by()
        .values_list("record__request_id", "record__template_name")
    )
    needed = dict(
        Template.objects.filter(approvals_needed__gt=1).values_list("name", "approvals_needed")
    )
    given = Counter(found)
    return {pk: str(Tally(n, needed.get(template, 1))) for (pk, template), n in given.items()}
