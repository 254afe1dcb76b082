"""The `Name:Value` lines that travel beside a request.

They choose a template and little else. Nothing in them is identity: a requester writes them.

Source: MS-WCCE 2.2.2.7.10, 3.2.1.4.2.1.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

MAX_CHARACTERS: Final = 16_384
MAX_LINES: Final = 256

_LINE_ENDS: Final = re.compile(r"[\r\n\x00]+")
_DROPPED_FROM_NAMES: Final = str.maketrans("", "", " -\t\u00a0")


def normalize_name(name: str) -> str:
    """Fold an attribute name: case, blanks and minus signs do not count."""
    return name.translate(_DROPPED_FROM_NAMES).casefold()


class RequestAttributes(Mapping[str, str]):
    """The lines as a mapping; any spelling of a name finds its value.

    The first of two equal names wins, so that nothing appended later can change a choice.
    """

    __slots__ = ("_values",)

    def __init__(self, pairs: Mapping[str, str] | None = None) -> None:
        self._values: dict[str, str] = {}
        for name, value in (pairs or {}).items():
            self._values.setdefault(normalize_name(name), value)

    def __getitem__(self, name: str) -> str:
        return self._values[normalize_name(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"RequestAttributes({self._values!r})"

    @property
    def template_name(self) -> str | None:
        """The common name or object identifier after `CertificateTemplate:`, if any."""
        return self._values.get("certificatetemplate")


def parse_request_attributes(text: str) -> RequestAttributes:
    r"""Read ``Name:Value`` lines, separated by any run of ``\r`` and ``\n``.

    A line without a colon, a name or a value is skipped, not refused. Blanks and minus signs inside
    a name do not count, so ``Certificate-Template`` names the same attribute as
    ``CertificateTemplate``. That the first of two equal names wins is our choice, as is the bound:
    what lies beyond 16,384 characters or 256 lines is not read.

    Source: MS-WCCE 3.2.1.4.2.1.2.
    """
    values: dict[str, str] = {}
    for name, value in _pairs(text):
        values.setdefault(normalize_name(name), value)
    return RequestAttributes(values)


def readable_lines(text: str) -> str:
    """Return the lines that are attributes, one below the other; the rest is nobody's to keep.

    Somebody may paste a private key into the wrong box.
    """
    return "\n".join(f"{name}:{value}" for name, value in _pairs(text))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in _LINE_ENDS.split(text[:MAX_CHARACTERS], maxsplit=MAX_LINES)[:MAX_LINES]:
        raw_name, _, raw_value = line.partition(":")
        # Whatever blank stands around them: what is kept must read again as what was decided on.
        name, value = raw_name.strip(), raw_value.strip()
        if normalize_name(name) and value:
            yield name, value
