"""Passphrases as commands get them: from a file, from the settings, or typed where somebody is."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from enrollment import conf
from enrollment.management.output import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable


def from_file(name: str) -> str:
    """Return the text in a file, without the end of its line."""
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise Refusal(f"{name} cannot be read: {reason}.") from error
    return text.rstrip("\r\n")


def backup_passphrase(file: str | None, *, new: bool) -> str:
    """Return the passphrase of an archive; empty where nobody says one.

    Args:
        file: what was named on the command line.
        new: it is chosen now: somebody who types it types it twice.
    """
    if file is not None:
        return from_file(file)
    found = conf.current().backup_passphrase.read()
    if found or not sys.stdin.isatty():
        return found
    typed = getpass.getpass("Passphrase of the backup: ")
    if new and getpass.getpass("The same again: ") != typed:
        raise Refusal("The two are not the same. Nothing was written.")
    return typed


def key_passphrase() -> str:
    """Return the passphrase of the keys in an archive; empty where nobody says one."""
    if conf.current().key_passphrase.read() or not sys.stdin.isatty():
        return ""
    return getpass.getpass("Passphrase of the CA keys: ")


def identities(files: Iterable[str]) -> str:
    """Return what stands in identity files of age."""
    return "\n".join(from_file(name) for name in files)
