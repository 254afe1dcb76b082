"""The log: one line per event on standard error, whatever is in it."""

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from typing import Any, Final

from enrollment.conf_web import Web
from enrollment.serving.trace import current

_UNHANDLED: Final = logging.getLogger("enrollment.unhandled")


class OneLine(logging.Formatter):
    """Write a record, its trace included, as one line without control characters.

    A line a requester could break would let them write lines of their own.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self.default_msec_format = "%s.%03d"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the base's name
        """Return the line without a trace, and the request it belongs to."""
        trace = current.get()
        text = super().formatMessage(record)
        return text if trace is None else f"{text} (request {trace.request})"

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one printable line."""
        text = super().format(record)
        return "".join(_printable(character) for character in text.replace("\n", " | "))


class JsonLine(logging.Formatter):
    """Write a record as one JSON object in ASCII, on one line: nothing in it moves a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        at = datetime.fromtimestamp(record.created, UTC)
        facts: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        trace = current.get()
        if trace is not None:
            facts |= trace.facts()
        facts |= getattr(record, "facts", {})
        if record.exc_info:
            facts["trace"] = self.formatException(record.exc_info)
        # JSON leaves DEL as it is.
        return json.dumps(facts, ensure_ascii=True, default=str).replace("\x7f", "\\u007f")


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def catch_all() -> None:
    """Let warnings, and what nobody caught, come to the log like everything else."""
    logging.captureWarnings(capture=True)

    def unhandled(kind: Any, value: Any, trace: Any) -> None:  # noqa: ANN401  # the hook's signature
        if not issubclass(kind, KeyboardInterrupt):
            _UNHANDLED.critical("nobody caught this", exc_info=(kind, value, trace))

    def told(given: Any) -> None:  # noqa: ANN401  # of two hooks
        unhandled(given.exc_type, given.exc_value, given.exc_traceback)

    sys.excepthook = unhandled
    threading.excepthook = told
    sys.unraisablehook = told


def configuration(web: Web) -> dict[str, object]:
    """Return the logging set-up of every process, for `logging.config.dictConfig`."""
    form = JsonLine if web.log_format == "json" else OneLine
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{form.__module__}.{form.__name__}"}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line", "level": "INFO"}
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "enrollment": {"level": "INFO"},
            "enrollment.access": {"level": "INFO" if web.access_log else "CRITICAL"},
            "django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            # Every HEAD of a stranger would write a line: Django leaves the body to the server.
            "gunicorn.http.wsgi": {"level": "ERROR"},
            "gunicorn.error": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            # A refusal is an answer, not an event of the operator's.
            "django.request": {"level": "ERROR"},
            # Nor are a foreign host and a form with too many fields, which any stranger sends.
            "django.security": {"level": "CRITICAL"},
        },
    }
