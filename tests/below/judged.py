"""A leaf of a site below another CA, fetched as clients do, and judged by programs of others."""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests import make, tools

if TYPE_CHECKING:
    from tests.below.openssl import OpensslCa
    from tests.live import LiveSite


@dataclass(frozen=True)
class Leaf:
    """A certificate, what came above it, and the root that is trusted; all files in PEM."""

    certificate: Path
    between: Path
    whole: Path
    root: Path

    def openssl(self, *options: str | Path) -> str:
        """Return what `openssl verify` says."""
        return tools.run(
            "openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", self.root,
            "-untrusted", self.between, *options, self.certificate,
        ).stdout.decode()  # fmt: skip

    def gnutls(self) -> str:
        """Return what `certtool --verify` says about the chain below the root."""
        return tools.run(
            "certtool", "--verify", "--load-ca-certificate", self.root, "--infile", self.whole
        ).stdout.decode()

    def java(self) -> str:
        """Return what the PKIX validator of Java says."""
        judge = Path(__file__).with_name("PathJudge.java")
        return tools.run("java", judge, self.whole).stdout.decode()


def enroll(site: LiveSite, folder: Path, root: OpensslCa, name: str = "www.example.com") -> Leaf:
    """Ask for a certificate on the page, and fetch its chain, as a script does."""
    folder.mkdir(exist_ok=True)
    fields = {
        "Mode": "newreq",
        "CertRequest": make.request_pem(name, dns=(name,)).decode(),
        "CertAttrib": "CertificateTemplate:WebServer",
        "TargetStoreFlags": "0",
        "SaveCert": "yes",
    }
    page = site.fetch(
        "/certsrv/certfnsh.asp", name="alice", data=urllib.parse.urlencode(fields).encode()
    )
    found = re.search(rb"certnew\.p7b\?ReqID=(\d+)&", page)
    assert found is not None, page.decode()
    message = site.fetch(f"/certsrv/certnew.p7b?ReqID={int(found[1])}&Enc=bin", name="alice")
    printed = tools.run("openssl", "pkcs7", "-inform", "DER", "-print_certs", stdin=message)
    chain = x509.load_pem_x509_certificates(printed.stdout)
    return Leaf(
        _save(folder / "leaf.pem", chain[:1]),
        _save(folder / "between.pem", chain[1:-1]),
        _save(folder / "whole.pem", chain),
        root.certificate,
    )


def _save(file: Path, certificates: list[x509.Certificate]) -> Path:
    file.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in certificates))
    return file
