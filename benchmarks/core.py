"""Core issuance for each kind of CA key, beside what `cryptography` needs for the bare minimum.

The floor is parse, verify, build, sign with the builders of `cryptography`, the same extensions and
no checks. Ours is everything the core does except lint: tolerant parsing, key and name checks,
the content composed, one signature, and that signature verified before anybody sees it.
"""

from __future__ import annotations

import cProfile
import io
import pstats
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from benchmarks.measure import compare, seconds_per_call, table
from enrollment.ca import algorithms, builtin, issuance, lint, root
from enrollment.ca.policy import Requester
from enrollment.ca.request import parse_certification_request
from enrollment.keys import KINDS, kinds
from enrollment.keys.file import FileSigner

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

    Lint = Callable[[bytes, bytes], tuple[lint.Finding, ...]]

NOW: Final = datetime.now(UTC).replace(microsecond=0)
BACKDATE: Final = timedelta(minutes=10)
REQUESTER: Final = Requester("alice", groups=frozenset({"Enrollees"}))
WEB_SERVER: Final = next(
    template
    for template in builtin.builtin_templates("1.3.6.1.4.1.311.21.8.1.2.3.4.5.6")
    if template.name == "WebServer"
)

_CRL: Final = "http://ca.example.com/CertEnroll/Example%20CA.crl"
_CERTIFICATE: Final = "http://ca.example.com/CertEnroll/ca.example.com_Example%20CA.crt"
_DIGESTS: Final[dict[str, hashes.HashAlgorithm]] = {
    "rsa": hashes.SHA256(),
    "ec:p256": hashes.SHA256(),
    "ec:p384": hashes.SHA384(),
    "ec:p521": hashes.SHA512(),
}
_APPLICATION_POLICIES: Final = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("1.3.6.1.4.1.311.21.10"), bytes.fromhex("300c300a06082b06010505070301")
)


def request_der(key: CertificateIssuerPrivateKeyTypes) -> bytes:
    """Make a request as `openssl req` would: three attributes and two DNS names."""
    subject = [
        (NameOID.COUNTRY_NAME, "DE"),
        (NameOID.ORGANIZATION_NAME, "Example"),
        (NameOID.COMMON_NAME, "www.example.com"),
    ]
    names = [x509.DNSName("www.example.com"), x509.DNSName("example.com")]
    has_hash = isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(*pair) for pair in subject]))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256() if has_hash else None)
    )
    return request.public_bytes(Encoding.DER)


def make_issuer(signer: FileSigner) -> issuance.Issuer:
    """Make a root for a key, with the addresses that certificates carry."""
    certificate = root.self_signed(
        "Example CA",
        signer,
        serial_number=1,
        now=NOW,
        backdate=BACKDATE,
        lifetime=timedelta(days=3650),
        is_enterprise=True,
    )
    return issuance.Issuer(
        x509.load_der_x509_certificate(certificate),
        crl_addresses=(_CRL,),
        certificate_addresses=(_CERTIFICATE,),
    )


def no_lint(_tbs: bytes, _algorithm: bytes) -> tuple[lint.Finding, ...]:
    """Find nothing: stands where lint is left out."""
    return ()


def ours(
    content: bytes, issuer: issuance.Issuer, signer: FileSigner, check: Lint = no_lint
) -> bytes:
    """Issue as the services do, without database."""
    prepared = issuance.prepare(
        parse_certification_request(content),
        WEB_SERVER,
        issuer,
        REQUESTER,
        serial_number=x509.random_serial_number(),
        now=NOW,
        backdate=BACKDATE,
        check=check,
    )
    return issuance.sign(prepared, issuer, signer)


def floor(
    content: bytes,
    ca: x509.Certificate,
    key: CertificateIssuerPrivateKeyTypes,
    digest: Any,  # noqa: ANN401 - a hash or None
) -> bytes:
    """Parse, verify, build and sign, with `cryptography` alone and no check at all."""
    request = x509.load_der_x509_csr(content)
    if not request.is_signature_valid:
        raise ValueError("the request is not proven")
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    public_key = request.public_key()
    usage = x509.KeyUsage(True, False, True, False, False, False, False, False, False)  # noqa: FBT003 - the order of RFC 5280
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(ca.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - BACKDATE)
        .not_valid_after(NOW + WEB_SERVER.validity)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.MSCertificateTemplate(x509.ObjectIdentifier("1.3.6.1.4.1.311.21.8.1.16"), 4, 1),
            critical=False,
        )
        .add_extension(_APPLICATION_POLICIES, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
        .add_extension(_locations(x509.CRLDistributionPoints, _CRL), critical=False)
        .add_extension(_locations(x509.AuthorityInformationAccess, _CERTIFICATE), critical=False)
        .add_extension(names, critical=False)
    )
    return builder.sign(key, digest).public_bytes(Encoding.DER)


def _locations(kind: Any, address: str) -> Any:  # noqa: ANN401 - one of two extension classes
    uri = x509.UniformResourceIdentifier(address)
    if kind is x509.CRLDistributionPoints:
        return kind([x509.DistributionPoint([uri], None, None, None)])
    return kind([x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, uri)])


def run() -> None:
    """Print the table of CA key kinds, the request being RSA 2048."""
    content = request_der(kinds.make("rsa:2048"))
    rows = []
    for kind in KINDS:
        key = kinds.make(kind)
        signer = FileSigner(key)
        issuer = make_issuer(signer)
        digest = _DIGESTS.get(kind.split(":")[0], _DIGESTS.get(kind))
        pair = compare(
            lambda: floor(content, issuer.certificate, key, digest),  # noqa: B023 - called at once
            lambda: ours(content, issuer, signer),  # noqa: B023 - called at once
        )
        with_lint = seconds_per_call(lambda: ours(content, issuer, signer, lint.lint))  # noqa: B023 - called at once
        rows.append(
            (
                kind,
                f"{1 / pair.floor:,.0f}",
                f"{1 / pair.ours:,.0f}",
                f"{pair.ratio:.0%}",
                f"{1 / with_lint:,.0f}",
            )
        )
    print("## Core issuance, one core, request RSA 2048, certificates per second\n")
    print(table(("CA key", "cryptography alone", "core without lint", "ratio", "with lint"), rows))
    print()
    _print_phases(content)


def run_lint() -> None:
    """Print how many certificates can be judged in a second."""
    content = request_der(kinds.make("rsa:2048"))
    rows = []
    for kind in KINDS:
        signer = FileSigner(kinds.make(kind))
        issuer = make_issuer(signer)
        tbs = x509.load_der_x509_certificate(ours(content, issuer, signer)).tbs_certificate_bytes
        algorithm = algorithms.by_identifier(signer.signature_algorithm)
        lint.warm_up(algorithm.identifier)
        seconds = seconds_per_call(lambda: lint.lint(tbs, algorithm.identifier))  # noqa: B023 - called at once
        rows.append((kind, f"{seconds * 1e3:.2f}", f"{1 / seconds:,.0f}"))
    print("## Lint under a throw-away signature, one core\n")
    print(table(("CA key", "ms", "per second"), rows))
    print()


def _print_phases(content: bytes) -> None:
    """Show where the time of an issue without database goes, RSA 3072, by phase."""
    signer = FileSigner(kinds.make("rsa:3072"))
    issuer = make_issuer(signer)
    request = parse_certification_request(content)

    def prepare(check: Lint) -> issuance.PreparedCertificate:
        return issuance.prepare(
            request,
            WEB_SERVER,
            issuer,
            REQUESTER,
            serial_number=1 << 120,
            now=NOW,
            backdate=BACKDATE,
            check=check,
        )

    prepared = prepare(no_lint)
    phases = {
        "parse and prove": lambda: parse_certification_request(content),
        "prepare": lambda: prepare(no_lint),
        "lint": lambda: lint.lint(prepared.tbs, prepared.signature_algorithm),
        "sign and verify": lambda: issuance.sign(prepared, issuer, signer),
    }
    rows = [(name, f"{seconds_per_call(act) * 1e6:,.0f}") for name, act in phases.items()]
    print("## Where the time of the core goes, CA RSA 3072\n")
    print(table(("phase", "microseconds"), rows))
    print()


def profile(calls: int = 500) -> str:
    """Profile the core without lint, for whoever wants to make it faster."""
    content = request_der(kinds.make("rsa:2048"))
    signer = FileSigner(kinds.make("ec:p256"))
    issuer = make_issuer(signer)
    ours(content, issuer, signer)
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(calls):
        ours(content, issuer, signer)
    profiler.disable()
    text = io.StringIO()
    pstats.Stats(profiler, stream=text).sort_stats("tottime").print_stats(30)
    return text.getvalue()
