"""The CAs above ours, today: they sign what ours asks for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.utils import timezone

from enrollment.ca import encode
from enrollment.services import installation, subordinate
from enrollment.services.installation import GivenFile
from tests.ca import parents
from tests.ca.parents import YEAR, Parent

if TYPE_CHECKING:
    from enrollment.models import AuthorityRequest
    from enrollment.services.installation import Installed

DAY = timedelta(days=1)


def root(common_name: str = "Example Root", number: int = 70, **spoiled: Any) -> Parent:
    """Return a root that is valid today."""
    now = timezone.now().replace(microsecond=0)
    return parents.root(
        common_name, number, **{"begin": now - DAY, "end": now + 20 * YEAR, **spoiled}
    )


def policy_ca(above: Parent, **spoiled: Any) -> Parent:
    """Return a CA below a root, valid today."""
    now = timezone.now().replace(microsecond=0)
    return parents.policy_ca(above, **{"begin": now - DAY, "end": now + 10 * YEAR, **spoiled})


def ask(*, new_key: bool = False) -> AuthorityRequest:
    """Have our CA make its request."""
    return subordinate.request(new_key=new_key, actor="test", now=timezone.now()).row


def sign(parent: Parent, asked: AuthorityRequest, **spoiled: Any) -> x509.Certificate:
    """Sign a request of our CA, five years from today."""
    csr = x509.load_der_x509_csr(bytes(asked.der))
    now = timezone.now().replace(microsecond=0)
    subject = spoiled.pop("subject", csr.subject)
    settings = {"begin": now, "end": now + 5 * YEAR, **spoiled}
    return parents.certificate(csr.public_key(), subject, parent.subject, parent.key, **settings)


def file(*certificates: x509.Certificate | Parent, name: str = "answer.pem") -> GivenFile:
    """Return a file with certificates in PEM."""
    loaded = [each.certificate if isinstance(each, Parent) else each for each in certificates]
    bundle = encode.pem_bundle(each.public_bytes(Encoding.DER) for each in loaded)
    return GivenFile(name, bundle.encode())


def install(*certificates: x509.Certificate | Parent, chain: GivenFile | None = None) -> Installed:
    """Install an answer."""
    return installation.install(file(*certificates), chain, actor="test", now=timezone.now())
