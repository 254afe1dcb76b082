"""Many certificates revoked at once, beside the same ones each in a transaction of its own.

Both leave one audit event for each certificate and one published list.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final

from benchmarks import site
from benchmarks.measure import table

if TYPE_CHECKING:
    from enrollment.models import Certificate

_MANY: Final = 1_000
_LOOK_UPS: Final = 2_000


def run() -> None:
    """Measure on a site of its own, and print."""
    found = site.measured_apart("benchmarks.revocation", ca_key="rsa:3072")
    look_up = found.pop("look-up")
    rows = [
        (name, f"{seconds:.2f}", f"{seconds / _MANY * 1e3:.2f}") for name, seconds in found.items()
    ]
    print(f"## {_MANY:,} certificates revoked by one order, SQLite, CA RSA 3072\n")
    print(table(("way", "seconds with the list", "ms each"), rows))
    print(f"\n- whether a key was lost: {look_up * 1e6:.0f} microseconds a look-up\n")


def measure() -> dict[str, float]:
    """Revoke twice a thousand certificates; seconds by way."""
    import django  # noqa: PLC0415 - this process is for that

    django.setup()
    from enrollment.services import knowledge, revocation  # noqa: PLC0415 - after the settings

    batches = {
        "a hundred to a transaction": revocation._BATCH,  # noqa: SLF001 - what is measured
        "a transaction each": 1,
    }
    found = {}
    for at, (name, size) in enumerate(batches.items()):
        rows = _certificates(at)
        revocation._BATCH = size  # type: ignore[misc]  # noqa: SLF001 - as above
        found[name] = _revoke(rows)
    start = time.perf_counter()
    for number in range(_LOOK_UPS):
        knowledge.lost_key(f"{number:064x}")
    return found | {"look-up": (time.perf_counter() - start) / _LOOK_UPS}


def _revoke(rows: list[Certificate]) -> float:
    from django.utils import timezone  # noqa: PLC0415 - after the settings

    from enrollment.ca.revocation import Act, Reason  # noqa: PLC0415 - after the settings
    from enrollment.services import revocation  # noqa: PLC0415 - after the settings

    revoker = revocation.Revoker("benchmark", may_revoke=True)
    order = revocation.Order(Act.REVOKE, Reason.SUPERSEDED)
    start = time.perf_counter()
    done = revocation.change_status(rows, order, revoker, now=timezone.now())
    spent = time.perf_counter() - start
    if len(done.changed) != _MANY or done.crl_number is None:
        raise RuntimeError(done.problem or f"only {len(done.changed)} changed")
    return spent


def _certificates(at: int) -> list[Certificate]:
    """Issue one certificate, and copy its rows a thousand times under other numbers."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - after the settings
    from django.contrib.auth.models import User  # noqa: PLC0415 - after the settings
    from django.utils import timezone  # noqa: PLC0415 - after the settings

    from benchmarks.http import request_pem  # noqa: PLC0415 - after the settings
    from enrollment.models import Certificate, EnrollmentRequest  # noqa: PLC0415 - as above
    from enrollment.services import directory, enroll  # noqa: PLC0415 - after the settings

    requester = directory.requester_of(User.objects.get(username="admin"))
    pem = request_pem(ec.generate_private_key(ec.SECP256R1()), f"many{at}.example.com")
    submission = enroll.Submission(pem.encode(), "CertificateTemplate:WebServer", requester, "web")
    request = enroll.enroll(submission, now=timezone.now())
    original = request.certificate
    if original is None:
        raise RuntimeError(request.detail)
    copies, requests = [], []
    for number in range(_MANY):
        copy = Certificate.objects.get(pk=original.pk)
        name = f"{at + 1:x}{number:08x}"
        copy.pk, copy.serial_number, copy.thumbprint_sha256 = None, name, name
        copies.append(copy)
    stored = Certificate.objects.bulk_create(copies)
    for copy in stored:
        beside = EnrollmentRequest.objects.get(pk=request.pk)
        beside.pk, beside.certificate = None, copy
        requests.append(beside)
    EnrollmentRequest.objects.bulk_create(requests)
    return stored


if __name__ == "__main__":
    print(json.dumps(measure()))
