"""The log: one line per event on standard error, whatever is in it."""

import logging


class OneLine(logging.Formatter):
    """Write a record, its trace included, as one line without control characters.

    A line a requester could break would let them write lines of their own.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self.default_msec_format = "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one printable line."""
        text = super().format(record)
        return "".join(_printable(character) for character in text.replace("\n", " | "))


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def configuration() -> dict[str, object]:
    """Return the logging set-up of every process, for `logging.config.dictConfig`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "enrollment.serving.log.OneLine"}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line", "level": "INFO"}
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "enrollment": {"level": "INFO"},
            "django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "gunicorn.error": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            # A refusal is an answer, not an event of the operator's.
            "django.request": {"level": "ERROR"},
            "django.security": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
        },
    }
