#!/usr/bin/env python3
"""Django's entry for commands; nothing of ours in it."""

import os
import sys


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "certsrv.settings")
    from django.core.management import execute_from_command_line  # noqa: PLC0415  # after the default

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
