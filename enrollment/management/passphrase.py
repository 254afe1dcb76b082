"""Ask for the passphrase of the keys, where somebody is there to answer."""

from __future__ import annotations

import getpass
import sys

from django.core.management.base import CommandError

from enrollment.services import keyring


def ask() -> None:
    """Ask when a key in use is encrypted, no passphrase is set, and there is a terminal.

    Raises:
        CommandError: what was typed does not open the keys.
    """
    if not sys.stdin.isatty():
        return
    waiting = keyring.locked_keys()
    if not waiting:
        return
    try:
        keyring.unlock(getpass.getpass(f"Passphrase of {', '.join(waiting)}: "))
    except keyring.KeyProblem as error:
        raise CommandError(str(error)) from error
