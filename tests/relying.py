"""What relying parties do: fetch what a certificate names, ask for its status, believe or not.

Each judge answers with one word for each certificate: `good`, `revoked`, `unknown`; or with all it
said, when that is none of them.
"""

from __future__ import annotations

import base64
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from enrollment.ca import encode
from tests.tools import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.live import LiveSite

GOOD: Final = "good"
REVOKED: Final = "revoked"
UNKNOWN: Final = "unknown"

Verdicts = dict[str, str]


def enroll(site: LiveSite, request: bytes, *, name: str = "admin") -> x509.Certificate:
    """Ask for a certificate as a script does, and fetch it."""
    form = {
        "Mode": "newreq",
        "CertRequest": request.decode(),
        "CertAttrib": "CertificateTemplate:WebServer",
        "TargetStoreFlags": "0",
        "SaveCert": "yes",
    }
    data = urllib.parse.urlencode(form).encode()
    page = site.fetch("/certsrv/certfnsh.asp", name=name, data=data).decode()
    found = re.search(r"certnew\.cer\?ReqID=(\d+)", page)
    assert found, page
    address = f"/certsrv/certnew.cer?ReqID={found[1]}&Enc=bin"
    return x509.load_der_x509_certificate(site.fetch(address, name=name))


def fetch(url: str, data: bytes | None = None) -> bytes:
    """Fetch an address of this machine, or post to it."""
    assert url.startswith("http://localhost:")
    kind = {"Content-Type": "application/ocsp-request"} if data is not None else {}
    request = urllib.request.Request(url, data=data, headers=kind)  # noqa: S310 - looked at above
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{url}: {error.code} {error.read()!r}") from error


def crl_address(certificate: x509.Certificate) -> str:
    """Return where a certificate says its list is."""
    return _uri(certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value)


def delta_address(crl: x509.CertificateRevocationList) -> str:
    """Return where a list says its delta is."""
    return _uri(crl.extensions.get_extension_for_class(x509.FreshestCRL).value)


def _uri(points: x509.CRLDistributionPoints | x509.FreshestCRL) -> str:
    (point,) = points
    assert point.full_name is not None
    return str(point.full_name[0].value)


def ocsp_address(certificate: x509.Certificate) -> str:
    """Return whom a certificate says to ask."""
    access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    (found,) = [
        entry.access_location.value
        for entry in access
        if entry.access_method == AuthorityInformationAccessOID.OCSP
    ]
    return str(found)


@dataclass(frozen=True)
class Folder:
    """The files of one relying party: a CA it trusts, certificates it looks at, lists it holds."""

    path: Path
    leaves: Mapping[str, x509.Certificate]

    @classmethod
    def make(cls, path: Path, ca: bytes, leaves: Mapping[str, x509.Certificate]) -> Folder:
        """Write the files: `ca` and one for each name, `.pem` and `.der`."""
        path.mkdir(parents=True, exist_ok=True)
        contents = {name: leaf.public_bytes(Encoding.DER) for name, leaf in leaves.items()}
        for name, content in {"ca": ca, **contents}.items():
            (path / f"{name}.der").write_bytes(content)
            (path / f"{name}.pem").write_text(encode.pem(content))
        return cls(path, leaves)

    @property
    def ca(self) -> Path:
        """The certificate of the CA, PEM."""
        return self.path / "ca.pem"

    @property
    def one(self) -> x509.Certificate:
        """Some certificate, for what is the same in all of them."""
        return next(iter(self.leaves.values()))

    def leaf(self, name: str) -> Path:
        """The file of a certificate, PEM."""
        return self.path / f"{name}.pem"

    def keep(self, name: str, *crls: bytes) -> Path:
        """Write lists down, PEM."""
        path = self.path / f"{name}.pem"
        path.write_text("".join(map(encode.pem_crl, crls)))
        return path

    @staticmethod
    def lists_in(path: Path) -> list[x509.CertificateRevocationList]:
        """Read what `keep` wrote."""
        blocks = path.read_bytes().split(b"-----BEGIN ")[1:]
        return [x509.load_pem_x509_crl(b"-----BEGIN " + block) for block in blocks]

    def fetch_lists(self, name: str) -> tuple[Path, Path]:
        """Fetch the lists that the certificates name, and the deltas that those name.

        Returns:
            A file of bases and a file of deltas: one of each, or one for each partition.
        """
        addresses = sorted({crl_address(leaf) for leaf in self.leaves.values()})
        bases = [fetch(address) for address in addresses]
        deltas = [fetch(delta_address(x509.load_der_x509_crl(base))) for base in bases]
        return self.keep(f"{name}-base", *bases), self.keep(f"{name}-delta", *deltas)

    # --- OpenSSL ---

    def openssl_verify(self, *options: str, lists: Sequence[Path]) -> Verdicts:
        """`openssl verify` with lists at hand."""
        files: list[str | Path] = [word for path in lists for word in ("-CRLfile", path)]
        leaves = {str(self.leaf(name)): name for name in self.leaves}
        done = run("openssl", "verify", *options, "-CAfile", self.ca, *files, *leaves)
        verdicts, said = {}, ""
        for line in done.stdout.decode().splitlines():
            said += line + "\n"
            found = re.fullmatch(r"(error )?(.+\.pem): (OK|verification failed)", line)
            if found:
                is_revoked = "error 23 at 0 depth lookup: certificate revoked" in said
                verdict = GOOD if found[3] == "OK" else REVOKED if is_revoked else said
                verdicts[leaves[found[2]]] = verdict
                said = ""
        return verdicts

    def openssl_ocsp(self, *options: str, names: Sequence[str] = (), digest: str = "") -> Verdicts:
        """`openssl ocsp`, one question for all certificates."""
        names = names or tuple(self.leaves)
        by = [digest] if digest else []
        asked = [word for name in names for word in (*by, "-cert", str(self.leaf(name)))]
        done = run(
            "openssl", "ocsp", "-issuer", self.ca, *asked, "-CAfile", self.ca, *options
        ).stdout.decode()
        if "Response verify OK" not in done or "WARNING" in done:
            return dict.fromkeys(names, done)
        found = re.findall(r"^(.+)\.pem: (good|revoked|unknown)$", done, re.MULTILINE)
        return {Path(path).name: verdict for path, verdict in found}

    def ask_by_get(self, name: str, written: str = "encoded") -> bytes:
        """Ask with GET, and return the answer.

        Args:
            name: of the certificate.
            written: `raw`, `encoded` or `folded`: how the request stands in the path.
        """
        leaf = self.leaves[name]
        ca = x509.load_pem_x509_certificate(self.ca.read_bytes())
        builder = ocsp.OCSPRequestBuilder().add_certificate(leaf, ca, hashes.SHA1())  # noqa: S303 - what most clients send
        text = base64.b64encode(builder.build().public_bytes(Encoding.DER)).decode()
        path = {
            "raw": text,
            "encoded": urllib.parse.quote(text, safe=""),
            "folded": re.sub("/+", "/", text),
        }[written]
        return fetch(f"{ocsp_address(leaf)}/{path}")

    def openssl_ocsp_get(self) -> Verdicts:
        """Ask with GET, one certificate at a time, and let `openssl ocsp` judge the answers."""
        verdicts: Verdicts = {}
        answer = self.path / "answer"
        for name in self.leaves:
            answer.write_bytes(self.ask_by_get(name))
            verdicts |= self.openssl_ocsp("-respin", str(answer), "-no_nonce", names=[name])
        return verdicts

    # --- GnuTLS ---

    def gnutls_verify(self, crl: Path) -> Verdicts:
        """`certtool --verify` with a list at hand."""
        verdicts = {}
        for name in self.leaves:
            done = run(
                *("certtool", "--verify", "--infile", self.leaf(name)),
                *("--load-ca-certificate", self.ca, "--load-crl", crl),
            )
            said = done.stdout.decode()
            is_revoked = done.returncode != 0 and "certificate chain is revoked" in said
            verdicts[name] = GOOD if done.returncode == 0 else REVOKED if is_revoked else said
        return verdicts

    def gnutls_ocsp(self) -> Verdicts:
        """`ocsptool --ask`, one certificate at a time."""
        verdicts = {}
        for name, leaf in self.leaves.items():
            done = run(
                *("ocsptool", f"--ask={ocsp_address(leaf)}", "--load-cert", self.leaf(name)),
                *("--load-issuer", self.ca, "--load-trust", self.ca),
            )
            said = done.stdout.decode()
            found = re.search(r"Certificate Status: (good|revoked|unknown)", said)
            is_believed = "Signature verified" in said or "Success" in said
            verdicts[name] = found[1] if found and is_believed else said
        return verdicts

    # --- Botan ---

    def botan_ocsp(self) -> Verdicts:
        """`botan ocsp_check`, one certificate at a time."""
        verdicts = {}
        for name in self.leaves:
            said = run("botan", "ocsp_check", self.leaf(name), self.ca).stdout.decode()
            words = {
                "OCSP check OK": GOOD,
                "OCSP check failed Certificate is revoked": REVOKED,
                # It knows no better word for `unknown`.
                "OCSP check failed OCSP bad status": UNKNOWN,
            }
            verdicts[name] = words.get(said.strip(), said)
        return verdicts
