"""Requests that are none: what the server's parser refuses gets a sentence, and no part of it back.

gunicorn would write what was sent into the answer and into the log, where it may be a password.
"""

import logging
import time
from typing import Any, Final

from gunicorn.http import errors

from enrollment.serving.headers import CONTENT_SECURITY_POLICY
from enrollment.signin import problems

log = logging.getLogger(__name__)

_HEADERS: Final = "One of the lines above the request cannot be read, or contradicts another."
_BODY: Final = "The body of the request does not arrive in the form that its head promises."
_SEND_HTTP: Final = "Send HTTP/1.1 as RFC 9112 has it; every kept client does."
# The first class that fits; none of them tells what was sent.
REFUSALS: Final[tuple[tuple[type[Exception], int, str, str, str], ...]] = (
    (
        errors.LimitRequestLine,
        414,
        "URI Too Long",
        "The address is longer than 8,190 characters.",
        "Send what is long in the body of a POST.",
    ),
    (
        errors.LimitRequestHeaders,
        431,
        "Request Header Fields Too Large",
        "There are more than 64 lines above the request, or one of more than 16 KiB.",
        "Send fewer and shorter ones. In a browser, delete the cookies of this site.",
    ),
    (
        errors.UnsupportedTransferCoding,
        501,
        "Not Implemented",
        "The body comes in a coding that this site does not know.",
        "Send it as it is, or chunked.",
    ),
    (errors.ExpectationFailed, 417, "Expectation Failed", _HEADERS, "Expect 100-continue only."),
    (
        errors.ObsoleteFolding,
        400,
        "Bad Request",
        "One of the lines above the request goes on in the next one.",
        "Write each on one line.",
    ),
    (errors.InvalidHeader, 400, "Bad Request", _HEADERS, _SEND_HTTP),
    (errors.InvalidHeaderName, 400, "Bad Request", _HEADERS, _SEND_HTTP),
    (errors.InvalidChunkSize, 400, "Bad Request", _BODY, _SEND_HTTP),
    (errors.ChunkMissingTerminator, 400, "Bad Request", _BODY, _SEND_HTTP),
    (errors.InvalidChunkExtension, 400, "Bad Request", _BODY, _SEND_HTTP),
    (errors.ParseException, 400, "Bad Request", "This is not HTTP/1.1.", _SEND_HTTP),
)
# A line for each would let a stranger fill the disk.
_SAY_EVERY_SECONDS: Final = 60.0
_said: dict[str, float] = {}


def answer(error: Exception) -> bytes | None:
    """Return the whole answer to what could not be read; None when the fault is ours."""
    if isinstance(error, errors.InvalidResponseHeader | errors.InvalidResponseHeaderName):
        return None
    for kind, status, reason, detail, remedy in REFUSALS:
        if isinstance(error, kind):
            return written(status, reason, problems.plain_page(reason, detail, remedy))
    return None


def written(status: int, reason: str, page: str) -> bytes:
    """Write an answer below Django: status, headers and page."""
    body = page.encode()
    lines = (
        f"HTTP/1.1 {status} {reason}",
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(body)}",
        f"Content-Security-Policy: {CONTENT_SECURITY_POLICY}",
        "X-Content-Type-Options: nosniff",
        "X-Frame-Options: DENY",
        "Referrer-Policy: same-origin",
        "Cache-Control: no-store",
        "Connection: close",
    )
    return "".join(f"{line}\r\n" for line in lines).encode("ascii") + b"\r\n" + body


def note(error: Exception, client: Any) -> None:  # noqa: ANN401  # an address of any family
    """Tell the operator of which kind it was, and from where; once in a while."""
    kind, now = type(error).__name__, time.monotonic()
    if now - _said.get(kind, -_SAY_EVERY_SECONDS) < _SAY_EVERY_SECONDS:
        return
    _said[kind] = now
    log.warning(
        "what %s sent is no request (%s); more of these are not told for a minute",
        client[0] if client else "somebody",
        kind,
    )
