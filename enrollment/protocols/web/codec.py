"""Between the wire of `/certsrv` and our values: parameters, cookies, option values, file names.

Pure: no Django, no clock. Every function is total: a stranger's text gives a value, never an error.

Source: certsrv-contract sections 1.3 to 1.13.
"""

from __future__ import annotations

import re
from base64 import encodebytes
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

PENDING_COOKIE: Final = "Requests"
_MOST_PENDING_IN_COOKIE: Final = 20
_REQUEST_ID: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_RENEWAL: Final = re.compile(r"[0-9]{1,6}", re.ASCII)
_COOKIE_ENTRY: Final = re.compile(
    r"\[([0-9]{1,15}),[^\[\],]*,[^\[\],]*,([^\[\]]{0,120})\]", re.ASCII
)


class Fields(Mapping[str, str]):
    """Parameters whose names do not care about case; of equal names the first one counts."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            self._values.setdefault(name.casefold(), value)

    def __getitem__(self, name: str) -> str:
        return self._values[name.casefold()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def text(self, name: str) -> str:
        """Return the value, or nothing."""
        return self._values.get(name.casefold(), "")


def wants_der(enc: str) -> bool:
    """Only `bin` means DER; `b64`, `DER` and nothing at all mean base64 (contract rule 4)."""
    return enc.strip().casefold() == "bin"


def is_ca_certificate(raw_id: str) -> bool:
    """Whether `ReqID` names the CA's own certificate."""
    return raw_id.strip().casefold() == "cacert"


def is_root_certificate(raw_id: str) -> bool:
    """Whether `ReqID` names the root above the CA: a word of ours, the original has none."""
    return raw_id.strip().casefold() == "caroot"


def request_id(raw_id: str) -> int | None:
    """Read a ReqID; whatever is not a plain number is an unknown request (contract 1.4)."""
    text = raw_id.strip()
    return int(text) if _REQUEST_ID.fullmatch(text) else None


def renewal(raw: str) -> int | None:
    """Read `Renewal`; -1, absent and junk mean the newest (contract 1.8)."""
    text = raw.strip()
    return int(text) if _RENEWAL.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """One line of the cookie by which a browser remembers what it waits for."""

    request_id: int
    friendly_type: str


def read_pending_cookie(value: str) -> tuple[PendingEntry, ...]:
    """Read the decoded cookie `Requests`; it gives no rights, so junk is skipped.

    Source: certsrv-contract section 1.5.
    """
    found = {
        int(match[1]): PendingEntry(int(match[1]), match[2])
        for match in _COOKIE_ENTRY.finditer(value)
    }
    return tuple(found.values())[-_MOST_PENDING_IN_COOKIE:]


def write_pending_cookie(entries: Iterable[PendingEntry]) -> str:
    """Write the entries as ``[id,flags,save,type]`` one after the other, not yet quoted."""
    kept = tuple(entries)[-_MOST_PENDING_IN_COOKIE:]
    return "".join(
        f"[{entry.request_id},0,yes,{_plain(entry.friendly_type)[:60]}]" for entry in kept
    )


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9 .:/()-]", "", text)


def template_of_option(value: str) -> str:
    """Return the template name in an option value, or in a bare name that a script put there."""
    fields = value.split(";")
    return fields[1].strip() if len(fields) > 1 else fields[0].strip()


def attribute_text(typed: str, option: str) -> str:
    """Join the chosen template and the typed lines, as the page's script does (contract 1.3).

    Of equal names the first counts, so the choice in the list stands before what was typed.
    """
    name = template_of_option(option)
    return f"CertificateTemplate:{name}\r\n{typed}" if name else typed


def position(raw: str) -> int:
    """Read the place in the list of CA certificates, counted from the newest."""
    text = raw.strip()
    return int(text) if _RENEWAL.fullmatch(text) else 0


def as_text(raw: bytes) -> str:
    """Return an uploaded request as text for the box: as it is, or in base64 when it is binary."""
    if raw.isascii() and b"\x00" not in raw:
        return raw.decode("ascii")
    return encodebytes(raw).decode("ascii")
