"""Names that look like others: letters of other scripts, wide and stylish letters, Punycode.

A manager decides by what can be read, and `\u0430pple.com` with a Cyrillic first letter reads as
`apple.com`. Nothing is refused here; what a name really is stands beside it.

Source: Unicode Technical Standard 39 section 5.1 (mixed scripts); RFC 3492 (Punycode); RFC 5890
section 2.3.2.1 (A-labels).
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from enrollment.ca.names import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST: Final = 2_000
_MOST_WORDS: Final = 200
_MOST_TOLD: Final = 3
_MOST_SIGNS: Final = 4
# What stands between the words of a subject or a sentence; a name is one word.
_WORD: Final = re.compile(r"[^\s,;:=+/()<>\[\]{}\"'\\]+")
_PREFIX: Final = "xn--"
_LATIN: Final = "LATIN"


def doubts(texts: Iterable[str]) -> tuple[str, ...]:
    """Return a sentence for each word that is not what it looks like; each once, a few of many."""
    found = dict.fromkeys(note for text in texts for note in _notes(text))
    told = list(found)[:_MOST_TOLD]
    rest = len(found) - len(told)
    return (*told, f"and {rest} more") if rest else tuple(told)


def told(text: str) -> str:
    """Return `text` for a person: hidden characters by number, and what is odd about its words."""
    if text.isascii() and _PREFIX not in text.casefold():
        return visible(text)
    notes = doubts([text])
    return f"{visible(text)} [{'; '.join(notes)}]" if notes else visible(text)


def _notes(text: str) -> list[str]:
    if text.isascii() and _PREFIX not in text.casefold():
        return []
    words = _WORD.findall(text[:_LONGEST])[:_MOST_WORDS]
    return [note for word in words if (note := _note(word))]


def _note(word: str) -> str:
    is_ascii = word.isascii()
    if is_ascii and _PREFIX not in word.casefold():
        return ""
    read = _decoded(word) if is_ascii else word
    if not read:
        return f"{visible(word)} is no name in any script"
    is_name = is_ascii or "." in word or "@" in word
    if not is_name and not _is_mixed(read):
        return ""
    other = read if is_ascii else _encoded(read)
    shown = visible(word)
    beside = "" if other in {word, ""} else f" is {visible(other)}"
    return f"{shown}{beside}: {_signs(read)}"


def _decoded(word: str) -> str:
    """Return a name as browsers may draw it; empty when its Punycode is none."""
    try:
        return ".".join(map(_decoded_label, word.casefold().split(".")))
    except UnicodeError:
        return ""


def _decoded_label(label: str) -> str:
    if not label.startswith(_PREFIX):
        return label
    return label[len(_PREFIX) :].encode("ascii").decode("punycode")


def _encoded(word: str) -> str:
    """Return a name as it would stand in the DNS; empty where it is an account or has none."""
    if "@" in word or "." not in word:
        return ""
    return ".".join(
        label if label.isascii() else _PREFIX + label.encode("punycode", "replace").decode()
        for label in unicodedata.normalize("NFC", word.lower()).split(".")
    )


def _is_mixed(word: str) -> bool:
    """Whether Latin letters stand beside others, or letters are drawn like plain ones."""
    scripts = {_script(sign) for sign in word if sign.isalpha()}
    if _LATIN in scripts and len(scripts) > 1:
        return True
    return any(
        sign.isalpha() and not sign.isascii() and unicodedata.normalize("NFKC", sign).isascii()
        for sign in word
    )


def _script(sign: str) -> str:
    """Return the first word of a letter's name in Unicode, which is its script, nearly always."""
    return unicodedata.name(sign, "UNNAMED").partition(" ")[0]


def _signs(word: str) -> str:
    """Name the characters that are not ASCII."""
    odd = list(dict.fromkeys(sign for sign in word if not sign.isascii()))
    words = [
        f"{visible(sign)} is U+{ord(sign):04X} {unicodedata.name(sign, 'without a name')}"
        for sign in odd[:_MOST_SIGNS]
    ]
    if len(odd) > _MOST_SIGNS:
        words.append(f"{len(odd) - _MOST_SIGNS} more")
    return ", ".join(words) or "plain letters"
