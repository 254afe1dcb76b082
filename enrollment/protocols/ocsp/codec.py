"""The GET form of a request: base64 in the path, as clients and proxies really send it."""

from __future__ import annotations

import base64
import binascii
from itertools import combinations_with_replacement, islice
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

# RFC 9919 sends POST above 255 octets; nobody needs more in a path.
_LONGEST_PATH: Final = 4096
_NO_REQUEST: Final = (b"",)
_SEQUENCE: Final = 0x30
_LONG: Final = 0x80
_HEADER: Final = 8
# How many slashes are looked for, and at how many places.
_MOST_FOLDED: Final = 3
_MOST_READINGS: Final = 64


def requests_in_path(path: str) -> tuple[bytes, ...]:
    """Return what may follow ``/ocsp/``, in DER: nearly always one request.

    Slash, plus and equals signs come encoded, raw or encoded twice; the padding may be missing,
    and a blank is a plus that somebody decoded as a form. Proxies make one slash of two: then the
    length that DER begins with says how many are missing, and every place where they could have
    been is one reading.

    Returns:
        One reading or more; empty octets where it is none at all.
    """
    if len(path) > _LONGEST_PATH:
        return _NO_REQUEST
    whole = "".join(unquote(path).replace(" ", "+").splitlines())
    text, _, padding = whole.lstrip("/").partition("=")
    if padding.strip("=/"):
        return _NO_REQUEST
    missing = _length_said(text) - len(text)
    if missing < 0:
        # A slash at the end: of the path, or the last sign of the request.
        return _decoded(text[:missing] if not text[missing:].strip("/") else text)
    if 0 < missing <= _MOST_FOLDED:
        readings = islice(_unfolded(text, missing), _MOST_READINGS)
        return tuple(reading for text in readings for reading in _decoded(text)) or _NO_REQUEST
    return _decoded(text)


def _decoded(text: str) -> tuple[bytes, ...]:
    try:
        return (base64.b64decode(text + "=" * (-len(text) % 4), validate=True),)
    except (binascii.Error, ValueError):
        return _NO_REQUEST


def _length_said(text: str) -> int:
    """Return how many signs of base64 the value has that begins so; what is there, if unclear."""
    (header,) = _decoded(text[:_HEADER])
    if len(header) < _HEADER * 3 // 4 or header[0] != _SEQUENCE or header[1] == _LONG:
        return len(text)
    octets = 2 + header[1]
    if header[1] > _LONG:
        count = header[1] - _LONG
        octets = 2 + count + int.from_bytes(header[2 : 2 + count], "big")
    return -(-octets * 4 // 3)


def _unfolded(text: str, missing: int) -> Iterator[str]:
    """Yield the text with `missing` more slashes, each beside one that is there."""
    places = [place for place, sign in enumerate(text) if sign == "/"]
    for chosen in combinations_with_replacement(places, missing):
        parts = [sign + "/" * chosen.count(place) for place, sign in enumerate(text)]
        yield "".join(parts)
