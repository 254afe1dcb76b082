"""Which lists were published: found by their place, and never without their number.

A *place* is where one list follows the other: the key, base or delta, and the partition. A row is
finished when it has a digest; only finished ones are shown to anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max, QuerySet

from enrollment.models import CertificateRevocationList, RevocationListContent

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.models import Authority

Lists = QuerySet[CertificateRevocationList]


def finished() -> Lists:
    """Return every list that was signed and stored, the newest first."""
    return CertificateRevocationList.objects.exclude(sha256="").order_by("-number")


def of_place(key_index: int, *, delta: bool, partition: int) -> Lists:
    """Return the finished lists of one place, the newest first."""
    rows = finished().select_related("authority")
    return rows.filter(authority__key_index=key_index, is_delta=delta, partition=partition)


def newest_list(
    key_index: int, *, delta: bool = False, partition: int = 0
) -> CertificateRevocationList | None:
    """Return the list of a place that was published last."""
    return of_place(key_index, delta=delta, partition=partition).first()


def before(row: CertificateRevocationList) -> CertificateRevocationList | None:
    """Return the list that `row` took the place of."""
    key_index = row.authority.key_index
    older = of_place(key_index, delta=row.is_delta, partition=row.partition)
    return older.filter(number__lt=row.number).first()


def newest_base() -> CertificateRevocationList | None:
    """Return the base list that was published last, of any key."""
    return finished().filter(is_delta=False).first()


def longest_base() -> int:
    """Return how many entries the longest base list of the last such publication has."""
    newest = newest_base()
    if newest is None:
        return 0
    bases = finished().filter(is_delta=False, number=newest.number)
    longest: int = bases.aggregate(longest=Max("entries"))["longest"]
    return longest


def newest_of_each_place() -> list[CertificateRevocationList]:
    """Return the newest list of every place there ever was."""
    places = {
        (row["authority__key_index"], row["is_delta"], row["partition"]): row["newest"]
        for row in finished()
        .order_by()
        .values("authority__key_index", "is_delta", "partition")
        .annotate(newest=Max("number"))
    }
    # All lists of one publication have one number: these are few numbers.
    rows = finished().filter(number__in=set(places.values())).select_related("authority")
    return [
        row
        for row in rows
        if places[row.authority.key_index, row.is_delta, row.partition] == row.number
    ]


def highest_number() -> int:
    """Return the highest number that was ever taken, also by a list that failed; 0 at first."""
    highest = CertificateRevocationList.objects.aggregate(highest=Max("number"))["highest"]
    return highest or 0


def take_number(number: int, issuing: Authority, now: datetime) -> None:
    """Take a number, and with it all below, without a list: nobody is given them again."""
    CertificateRevocationList.objects.create(
        authority=issuing,
        number=number,
        as_of=now,
        this_update=now,
        next_update=now,
        next_publish=now,
    )


def highest_partition(key_index: int) -> int:
    """Return the highest partition of which a key ever had a list."""
    rows = finished().order_by().filter(authority__key_index=key_index)
    return rows.aggregate(highest=Max("partition"))["highest"] or 0


def latest_moment() -> datetime | None:
    """Return the latest moment that any list speaks of, also one that failed."""
    found: datetime | None = CertificateRevocationList.objects.aggregate(latest=Max("as_of"))[
        "latest"
    ]
    return found


@transaction.atomic
def finish(row: CertificateRevocationList, der: bytes, sha256: str, entries: int) -> None:
    """Store a signed list: from here on it is the newest of its place."""
    RevocationListContent.objects.create(crl=row, der=der)
    row.size, row.sha256, row.entries = len(der), sha256, entries
    row.save(update_fields=["size", "sha256", "entries"])


def octets_of(row: CertificateRevocationList) -> bytes | None:
    """Return a list in DER; None when it has ended and its octets were dropped."""
    found = RevocationListContent.objects.filter(crl=row).values_list("der", flat=True).first()
    return None if found is None else bytes(found)


def drop_ended(now: datetime) -> int:
    """Drop the octets of lists that nobody may use any more, and return of how many.

    The rows stay with number, times and digest: numbers are never given twice, and whoever kept an
    old list can still show that it was ours. The newest of each place keeps its octets for ever: a
    CA that has ended serves its last list.
    """
    kept = [row.pk for row in newest_of_each_place()]
    ended = RevocationListContent.objects.filter(crl__next_update__lte=now)
    dropped, _ = ended.exclude(pk__in=kept).delete()
    return dropped
