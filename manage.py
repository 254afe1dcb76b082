#!/usr/bin/env python3
"""Django's entry for commands."""

import os
import sys


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "certsrv.settings")
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415  # after the default
    from django.core.management import execute_from_command_line  # noqa: PLC0415  # as above
    from django.db import Error as DatabaseError  # noqa: PLC0415  # as above

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # A wrong setting: its sentence says what to type, a trace would hide it.
        sys.exit(str(error))
    except DatabaseError as error:
        from enrollment.services import outage  # noqa: PLC0415  # needs Django's settings

        sentence = outage.explain(error)
        if sentence is None:
            raise
        sys.exit(sentence)


if __name__ == "__main__":
    main()
