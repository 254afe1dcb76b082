"""The addresses that certificates of this CA name, expanded as they are written into them.

They come from the settings alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from enrollment import conf
from enrollment.ca import address_rules, addresses
from enrollment.ca.address_rules import AddressKind
from enrollment.models import Authority
from enrollment.services import authority, crl_rows, publication

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

SETTINGS: Final = {
    AddressKind.CRL: "CERTSRV_CRL_URLS",
    AddressKind.CERTIFICATE: "CERTSRV_CERTIFICATE_URLS",
    AddressKind.OCSP: "CERTSRV_OCSP_URLS",
}
REVOCATION: Final = frozenset({AddressKind.CRL, AddressKind.OCSP})
# CA certificates whose addresses are listed, the newest first: nobody has more that matter.
_MOST_CERTIFICATES: Final = 20


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """One address, and what is to be found there.

    Attributes:
        kind: what is fetched there.
        row: the CA certificate whose certificates name it; of a list, the newest of its key.
        template: as it stands in the setting.
        url: its expansion.
        place: what the tokens stood for.
    """

    kind: AddressKind
    row: Authority
    template: str
    url: str
    place: addresses.Place

    @property
    def setting(self) -> str:
        """The setting that decides."""
        return SETTINGS[self.kind]

    @property
    def label(self) -> str:
        """What is there, such as ``OCSP``, ``CRL`` or ``delta CRL, partition 3``."""
        part = f", partition {self.place.partition}" if self.place.partition else ""
        return f"{'delta ' if self.place.delta else ''}{self.kind.value}{part}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What will be regretted about it."""
        return address_rules.remarks(
            self.kind, self.template, self.url, has_deltas=bool(conf.current().delta_period)
        )


def every(now: datetime, partitions: Iterable[int] = (0, 1)) -> Iterator[OwnAddress]:
    """Yield the addresses of all that matters at `now`.

    These are lists and OCSP of each key that signs, the last list of each key that rests, and every
    CA certificate that has not ended.

    Args:
        now: timezone-aware UTC.
        partitions: whose lists are wanted; those that are not published are left out.
    """
    last = conf.current().crl_partitions
    wanted = [partition for partition in partitions if partition <= last]
    signing = publication.signing_keys(now)
    for row in signing:
        yield from lists_of(row, wanted)
        yield from of_kind(AddressKind.OCSP, row)
    for row in publication.ca_keys():
        is_over = authority.issuer_of(row).not_after <= now
        if row not in signing and not is_over and crl_rows.newest_list(row.key_index):
            yield from (one for one in lists_of(row, wanted) if not one.place.delta)
    for row in Authority.objects.order_by("-index")[:_MOST_CERTIFICATES]:
        if authority.issuer_of(row).not_after > now:
            yield from of_kind(AddressKind.CERTIFICATE, row)


def of_kind(kind: AddressKind, row: Authority) -> Iterator[OwnAddress]:
    """Yield the addresses of one kind; of lists, that of the complete base."""
    settings = conf.current()
    templates = {
        AddressKind.CRL: settings.crl_urls,
        AddressKind.CERTIFICATE: settings.certificate_urls,
        AddressKind.OCSP: settings.ocsp_urls,
    }
    yield from _expanded(kind, templates[kind], row, authority.place_of(row))


def lists_of(row: Authority, partitions: Iterable[int]) -> Iterator[OwnAddress]:
    """Yield the addresses of the lists of a key, bases before deltas; equal ones once."""
    settings = conf.current()
    base = authority.place_of(row)
    seen = set()
    for delta in (False, True) if settings.delta_period else (False,):
        for partition in partitions:
            place = replace(base, partition=partition, delta=delta)
            for one in _expanded(AddressKind.CRL, settings.crl_urls, row, place):
                if one.url not in seen:
                    seen.add(one.url)
                    yield one


def written(row: Authority) -> list[OwnAddress]:
    """Return what the next certificate issued under `row` names, and where deltas will be."""
    partition = 1 if conf.current().crl_partitions else 0
    return [
        *lists_of(row, (partition,)),
        *of_kind(AddressKind.CERTIFICATE, row),
        *of_kind(AddressKind.OCSP, row),
    ]


def _expanded(
    kind: AddressKind, templates: tuple[str, ...], row: Authority, place: addresses.Place
) -> Iterator[OwnAddress]:
    for template in templates:
        yield OwnAddress(kind, row, template, addresses.expand(template, place), place)
