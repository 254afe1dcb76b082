"""A process of a node that does what it is told, over and over, without starting anew each time.

Run as `python -m tests.postgresql.driver` in the environment of a node: orders as JSON lines on
standard input, answers as JSON lines on standard output. What it does, it does through the
services, as the web processes and the commands of that node do.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.postgresql.factor_acts import codes, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.live import LiveSite


class Driver:
    """The near end: one process of a node."""

    def __init__(self, site: LiveSite) -> None:
        from tests.live import ROOT

        with (site.home / "driver.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.postgresql.driver"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
                env=site.environment,
            )

    def begin(self, act: str, **order: Any) -> None:
        """Give an order and do not wait."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"act": act, **order}) + "\n")
        self.process.stdin.flush()

    def end(self) -> Any:
        """Wait for the answer to the order before."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the driver is gone; its log is driver.log in the home of its node"
        answer = json.loads(line)
        assert "fault" not in answer, answer["fault"]
        return answer["result"]

    def do(self, act: str, **order: Any) -> Any:
        """Give an order and wait for its answer."""
        self.begin(act, **order)
        return self.end()

    def stop(self) -> None:
        """Let the process end, whatever it does."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


def at_once(drivers: list[Driver], act: str, **order: Any) -> list[Any]:
    """Let several processes do the same thing at the same time."""
    moment = time.time() + 0.2
    for driver in drivers:
        driver.begin(act, at=moment, **order)
    return [driver.end() for driver in drivers]


def main() -> None:
    """Carry out every order on standard input."""
    import os
    import traceback

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "certsrv.settings")
    import django

    django.setup()
    for line in sys.stdin:
        order = json.loads(line)
        act = ACTS[order.pop("act")]
        time.sleep(max(0.0, order.pop("at", 0.0) - time.time()))
        try:
            answer = {"result": act(**order)}
        except Exception:  # noqa: BLE001 - the near end wants to read it
            answer = {"fault": traceback.format_exc()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


# --- what can be ordered ---


def people() -> None:
    """Add the cast of a live site."""
    from django.contrib.auth.models import Group, User

    from enrollment.services import people as service
    from tests.live import PASSWORD, PEOPLE

    for name, groups in PEOPLE.items():
        user = User.objects.create_user(name, password=PASSWORD)
        user.groups.set(Group.objects.filter(name__in=groups))
        service.mark(user)


def issue(count: int, threads: int = 1) -> list[tuple[int, str]]:
    """Submit requests that are issued at once; return ids and serial numbers."""

    def one(number: int) -> tuple[int, str]:
        row = _submit(f"host{number}.example.com", "WebServer")
        assert row.certificate is not None, row.detail
        return row.pk, row.certificate.serial_number

    return _in_threads(one, count, threads)


def contend(names: list[str], requester: str, template: str) -> list[str]:
    """Ask for the same names as others do at this moment; return what became of each."""
    return [_submit(name, template, requester).state.name for name in names]


def limit(template: str, in_all: int) -> None:
    """Let a template be issued so many times more."""
    from enrollment.models import Certificate, Template

    given = Certificate.objects.filter(template_name=template).count()
    Template.objects.filter(name=template).update(limit_in_all=in_all and given + in_all)


def ask(count: int) -> list[int]:
    """Submit requests that wait."""
    return [_submit(f"code{number}", "CodeSigning").pk for number in range(count)]


def look(ids: list[int], reviewer: str) -> dict[int, str]:
    """Look at waiting requests as a reviewer does; return the digests of what was shown."""
    from django.utils import timezone

    from enrollment.services import review

    del reviewer
    return {pk: review.prepare_review(pk, now=timezone.now()).digest for pk in ids}


def decide(digests: dict[str, str], reviewer: str, verb: str) -> dict[int, str]:
    """Issue or deny each request; return what became of it, a refusal by its name."""
    from django.utils import timezone

    from enrollment.services import review

    who = review.Reviewer(reviewer, may_review=True)
    found = {}
    for pk, digest in digests.items():
        now = timezone.now()
        try:
            if verb == "issue":
                review.approve(int(pk), who, digest=digest, now=now)
            else:
                review.deny(int(pk), who, reason="no", now=now)
        except review.DecisionRefused as refusal:
            found[int(pk)] = type(refusal).__name__
        else:
            found[int(pk)] = verb
    return found


def standing(ids: list[int]) -> dict[int, tuple[str, int]]:
    """Return where requests stand, and how many certificates were ever signed for each."""
    from enrollment.models import AuditEvent, EnrollmentRequest

    return {
        row.pk: (
            row.state.name,
            AuditEvent.objects.filter(verb="signed", subject=f"request {row.pk}").count(),
        )
        for row in EnrollmentRequest.objects.filter(pk__in=ids)
    }


def change_slowly(serial_number: str, seconds: float) -> None:
    """Revoke a certificate in a transaction that ends only after a while."""
    from enrollment.services import revocation

    def tell(*_: Any) -> None:
        sys.stdout.write(json.dumps({"result": "changed, not committed"}) + "\n")
        sys.stdout.flush()
        time.sleep(seconds)

    revocation._tell_trail = tell  # type: ignore[assignment]  # noqa: SLF001 - for this process only
    change(serial_number, "revoke")


def publish_at(days: float, base: bool) -> int:  # noqa: FBT001 - from JSON
    """Publish as if it were so many days later."""
    from datetime import timedelta

    from django.utils import timezone

    from enrollment.services import publication

    return publication.publish(now=timezone.now() + timedelta(days=days), actor="test", base=base)


def publish(count: int, threads: int) -> list[int]:
    """Publish from several threads at once; return the numbers."""
    from django.utils import timezone

    from enrollment.services import publication

    return _in_threads(
        lambda turn: publication.publish(now=timezone.now(), actor="test", base=turn % 3 != 0),
        count,
        threads,
    )


def change(serial_number: str, verb: str) -> int | None:
    """Revoke, hold or release a certificate; return the number of the list that says so."""
    from django.utils import timezone

    from enrollment.ca.revocation import Act
    from enrollment.services import revocation

    outcome = revocation.change_status(
        [revocation.find(serial_number)],
        revocation.Order(Act(verb)),
        revocation.Revoker("manager", may_revoke=True),
        now=timezone.now(),
    )
    assert not outcome.problem, outcome.problem
    return outcome.crl_number


def wander(serial_numbers: list[str], steps: int, seed: int) -> int:
    """Revoke, hold, release and publish at random; return how many acts were legal."""
    from django.utils import timezone

    from enrollment.services import publication

    chance = random.Random(seed)  # noqa: S311 - to be repeated
    legal = 0
    for _ in range(steps):
        act = chance.choice(["revoke", "hold", "hold", "release", "release", "base", "delta"])
        if act in ("base", "delta"):
            publication.publish(now=timezone.now(), actor="test", base=act == "base")
        else:
            legal += change(chance.choice(serial_numbers), act) is not None
    return legal


def lists() -> list[dict[str, Any]]:
    """Return every list that was published, in the order in which they were begun."""
    from enrollment.models import CertificateRevocationList

    return [
        {
            "number": row.number,
            "delta": row.is_delta,
            "base": row.base_number,
            "key": row.authority.key_index,
            "der": bytes(row.content.der).hex() if row.sha256 else "",
        }
        for row in CertificateRevocationList.objects.order_by("pk").select_related("authority")
    ]


def statuses(serial_numbers: list[str]) -> dict[str, int | None]:
    """Return the reason for which each certificate stands on lists; None for those that do not."""
    from enrollment.models import Certificate

    rows = Certificate.objects.filter(serial_number__in=serial_numbers)
    return {row.serial_number: row.revocation_reason for row in rows}


def recover(seconds: float) -> int:
    """Finish interrupted requests again and again, as many starts at once would."""
    from django.utils import timezone

    from enrollment.services import issuance

    until, finished = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        finished += len(issuance.recover(timezone.now()))
    return finished


def keep(seconds: float) -> None:
    """Hold the publishers' lock."""
    from enrollment.services import locks

    with locks.exclusive("crl"):
        sys.stdout.write(json.dumps({"result": "holding"}) + "\n")
        sys.stdout.flush()
        time.sleep(seconds)


def rows() -> dict[str, Any]:
    """Return what there is one of, or should be."""
    from django.contrib.auth.models import User

    from enrollment.models import Authority, Certificate, Responder, SigningRecord, Template
    from enrollment.services import audit

    return {
        "authorities": list(Authority.objects.order_by("index").values_list("index", "key_index")),
        "responders": Responder.objects.count(),
        "templates": Template.objects.count(),
        "users": User.objects.count(),
        "certificates": Certificate.objects.count(),
        "unsigned": SigningRecord.objects.exclude(state=SigningRecord.State.SIGNED).count(),
        "audit is whole": audit.verify().is_whole,
    }


def _submit(common_name: str, template: str, requester: str = "alice") -> Any:
    from django.contrib.auth.models import User
    from django.utils import timezone

    from enrollment.services import directory, enroll
    from tests import make

    raw = make.request_pem(common_name, kind="ec:p256")
    asker = directory.requester_of(User.objects.get(username=requester))
    submission = enroll.Submission(raw, f"CertificateTemplate:{template}", asker, "web")
    return enroll.enroll(submission, now=timezone.now())


def _in_threads(act: Callable[[int], Any], count: int, threads: int) -> list[Any]:
    from django.db import connections

    ready = threading.Barrier(threads)

    def share(first: int) -> list[Any]:
        ready.wait()
        try:
            return [act(number) for number in range(first, count, threads)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        return [result for part in pool.map(share, range(threads)) for result in part]


ACTS: dict[str, Callable[..., Any]] = {
    act.__name__: act
    for act in (
        people, issue, ask, look, decide, standing, publish, publish_at, change, change_slowly,
        wander, lists, statuses, recover, keep, rows, contend, limit, codes, show,
    )
}  # fmt: skip


if __name__ == "__main__":
    main()
