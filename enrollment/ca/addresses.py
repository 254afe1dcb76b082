"""Where a CA's certificates and lists are fetched: Microsoft's file names as addresses.

Source: ms-facts section (d.8); certsrv-contract section 1.13; MS-WCCE 3.1.1.4.1.1.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

_REPLACED: Final = frozenset("!\"#%&'()*+,/:;<=>?[\\]^`{|}")
_FIRST_PRINTABLE: Final = 0x20
_LAST_PRINTABLE: Final = 0x7E


def sanitized_name(name: str) -> str:
    """Return %3: every character that no file system or directory likes becomes ``!xxxx``."""
    return "".join(
        f"!{unit:04x}" if chr(unit) in _REPLACED or not _is_plain(unit) else chr(unit)
        for unit in _utf16_units(name)
    )


def _is_plain(unit: int) -> bool:
    return _FIRST_PRINTABLE <= unit <= _LAST_PRINTABLE


def _utf16_units(text: str) -> list[int]:
    octets = text.encode("utf-16-be")
    return [int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2)]


def suffix(index: int) -> str:
    """Return %4 or %8: nothing for the first, ``(1)`` and so on after it."""
    return f"({index})" if index else ""


def certificate_file(hostname: str, name: str, index: int) -> str:
    """Return the file name of a CA certificate, ``%1_%3%4.crt``."""
    return f"{hostname}_{sanitized_name(name)}{suffix(index)}.crt"


def crl_file(name: str, key_index: int, *, delta: bool = False) -> str:
    """Return the file name of a CRL, ``%3%8%9.crl``."""
    return f"{sanitized_name(name)}{suffix(key_index)}{'+' if delta else ''}.crl"


def address(site: str, file_name: str) -> str:
    """Return the address of a published file.

    Args:
        site: scheme and host, ``http://ca.example.com``, without a slash at the end.
    """
    return f"{site}/CertEnroll/{quote(file_name, safe='()')}"
