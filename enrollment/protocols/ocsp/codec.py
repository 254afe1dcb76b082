"""The GET form of a request: base64 in the path, as clients and proxies really send it."""

from __future__ import annotations

import base64
import binascii
from typing import Final
from urllib.parse import unquote

# RFC 9919 sends POST above 255 octets; nobody needs more in a path.
_LONGEST_PATH: Final = 4096


def request_in_path(path: str) -> bytes:
    """Return the request that follows ``/ocsp/``, in DER; empty when there is none.

    Slash, plus and equals signs come encoded, raw or encoded twice; the padding may be missing,
    and a blank is a plus that somebody decoded as a form.
    """
    if len(path) > _LONGEST_PATH:
        return b""
    text = unquote(path).replace(" ", "+").strip("/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
