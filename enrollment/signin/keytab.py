"""The names in a keytab, so that a wrong one is told at the start and not at the first sign-in.

The keys in it are skipped: `gssapi` reads them itself, from the file, for each ticket.

Source: https://web.mit.edu/kerberos/krb5-latest/doc/formats/keytab_file_format.html
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_VERSION: Final = b"\x05\x02"
_MAXIMUM_FILE_BYTES: Final = 1_048_576
_GROUP_AND_OTHERS: Final = 0o077


class KeytabUnusable(Exception):
    """There is no such file, or others may read it, or it holds no key for this site."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a key belongs to."""

    parts: tuple[str, ...]
    realm: str

    def __str__(self) -> str:
        return f"{'/'.join(self.parts)}@{self.realm}"


def service_principal(keytab: str, hostname: str) -> Principal:
    """Return the name under which a keytab knows the site, `HTTP/<hostname>`.

    Windows does not tell upper from lower case in it, and Kerberos does, so the keytab's own
    writing is what counts.

    Raises:
        KeytabUnusable: the keytab does not serve; the text says how to mend it.
    """
    if not keytab:
        raise KeytabUnusable(
            f"There is no keytab. Name the file with the key of HTTP/{hostname} in CERTSRV_KEYTAB."
        )
    path = Path(keytab)
    found = list(dict.fromkeys(_principals(_read_guarded(path), path)))
    wanted = ("http", hostname.casefold())
    for principal in found:
        if tuple(part.casefold() for part in principal.parts) == wanted:
            return principal
    held = ", ".join(map(str, found[:5])) or "nothing"
    raise KeytabUnusable(
        f"The keytab {path} has no key of HTTP/{hostname}; it has {held}. Export the key of "
        f"HTTP/{hostname}, or set CERTSRV_HOSTNAME to the name in the keytab."
    )


def _read_guarded(path: Path) -> bytes:
    """Read through one descriptor, so that what was checked is what is read."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & _GROUP_AND_OTHERS:
                raise KeytabUnusable(
                    f"The keytab {path} has mode {stat.S_IMODE(mode):04o}, so others than its "
                    f"owner could reach its keys; type: chmod 600 {path}"
                )
            return file.read(_MAXIMUM_FILE_BYTES)
    except OSError as error:
        raise KeytabUnusable(
            f"The keytab {path} cannot be read ({error.strerror}). Put it there, readable by the "
            "account that runs the site only, or name another in CERTSRV_KEYTAB."
        ) from error


def _principals(content: bytes, path: Path) -> Iterator[Principal]:
    if not content.startswith(_VERSION):
        raise KeytabUnusable(
            f"The file {path} is no keytab of version 2. Export it with ktutil, kadmin or ktpass."
        )
    rest = content[len(_VERSION) :]
    while len(rest) >= 4:  # noqa: PLR2004  # the length of a length
        # A negative length is a hole that a removed entry left.
        length = int.from_bytes(rest[:4], signed=True)
        if length == 0:
            return
        entry, rest = rest[4 : 4 + abs(length)], rest[4 + abs(length) :]
        if length > 0:
            yield _principal(entry)


def _principal(entry: bytes) -> Principal:
    count, entry = int.from_bytes(entry[:2]), entry[2:]
    texts = []
    # The realm comes first. An entry that is cut short yields empty names, which match nothing.
    for _ in range(min(count, 16) + 1):
        end = 2 + int.from_bytes(entry[:2])
        texts.append(entry[2:end].decode("utf-8", "replace"))
        entry = entry[end:]
    return Principal(tuple(texts[1:]), texts[0])
