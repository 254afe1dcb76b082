"""What is said when a limit is met: to who met it, in the log, and to a monitoring system."""

import logging
import math
import time
from typing import Final

from django.http import HttpRequest, HttpResponse

from enrollment import conf
from enrollment.conf_web import REPORT, Rate
from enrollment.protocols.web import unavailable
from enrollment.services.metrics import Family, Sample
from enrollment.serving.allowances import Counters
from enrollment.serving.balance import MOST_WORKERS
from enrollment.signin import problems

log = logging.getLogger(__name__)

SENTENCES: Final = {
    "strangers": "Your address has asked too often without signing in.",
    "passwords": "Your address has tried too often to sign in to this account.",
    "names": "Too many passwords from your address were wrong.",
    "ids": "Too many request ids were asked for that lead to nothing of yours.",
    "submissions": "Your account sends more requests than this site takes.",
    "open_submissions": "Your address sends more requests than this site takes.",
}
# Who sends these has an account, or is at a stand-alone CA, and a program that reads its pages. Who
# is stopped at the door gets a sentence, which costs us less than what they sent.
_BEHIND_THE_DOOR: Final = frozenset({"ids", "submissions", "open_submissions"})
# A line for each refusal would let whoever is refused fill the disk.
_SAY_EVERY_SECONDS: Final = 60.0

# Made before the workers are forked, as the allowances are.
counters = Counters(tuple(SENTENCES), MOST_WORKERS)
# When each limit was last told of.
said: dict[str, float] = {}


def note(kind: str, key: str, rate: Rate) -> None:
    """Count that a limit was met, and tell the operator once in a while."""
    counters.add(kind)
    now = time.monotonic()
    if now - said.get(kind, -math.inf) < _SAY_EVERY_SECONDS:
        return
    said[kind] = now
    is_report = conf.current().web.limits.mode == REPORT
    log.warning(
        "limit met: %s, %d in %.0f s, by %s%s",
        setting(kind),
        rate.count,
        rate.seconds,
        key,
        "; only reported, since CERTSRV_LIMITS=report" if is_report else "",
    )


def setting(kind: str) -> str:
    """Return the setting that says how much is allowed."""
    return f"CERTSRV_LIMIT_{kind.upper()}"


def answer(request: HttpRequest, kind: str, seconds: float) -> HttpResponse:
    """Say what was too much and how long to wait, in the form the asker reads."""
    wait = max(1, math.ceil(seconds))
    detail, remedy = SENTENCES[kind], f"Wait {wait} {'seconds' if wait > 1 else 'second'}."
    if kind in _BEHIND_THE_DOOR:
        return unavailable.too_many(request, detail, remedy, wait)
    if "text/html" in request.headers.get("Accept", ""):
        response = problems.please_wait(detail, remedy)
    else:
        text = f"{detail} {remedy}\r\n"
        response = HttpResponse(text, status=429, content_type="text/plain; charset=utf-8")
    response["Retry-After"] = str(wait)
    response["Cache-Control"] = "no-store"
    return response


def families() -> list[Family]:
    """Return how often each limit was met on this machine."""
    samples = tuple(Sample(count, {"limit": name}) for name, count in counters.read().items())
    what = "Requests that met a limit on the machine that answers."
    return [Family("certsrv_limited_requests_total", "counter", what, samples)]
