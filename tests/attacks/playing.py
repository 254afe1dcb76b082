"""How an attacker asks, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from django.utils import timezone

from enrollment.ca.disposition import Disposition
from enrollment.models import EnrollmentRequest
from enrollment.services import review
from enrollment.services.review import Reviewer
from tests import make, renewals
from tests.web.conftest import Visitor

if TYPE_CHECKING:
    from collections.abc import Sequence

ALICE_SID: Final = "S-1-5-21-1-2-3-1104"
BOB_SID: Final = "S-1-5-21-1-2-3-500"
# What a new site offers; the first three are issued at once, to Alice with names of her own.
PUBLISHED: Final = ("WebServer", "User", "Machine", "CodeSigning", "SubCA")
AT_ONCE: Final = PUBLISHED[:3]
MARIA: Final = Reviewer("maria", may_review=True)


@dataclass(frozen=True)
class Answer:
    """A request as the CA has it after it was answered."""

    row: EnrollmentRequest

    @property
    def is_issued(self) -> bool:
        """Whether Alice may fetch a certificate now."""
        return self.row.state is Disposition.ISSUED

    @property
    def waits(self) -> bool:
        """Whether a certificate manager decides."""
        return self.row.state is Disposition.UNDER_SUBMISSION

    @property
    def certificate(self) -> x509.Certificate:
        """What was issued."""
        assert self.row.certificate is not None, self.row.detail
        return x509.load_der_x509_certificate(bytes(self.row.certificate.der))

    def approved(self) -> Answer:
        """Let a certificate manager issue it, as shown."""
        now = timezone.now()
        seen = review.prepare_review(self.row.pk, now=now)
        review.approve(self.row.pk, MARIA, digest=seen.digest, now=now)
        return Answer(EnrollmentRequest.objects.get(pk=self.row.pk))


class Attacker:
    """A program of somebody's, that posts what it likes."""

    def __init__(self, name: str) -> None:
        self.visitor = Visitor(name)

    def ask(
        self,
        template: str,
        *,
        names: Sequence[x509.GeneralName] = (),
        extensions: Sequence[x509.ExtensionType] = (),
        attributes: str = "",
        raw: bytes | None = None,
    ) -> Answer:
        """Post a request, by default one without any harm in it."""
        if raw is None:
            wanted: list[Any] = [*extensions]
            if names:
                wanted.append(x509.SubjectAlternativeName(names))
            raw = make.request_pem(
                "mine.example.com", kind="ec:p256", extensions=[(one, False) for one in wanted]
            )
        lines = f"CertificateTemplate:{template}\r\n{attributes}"
        before = EnrollmentRequest.objects.count()
        text = raw if raw.startswith(b"-----") else renewals.pem(raw)
        response = self.visitor.submit(text, template, CertAttrib=lines)
        assert response.status_code == 200
        assert EnrollmentRequest.objects.count() == before + 1
        return Answer(EnrollmentRequest.objects.select_related("certificate").latest("pk"))


def names_in(certificate: x509.Certificate) -> list[x509.GeneralName]:
    """Return the alternative names of a certificate."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return list(found.value)


def octets_of(certificate: x509.Certificate, oid: str) -> bytes | None:
    """Return an extension as it stands in a certificate; None when it does not."""
    try:
        found = certificate.extensions.get_extension_for_oid(ObjectIdentifier(oid))
    except x509.ExtensionNotFound:
        return None
    return found.value.public_bytes()


def purposes_of(certificate: x509.Certificate) -> set[str]:
    """Return the extended key usages of a certificate, as numbers."""
    found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    return {oid.dotted_string for oid in found.value}


SERVER: Final = ExtendedKeyUsageOID.SERVER_AUTH.dotted_string
CLIENT: Final = ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string
ANY_PURPOSE: Final = "2.5.29.37.0"
AGENT: Final = "1.3.6.1.4.1.311.20.2.1"
SMART_CARD: Final = "1.3.6.1.4.1.311.20.2.2"
# What each template is for, and nothing that a request says changes it.
PURPOSES: Final = {
    "WebServer": {SERVER},
    "User": {"1.3.6.1.4.1.311.10.3.4", "1.3.6.1.5.5.7.3.4", CLIENT},
    "Machine": {CLIENT, SERVER},
    "CodeSigning": {"1.3.6.1.5.5.7.3.3"},
}


def unknown(oid: str, value: bytes) -> x509.UnrecognizedExtension:
    """Return an extension by its number and octets."""
    return x509.UnrecognizedExtension(ObjectIdentifier(oid), value)
