"""Every kind of CA key issues for every kind of request key, and others agree that it is good.

Each judge is asked about all that it can compute; what it cannot is named here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from enrollment.ca import algorithms, builtin, encode, issuance, lint, root
from enrollment.ca.policy import Requester
from enrollment.ca.request import parse_certification_request
from enrollment.keys import KINDS, kinds
from enrollment.keys.file import FileSigner
from tests import tools

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

# The judges read the clock, so the certificates of this test are of today.
NOW = datetime.now(UTC).replace(microsecond=0)
REQUESTER = Requester("alice", groups=frozenset({"Enrollees"}))
WEB_SERVER = next(
    template
    for template in builtin.builtin_templates("1.3.6.1.4.1.311.21.8.1.2.3.4.5.6")
    if template.name == "WebServer"
)
POST_QUANTUM = frozenset({"ml-dsa-44", "ml-dsa-65", "ml-dsa-87"})
REQUEST_KINDS = (*KINDS, "ed448")


@dataclass(frozen=True)
class Authority:
    """A CA of one kind of key, with what it issued by kind of request key."""

    kind: str
    issuer: issuance.Issuer
    signer: FileSigner
    leaves: dict[str, bytes]


@pytest.fixture(scope="session")
def private_keys() -> dict[str, CertificateIssuerPrivateKeyTypes]:
    """One key of each kind, for the CA and for the request alike: making RSA keys is slow."""
    return {kind: kinds.make(kind) for kind in KINDS} | {"ed448": ed448.Ed448PrivateKey.generate()}


@pytest.fixture(scope="session")
def requests(private_keys: dict[str, CertificateIssuerPrivateKeyTypes]) -> dict[str, bytes]:
    return {kind: request_der(kind, key) for kind, key in private_keys.items()}


def request_der(kind: str, key: CertificateIssuerPrivateKeyTypes) -> bytes:
    name = x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{kind.replace(':', '-')}.example.com")
    has_hash = isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([name]))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(str(name.value)), x509.DNSName("localhost")]),
            critical=False,
        )
        .sign(key, hashes.SHA256() if has_hash else None)
    )
    return request.public_bytes(Encoding.DER)


@pytest.fixture(scope="session")
def authorities(
    private_keys: dict[str, CertificateIssuerPrivateKeyTypes], requests: dict[str, bytes]
) -> dict[str, Authority]:
    return {kind: authority(kind, FileSigner(private_keys[kind]), requests) for kind in KINDS}


def authority(kind: str, signer: FileSigner, requests: dict[str, bytes]) -> Authority:
    certificate = root.self_signed(
        f"Example CA {kind}",
        signer,
        serial_number=x509.random_serial_number(),
        now=NOW,
        backdate=timedelta(minutes=10),
        lifetime=timedelta(days=3650),
        is_enterprise=True,
    )
    issuer = issuance.Issuer(
        x509.load_der_x509_certificate(certificate),
        crl_addresses=("http://localhost:8000/CertEnroll/Example%20CA.crl",),
        certificate_addresses=("http://localhost:8000/CertEnroll/localhost_Example%20CA.crt",),
        ocsp_addresses=("http://localhost:8000/ocsp",),
    )
    leaves = {
        request_kind: issuance.sign(prepared(content, issuer), issuer, signer)
        for request_kind, content in requests.items()
    }
    return Authority(kind, issuer, signer, leaves)


def prepared(content: bytes, issuer: issuance.Issuer) -> issuance.PreparedCertificate:
    return issuance.prepare(
        parse_certification_request(content),
        WEB_SERVER,
        issuer,
        REQUESTER,
        serial_number=x509.random_serial_number(),
        now=NOW,
        backdate=timedelta(minutes=10),
    )


@pytest.fixture(scope="session")
def files(authorities: dict[str, Authority], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for each CA, with its certificate and its leaves, in PEM and in DER."""
    base = tmp_path_factory.mktemp("matrix")
    for kind, ca in authorities.items():
        directory = base / file_name(kind)
        directory.mkdir()
        contents = {f"leaf-{file_name(leaf)}": content for leaf, content in ca.leaves.items()}
        contents["ca"] = ca.issuer.der
        for stem, content in contents.items():
            (directory / f"{stem}.der").write_bytes(content)
            (directory / f"{stem}.pem").write_text(encode.pem(content))
    return base


def file_name(kind: str) -> str:
    return kind.replace(":", "-")


@pytest.mark.parametrize("kind", KINDS)
def test_pkilint_finds_nothing_and_the_ca_key_made_the_signature(
    kind: str, authorities: dict[str, Authority]
) -> None:
    ca = authorities[kind]

    for leaf in ca.leaves.values():
        certificate = x509.load_der_x509_certificate(leaf)
        certificate.verify_directly_issued_by(ca.issuer.certificate)
        assert lint.lint(certificate.tbs_certificate_bytes, ca.signer.signature_algorithm) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_says_ok_to_every_leaf(kind: str, files: Path) -> None:
    if kind in POST_QUANTUM and tools.openssl_version() < (3, 5):
        pytest.skip("openssl before 3.5 cannot compute ML-DSA")
    can_read = [
        leaf
        for leaf in sorted((files / file_name(kind)).glob("leaf-*.pem"))
        if "ml-dsa" not in leaf.name or tools.openssl_version() >= (3, 5)
    ]

    answer = tools.run(
        "openssl", "verify", "-x509_strict", "-purpose", "sslserver",
        "-CAfile", files / file_name(kind) / "ca.pem", *can_read,
    )  # fmt: skip

    assert answer.returncode == 0, answer.stdout.decode()
    assert answer.stdout.decode().count(": OK") == len(can_read) >= 8


# What GnuTLS 3.7 cannot compute; newer ones may.
GNUTLS_UNKNOWN = POST_QUANTUM


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in GNUTLS_UNKNOWN])
def test_gnutls_verifies_every_leaf(kind: str, files: Path) -> None:
    directory = files / file_name(kind)
    for leaf in directory.glob("leaf-*.pem"):
        if any(unknown in leaf.name for unknown in GNUTLS_UNKNOWN):
            continue

        answer = tools.run(
            "certtool", "--verify", "--infile", leaf, "--load-ca-certificate", directory / "ca.pem"
        )

        assert answer.returncode == 0, (leaf.name, answer.stdout.decode())
        assert b"Verified. The certificate is trusted." in answer.stdout


@pytest.fixture(scope="session")
def java_verdicts(files: Path) -> dict[tuple[str, str], str]:
    """One start of Java for all certificates; by CA kind and request kind."""
    source = Path(__file__).with_name("Judge.java")
    answer = tools.run("java", source, *(files / file_name(kind) for kind in KINDS))
    assert answer.returncode == 0, answer.stdout.decode()
    verdicts = {}
    for line in answer.stdout.decode().splitlines():
        found = re.match(r"(OK|FAILED) .*/([^/]+)/leaf-([^/]+)\.der(.*)", line)
        assert found, line
        verdicts[found[2], found[3]] = found[1] + found[4]
    return verdicts


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in POST_QUANTUM])
def test_java_validates_every_leaf(kind: str, java_verdicts: dict[tuple[str, str], str]) -> None:
    verdicts = {
        leaf: verdict for (ca, leaf), verdict in java_verdicts.items() if ca == file_name(kind)
    }

    assert set(verdicts) == {file_name(leaf) for leaf in REQUEST_KINDS}
    assert set(verdicts.values()) == {"OK"}, verdicts


def test_every_ca_kind_meets_every_request_kind(authorities: dict[str, Authority]) -> None:
    assert set(authorities) == set(KINDS)
    assert all(set(ca.leaves) == set(REQUEST_KINDS) for ca in authorities.values())


def test_each_kind_of_key_signs_with_its_own_algorithm(authorities: dict[str, Authority]) -> None:
    used = {ca.signer.signature_algorithm for ca in authorities.values()}

    assert used == {algorithm.identifier for algorithm in algorithms.ALL}


def test_a_judge_notices_a_changed_octet(authorities: dict[str, Authority], tmp_path: Path) -> None:
    """A judge that says OK to everything is none."""
    ca = authorities["ec:p256"]
    spoiled = ca.leaves["ec:p384"].replace(b"ec-p384.example.com", b"ec-p385.example.com")
    (tmp_path / "ca.pem").write_text(encode.pem(ca.issuer.der))
    (tmp_path / "leaf.pem").write_text(encode.pem(spoiled))

    answer = tools.run("openssl", "verify", "-CAfile", tmp_path / "ca.pem", tmp_path / "leaf.pem")

    assert answer.returncode != 0
