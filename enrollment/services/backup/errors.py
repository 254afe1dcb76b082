"""What keeps a backup from being made, read or restored, in sentences for the operator."""

from __future__ import annotations


class BackupFault(Exception):
    """Nothing was done, or not all of it; the text says what to do."""


class BackupRefused(BackupFault):
    """What was asked for would do harm."""


class ArchiveUnreadable(BackupFault):
    """The file is no backup, was altered or cut short, or does not open with what was given."""


class NotWhole(BackupFault):
    """The backup opens, and something in it is not as it should be."""


class PassphraseTooShort(BackupFault):
    """Whoever holds the file could guess the passphrase."""


class WorkInProgress(BackupFault):
    """Another command works on a backup of this home."""
