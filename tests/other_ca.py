"""Another CA than ours, whose certificates people show to sign in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from enrollment.ca import der
from enrollment.ca.names import UPN_OID
from tests import make

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER = ExtendedKeyUsageOID.SERVER_AUTH
_CA_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def named(common_name: str) -> x509.Name:
    """Return a name of one part."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def upn(text: str) -> x509.OtherName:
    """Return a user principal name for a SAN."""
    return x509.OtherName(UPN_OID, der.utf8_string(text))


@dataclass(frozen=True)
class OtherCA:
    """A CA with one key; `certificate` is signed by itself or by a CA above."""

    certificate: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes

    @property
    def pem(self) -> bytes:
        """The certificate as a file holds it."""
        return self.certificate.public_bytes(Encoding.PEM)

    def issue(  # noqa: PLR0913 - one keyword for each thing to spoil
        self,
        common_name: str | None = "Dora",
        *,
        names: Sequence[x509.GeneralName] = (),
        usages: Sequence[x509.ObjectIdentifier] | None = (CLIENT,),
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
        days: tuple[int, int] = (-1, 30),
        number: int = 41,
    ) -> x509.Certificate:
        """Issue a certificate, good for signing in unless told otherwise."""
        subject = x509.Name([]) if common_name is None else named(common_name)
        found = list(extensions)
        if names:
            found.append((x509.SubjectAlternativeName(names), common_name is None))
        if usages is not None:
            found.append((x509.ExtendedKeyUsage(usages), False))
        return _sign(self, subject, make.key("ec:p256", number), found, days)


def other_ca(
    name: str = "Other CA", *, number: int = 40, above: OtherCA | None = None, days: int = 365
) -> OtherCA:
    """Make a CA, below another one if it is given."""
    key = make.key("ec:p256", number)
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=True, path_length=None), True),
        (_CA_USAGE, True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    ]
    itself = OtherCA(_sign(None, named(name), key, extensions, (-400, days)), key)
    if above is None:
        return itself
    return OtherCA(_sign(above, named(name), key, extensions, (-400, days)), key)


def _sign(
    issuer: OtherCA | None,
    subject: x509.Name,
    key: CertificateIssuerPrivateKeyTypes,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
    days: tuple[int, int],
) -> x509.Certificate:
    now = datetime.now(UTC)
    signer = issuer.key if issuer else key
    builder = x509.CertificateBuilder(
        issuer.certificate.subject if issuer else subject,
        subject,
        key.public_key(),
        x509.random_serial_number(),
        now + timedelta(days=days[0]),
        now + timedelta(days=days[1]),
    ).add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    return builder.sign(signer, hashes.SHA256())
