"""Keytabs as a KDC writes them, without a KDC.

Source: https://web.mit.edu/kerberos/krb5-latest/doc/formats/keytab_file_format.html
"""

from __future__ import annotations

from typing import Final

HEAD: Final = b"\5\2"


def entry(principal: str) -> bytes:
    """Return one entry of a keytab, with a key of zeros."""
    name, _, realm = principal.partition("@")
    parts = name.split("/")
    key = bytes(4) + bytes(4) + b"\1" + (18).to_bytes(2) + (32).to_bytes(2) + bytes(32)
    content = len(parts).to_bytes(2) + b"".join(map(_counted, [realm, *parts])) + key
    return len(content).to_bytes(4) + content


def _counted(text: str) -> bytes:
    return len(text).to_bytes(2) + text.encode()
