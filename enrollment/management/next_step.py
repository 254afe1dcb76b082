"""What the operator of a CA below another one does with a request that waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrollment import conf
from enrollment.ca import names
from enrollment.services import awaited, subordinate

if TYPE_CHECKING:
    from enrollment.models import AuthorityRequest


def next_step(row: AuthorityRequest) -> list[str]:
    """Say where the request is, how it is signed, and what to run then."""
    subject = names.display(subordinate.subject_of(row))
    whose = "a new key" if row.has_new_key else "the key it has"
    return [
        f"The CA “{subject}” waits for its certificate from the CA above it, for {whose}.",
        f"Request:       {conf.current().home / awaited.REQUEST_FILE}",
        f"SHA-256:       {row.digest} (of its DER, to compare at the other end)",
        "",
        "Have it signed there, by the one or the other:",
        "    openssl x509 -req -in ca-request.pem -CA root.pem -CAkey root.key -CAcreateserial \\",
        "        -copy_extensions copy -sha256 -days 1825 -out ca.pem",
        '    certreq -submit -attrib "CertificateTemplate:SubCA" ca-request.pem ca.cer ca.p7b',
        "",
        "Then install what comes back, with the certificates above it up to the root:",
        "    python manage.py ca install ca.pem --chain root.pem",
        "    python manage.py ca install ca.p7b",
    ]
