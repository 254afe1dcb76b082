"""Two judges that are Python libraries: cryptography, for every kind of key, and pkilint."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from pkilint import loader, pkix
from pkilint.pkix import certificate, extension, name
from pkilint.pkix import crl as pkilint_crl
from pkilint.pkix import ocsp as pkilint_ocsp
from pkilint.validation import ValidationFindingSeverity

from tests import relying
from tests.relying import GOOD, REVOKED, UNKNOWN, Folder, Verdicts

if TYPE_CHECKING:
    from pathlib import Path


def verdicts(folder: Folder, base: Path, delta: Path) -> dict[str, Verdicts]:
    """Read lists and answers, and check their signatures; by judge and name."""
    bases, deltas = ({scope(one): one for one in load(folder, path)} for path in (base, delta))
    together = {where: combined(one, deltas[where]) for where, one in bases.items()}
    listed = {entry.serial_number for one in bases.values() for entry in one}
    return {
        "library, base": _listed(folder, listed),
        "library, base and delta": _listed(folder, set().union(*together.values())),
        "library, ocsp": {name: answer_of(folder, name) for name in folder.leaves},
    }


def _listed(folder: Folder, serials: set[int]) -> Verdicts:
    return {
        name: REVOKED if leaf.serial_number in serials else GOOD
        for name, leaf in folder.leaves.items()
    }


def load(folder: Folder, path: Path) -> list[x509.CertificateRevocationList]:
    """Read lists that the CA of the folder signed."""
    ca = x509.load_pem_x509_certificate(folder.ca.read_bytes())
    found = folder.lists_in(path)
    assert all(one.is_signature_valid(cast("Any", ca.public_key())) for one in found)
    return found


def scope(crl: x509.CertificateRevocationList) -> bytes:
    """Return which certificates a list speaks for; nothing for all of the key."""
    try:
        point = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    except x509.ExtensionNotFound:
        return b""
    assert point.critical
    return point.value.public_bytes()


def combined(
    base: x509.CertificateRevocationList, delta: x509.CertificateRevocationList
) -> set[int]:
    """Return what stands on a base list after its delta (RFC 5280 section 5.2.4)."""
    serials = {entry.serial_number for entry in base}
    for entry in delta:
        try:
            reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
        except x509.ExtensionNotFound:
            reason = x509.ReasonFlags.unspecified
        if reason is x509.ReasonFlags.remove_from_crl:
            serials.discard(entry.serial_number)
        else:
            serials.add(entry.serial_number)
    return serials


def ask(folder: Folder, name: str) -> bytes:
    """Ask by SHA-256 with POST, and return the answer in DER."""
    ca = x509.load_pem_x509_certificate(folder.ca.read_bytes())
    leaf = folder.leaves[name]
    question = ocsp.OCSPRequestBuilder().add_certificate(leaf, ca, hashes.SHA256()).build()
    return relying.fetch(relying.ocsp_address(leaf), question.public_bytes(Encoding.DER))


def signer_of(answer: bytes) -> x509.Certificate:
    """Return the certificate that comes with an answer."""
    (signer,) = ocsp.load_der_ocsp_response(answer).certificates
    return signer


def answer_of(folder: Folder, name: str) -> str:
    """Ask, check both signatures, and return what is said."""
    octets = ask(folder, name)
    answer, signer = ocsp.load_der_ocsp_response(octets), signer_of(octets)
    signer.verify_directly_issued_by(x509.load_pem_x509_certificate(folder.ca.read_bytes()))
    key = signer.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(hashes.SHA256()))
    assert answer.serial_number == folder.leaves[name].serial_number
    return {
        ocsp.OCSPCertStatus.GOOD: GOOD,
        ocsp.OCSPCertStatus.REVOKED: REVOKED,
        ocsp.OCSPCertStatus.UNKNOWN: UNKNOWN,
    }[answer.certificate_status]


@cache
def _crl_rules() -> Any:
    return pkilint_crl.create_pkix_crl_validator_container(
        [
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [
            pkilint_crl.create_issuer_validator_container([]),
            pkilint_crl.create_validity_validator_container([]),
            pkilint_crl.create_extensions_validator_container([]),
        ],
    )


@cache
def _answer_rules() -> Any:
    return pkilint_ocsp.create_pkix_ocsp_response_validator_container(
        [
            pkilint_ocsp.create_response_decoder(),
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [],
    )


@cache
def _signer_rules() -> Any:
    return certificate.create_pkix_certificate_validator_container(
        certificate.create_decoding_validators(
            name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS
        ),
        [
            certificate.create_issuer_validator_container([]),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container([]),
            certificate.create_extensions_validator_container([]),
            certificate.create_spki_validator_container([]),
        ],
    )


def lint_crl(crl: x509.CertificateRevocationList) -> list[str]:
    """Return what pkilint finds in a list."""
    document = loader.load_der_crl(crl.public_bytes(Encoding.DER), "list", "list")
    return _findings(_crl_rules(), document)


def lint_answer(answer: bytes) -> list[str]:
    """Return what pkilint finds in an OCSP response."""
    document = loader.load_der_ocsp_response(answer, "answer", "answer")
    return _findings(_answer_rules(), document)


def lint_signer(der: bytes) -> list[str]:
    """Return what pkilint finds in the certificate of an answer's signer."""
    return _findings(_signer_rules(), loader.load_der_certificate(der, "signer", "signer"))


def _findings(rules: Any, document: Any) -> list[str]:
    return [
        f"{found.finding.code}: {found.message}"
        for result in rules.validate(document.root)
        for found in result.finding_descriptions
        if found.finding.severity <= ValidationFindingSeverity.WARNING
        # It wants a dot in every host name; ours is this machine.
        and not (
            found.finding.code == "pkix.invalid_uri_syntax" and "//localhost:" in found.message
        )
    ]
