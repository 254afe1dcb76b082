"""The gallery: hostile values by what they try, and how they are written into requests."""

from __future__ import annotations

import unicodedata
from typing import Final

from enrollment.ca import der

# Found on a page, it shows that the value came through: nothing is proven by a page without it.
MARK: Final = "zq7"
HARMLESS: Final = "Harmless zq7"

GALLERY: Final = {
    "script": "<script>document.title='run'</script>zq7",
    "script that ends another": "</script><script>document.title='run'//zq7",
    "picture with a handler": "<img src=x onerror=\"document.title='run'\">zq7",
    "attribute breaker": '" onmouseover="document.title=\'run\'" autofocus x="zq7',
    "attribute breaker, single quotes": "' onfocus='document.title=1' autofocus x='zq7",
    "comment and title breaker": "--></title></textarea></style><svg onload=alert(1)>zq7",
    "address of a script": "javascript:document.title='run'//zq7",
    "template language": "{{ 7|add:'7' }}{% load i18n %}{# zq7",
    "entity": "&lt;script&gt;&amp;&#60;zq7",
    "format string": "%s%n%(asctime)s{0}{settings}$" + "{jndi:ldap://x}zq7",
    "SQL": "'; DROP TABLE enrollment_certificate; --zq7",
    "path": "../../../etc/passwd/zq7",
    "header breaker": 'a"; filename="evil.exe\r\nSet-Cookie: a=b\r\n\r\nzq7',
    "parameter of RFC 5987": "x'; filename*=UTF-8''evil.exe;zq7",
    "formula": "=cmd|'/c calc'!A0 zq7",
    "formula after a blank": " =HYPERLINK(1) zq7",
    "formula with plus": "+1+1 zq7",
    "formula with minus": "-2+3 zq7",
    "formula with at": "@SUM(1) zq7",
    "formula after a tabulator": "\t=1+1 zq7",
    "formula, wide": "\uff1d1+1 zq7",
    "NUL": "zq7\x00.example.com",
    "new line": "zq7\nroot signed in\r\nand again",
    "line separators": "zq7\u2028a\u2029b\x85c",
    "terminal escape": "zq7\x1b[2J\x1b]0;owned\x07\x9b31m",
    "right to left override": "zq7\u202efdp.exe",
    "isolates": "zq7\u2066\u2067\u2069\u200f",
    "zero width": "z\u200bq7 zq7\u200d\u2060\ufeff",
    "blanks that are none": "zq7\u00a0\u3164\u2800\u3000x",
    "combining tower": "zq7e" + "\u0301" * 60,
    "tag characters": "zq7\U000e0041\U000e0042",
    "homograph": "\u0430pple-zq7.com",
    "homograph in one script": "\u0430\u0440\u0440\u04cf\u0435.zq7.com",
    "wide letters": "\uff41dmin zq7",
    "Punycode": "xn--pple-43d.zq7.com",
    "private use": "zq7\ue000\uf8ff",
    "half a character": "zq7\ud800",
    "no UTF-8": "zq7\udcff\udcfe",
    "long": "zq7" + "W" * 61,
    "too long": "zq7" + "W" * 5000,
}


def octets(value: str) -> bytes:
    """Write a value as UTF-8, or as the octets that are none where it stands for such."""
    if any(0xDC80 <= ord(sign) <= 0xDCFF for sign in value):
        return value.encode("utf-8", "surrogateescape")
    return value.encode("utf-8", "surrogatepass")


def utf8(value: str) -> bytes:
    """Return the value as UTF8String, whatever its octets."""
    return der.tlv(der.UTF8_STRING, octets(value))


def storable(value: str) -> str:
    """Return the value as a database and a directory can hold it."""
    return value.encode("utf-8", "replace").decode().replace("\x00", "")


# Blanks in text and lines in source are Django's and ours.
_ALLOWED: Final = frozenset("\n\r\t \u00a0")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NOTHING: Final = frozenset("\u3164\u2800\u034f\u115f\u1160\uffa0")


def hidden_in(text: str) -> set[str]:
    """Return the characters of a text that hide, reorder or separate."""
    return {
        f"U+{ord(sign):04X}"
        for sign in set(text)
        if sign not in _ALLOWED and (unicodedata.category(sign) in _HIDDEN or sign in _NOTHING)
    }
