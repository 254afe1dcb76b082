"""Where a key is, as one line of text: `keys/ca-1.pem`, `file:/srv/ca.pem`, `pkcs11:token=…`.

Source: RFC 7512 section 2.3 for the form of `pkcs11:`; we read `token` and `object` of it. The
module and the PIN are settings: a row in the database must not choose a library to load.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from enrollment.keys.errors import UnknownKeyReference

_FILE: Final = "file:"
_TOKEN: Final = "pkcs11:"  # noqa: S105 - a prefix
_LONGEST: Final = 255
# RFC 7512 section 2.3, pk11-path-res-avail beside the unreserved characters.
_PLAIN: Final = ":[]@!$'()*+,=&"


@dataclass(frozen=True, slots=True)
class FileReference:
    """A key in a file; a relative path counts from the home."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class TokenReference:
    """A key that stays on a token."""

    token: str
    label: str

    def __str__(self) -> str:
        token, label = (quote(text, safe=_PLAIN) for text in (self.token, self.label))
        return f"{_TOKEN}token={token};object={label}"


def parse(text: str) -> FileReference | TokenReference:
    """Read a reference.

    Raises:
        UnknownKeyReference: with the form that is wanted.
    """
    if not 0 < len(text) <= _LONGEST or not text.isprintable():
        raise UnknownKeyReference("A key reference is one line of 1 to 255 printable characters.")
    if text.startswith(_TOKEN):
        return _token(text)
    return FileReference(text.removeprefix(_FILE))


def _token(text: str) -> TokenReference:
    fields = dict(
        field.partition("=")[::2] for field in text.removeprefix(_TOKEN).split(";") if field
    )
    if set(fields) != {"token", "object"} or not all(fields.values()):
        raise UnknownKeyReference(
            f"{text!r} does not name a key on a token; write pkcs11:token=NAME;object=LABEL with "
            "nothing beside these two (module and PIN are settings)."
        )
    return TokenReference(unquote(fields["token"]), unquote(fields["object"]))
