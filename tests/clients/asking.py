"""What the owners of these clients do: make a request, ask with curl."""

import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tests.live import LiveSite, clean_environment
from tests.tools import require


def request_pem(name: str, *, bits: int | None = None) -> str:
    """Return a request for a server's name; with an RSA key of `bits`, or a good EC key."""
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if bits is None:
        key = ec.generate_private_key(ec.SECP256R1())
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return request.public_bytes(serialization.Encoding.PEM).decode()


def curl(site: LiveSite, *words: str, **environment: str) -> tuple[str, str]:
    """Ask a site with curl, which trusts it; return status and page."""
    trusting = (require("curl"), "-sS", "--cacert", str(site.ca_file))
    done = subprocess.run(
        [*trusting, "-w", "\n%{http_code}", *words],
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page, _, status = done.stdout.rpartition("\n")
    return status, page
