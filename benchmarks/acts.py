"""One act in a process of its own, timed, with the most memory it had: prints one line of JSON.

`python -m benchmarks.acts publish | alone | revoke SERIAL`, with the environment of a site.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from collections.abc import Callable


def publish() -> Callable[[], object]:
    """Do what a publication does: read, build, sign, store and write the files."""
    from django.utils import timezone  # noqa: PLC0415 - Django is set up first

    from enrollment.services import publication  # noqa: PLC0415 - as above

    return lambda: publication.publish(now=timezone.now(), actor="benchmark")


def alone() -> Callable[[], object]:
    """Do what `cryptography` alone does with the same entries, which are in memory already."""
    from cryptography import x509  # noqa: PLC0415 - beside the others
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - as above
        Encoding,
        load_pem_private_key,
    )

    from enrollment import conf  # noqa: PLC0415 - Django is set up first
    from enrollment.models import Authority, Certificate  # noqa: PLC0415 - as above
    from enrollment.services import authority  # noqa: PLC0415 - as above

    row = Authority.objects.get()
    ca = authority.issuer_of(row).certificate
    key = load_pem_private_key((conf.current().home / row.key_reference).read_bytes(), None)
    reasons = {
        1: x509.ReasonFlags.key_compromise,
        4: x509.ReasonFlags.superseded,
        5: x509.ReasonFlags.cessation_of_operation,
    }
    rows = Certificate.objects.filter(revoked_at__isnull=False).order_by()
    entries = [
        (int(serial, 16), revoked_at, reasons.get(reason or 0))
        for serial, revoked_at, reason in rows.values_list(
            "serial_number", "revoked_at", "revocation_reason"
        ).iterator(chunk_size=10_000)
        if revoked_at is not None
    ]

    def build() -> bytes:
        lines = []
        for serial, revoked_at, reason in entries:
            line = x509.RevokedCertificateBuilder().serial_number(serial)
            line = line.revocation_date(revoked_at)
            if reason is not None:
                line = line.add_extension(x509.CRLReason(reason), critical=False)
            lines.append(line.build())
        # All at once: added one by one, they take the square of the time.
        builder = x509.CertificateRevocationListBuilder(
            ca.subject, ca.not_valid_before_utc, ca.not_valid_after_utc, [], lines
        )
        builder = builder.add_extension(x509.CRLNumber(1), critical=False)
        made = builder.sign(key, hashes.SHA256())  # type: ignore[arg-type]  # a CA's key
        return made.public_bytes(Encoding.DER)

    return build


def revoke(serial: str) -> Callable[[], object]:
    """Revoke one certificate and publish what that needs."""
    from django.utils import timezone  # noqa: PLC0415 - Django is set up first

    from enrollment.ca.revocation import Act, Reason  # noqa: PLC0415 - as above
    from enrollment.services import revocation  # noqa: PLC0415 - as above

    row = revocation.find(serial)
    order = revocation.Order(Act.REVOKE, Reason.KEY_COMPROMISE)
    who = revocation.Revoker("benchmark", may_revoke=True)
    return lambda: revocation.change_status([row], order, who, now=timezone.now())


def _peak() -> float:
    """Return the most memory of this process, in MiB; `getrusage` would count its parent's, too."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def main(words: list[str]) -> None:
    """Do one act and print what it took."""
    django.setup()
    act = {"publish": publish, "alone": alone, "revoke": revoke}[words[0]](*words[1:])  # type: ignore[operator]  # each takes what follows
    begin, start, used = time.time(), time.perf_counter(), time.process_time()
    act()
    found = {
        "begin": begin,
        "seconds": time.perf_counter() - start,
        # Neighbors count little in it; waiting for the disk counts nothing.
        "processor": time.process_time() - used,
        "mib": _peak(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main(sys.argv[1:])
