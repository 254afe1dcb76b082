"""What has to be done again and again while the site runs: one thread per worker, one at work.

A file lock picks the one worker that does it; when that worker dies, the next look finds the lock
free. The acts themselves are services and decide whether anything is due.
"""

import fcntl
import logging
import secrets
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import connections
from django.utils import timezone

from enrollment import conf
from enrollment.services import (
    audit_log,
    crl_rows,
    issuance,
    lockout,
    ntlm_accounts,
    publication,
    published,
    reports,
    responders,
    site_certificate,
    tally,
)

log = logging.getLogger(__name__)

# Shorter than the overlap of two lists, which is 15 minutes at least: a plain web server sends what
# lies in the folder, and on every node that must be a list that has not ended.
EVERY_SECONDS = 600.0
# The first turn comes soon, so that what is wrong is told; by then the listeners answer.
FIRST_SECONDS = 15.0
LOCK_NAME = "housekeeping.lock"

Act = Callable[[datetime], object]
ACTS: tuple[tuple[str, Act], ...] = (
    ("interrupted requests", issuance.recover),
    ("site certificate", site_certificate.ensure),
    ("OCSP responders", responders.ensure_all),
    ("certificate revocation lists", publication.keep_published),
    ("published files", published.keep),
    ("octets of ended lists", crl_rows.drop_ended),
    ("wrong passwords", lockout.forget_old),
    ("counts for metrics", tally.advance),
    ("accounts for NTLM", lambda now: ntlm_accounts.end_where_not_allowed(now=now)),
    ("audit log", lambda _now: audit_log.catch_up()),
    # The last: it judges what the others did.
    ("condition", reports.keep_fresh),
)


def start() -> threading.Thread:
    """Start the thread of this process; it ends with the process."""
    thread = threading.Thread(target=_for_ever, name="housekeeping", daemon=True)
    thread.start()
    return thread


def run_once(now: datetime) -> bool:
    """Do what is due, unless another process is doing it.

    Returns:
        Whether this process did it.
    """
    with (conf.current().home / LOCK_NAME).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        for name, act in ACTS:
            _do(name, act, now)
        return True


def _do(name: str, act: Act, now: datetime) -> None:
    try:
        act(now)
    except Exception:
        # One act that fails must not keep the others from being done, nor end the thread.
        log.exception("housekeeping failed: %s", name)


def _for_ever() -> None:
    pause = threading.Event()
    seconds = FIRST_SECONDS
    while True:
        # Not all workers at the same second.
        pause.wait(seconds * (0.9 + secrets.randbelow(200) / 1000))
        run_once(timezone.now())
        connections.close_all()
        seconds = EVERY_SECONDS
