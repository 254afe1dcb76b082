"""Live sites that are backed up, and what people do there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyrage

from tests import make
from tests.live import ROOT, LiveSite
from tests.tools import run

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE: Final = "correct horse battery staple"


def new_site(folder: Path, **settings: str) -> LiveSite:
    """Set a site up with two people; it does not run yet."""
    site = LiveSite(folder, settings={"CERTSRV_CA_KEY": "ec:p256", **settings})
    site.home.mkdir(parents=True)
    site.manage("setup")
    return site


def key_pair(folder: Path) -> tuple[str, str]:
    """Make a key of age: return its public half, and the file with its secret half."""
    identity = pyrage.x25519.Identity.generate()
    file = folder / "identity.txt"
    file.write_text(f"{identity}\n")
    return str(identity.to_public()), str(file)


def refused(site: LiveSite, *words: str, stdin: str = "") -> str:
    """Run a command that is refused; return what it said."""
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=site.environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, f"{done.returncode}: {done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def submit(site: LiveSite, name: str, *, key: int = 0) -> int:
    """Ask for a certificate, with one of a few keys; return the id of the issued request."""
    form = {
        "Mode": "newreq",
        "CertRequest": make.request_pem(name, kind="ec:p256", number=key).decode(),
        "CertAttrib": "CertificateTemplate:WebServer",
        "TargetStoreFlags": "0",
        "SaveCert": "yes",
    }
    data = urllib.parse.urlencode(form).encode()
    page = site.fetch("/certsrv/certfnsh.asp", name="admin", data=data).decode()
    found = re.search(r"certnew\.cer\?ReqID=(\d+)&", page)
    assert found, page
    return int(found[1])


def fetch(site: LiveSite, request_id: int, file: Path) -> Path:
    """Write the certificate of a request into a file."""
    address = f"/certsrv/certnew.cer?ReqID={request_id}&Enc=b64"
    file.write_bytes(site.fetch(address, name="admin"))
    return file


def serial_of(certificate: Path) -> str:
    """Return the serial number as openssl reads it."""
    said = run("openssl", "x509", "-noout", "-serial", "-in", certificate).stdout.decode()
    return said.strip().partition("=")[2].lower().lstrip("0")


def trust(site: LiveSite, folder: Path) -> tuple[Path, Path, int]:
    """Fetch what a relying party has: the CA certificate, the list, the number of the list."""
    folder.mkdir(exist_ok=True)
    ca, crl = folder / "ca.pem", folder / "ca.crl"
    ca.write_bytes(site.fetch("/certsrv/certnew.cer?ReqID=CACert&Renewal=-1&Enc=b64", name="admin"))
    der = folder / "der"
    der.write_bytes(site.fetch("/certsrv/certcrl.crl?Type=base&Renewal=-1&Enc=bin", name="admin"))
    crl.write_bytes(run("openssl", "crl", "-inform", "DER", "-in", der).stdout)
    said = run("openssl", "crl", "-noout", "-crlnumber", "-in", crl).stdout.decode()
    return ca, crl, int(said.partition("=")[2], 16)


def verdict(ca: Path, crl: Path, certificate: Path) -> str:
    """Return what openssl makes of a certificate with its list."""
    words = ("-crl_check", "-CAfile", ca, "-CRLfile", crl, certificate)
    return run("openssl", "verify", *words).stdout.decode()


def ocsp(site: LiveSite, ca: Path, certificate: Path) -> str:
    """Return what openssl is told by the site's responder."""
    words = ("-issuer", ca, "-cert", certificate, "-url", f"{site.url}/ocsp", "-CAfile", ca)
    return run("openssl", "ocsp", *words, "-header", "Host=localhost").stdout.decode()


@dataclass(frozen=True)
class Backed:
    """A site, its archive for a public key, and how that is opened."""

    site: LiveSite
    archive: Path
    recipient: str
    opened: tuple[str, str]

    def copy(self, folder: Path) -> LiveSite:
        """Return a site of its own that is as this one was."""
        shutil.copytree(self.site.home, folder / "copy")
        return LiveSite(folder / "copy", settings=dict(self.site.settings))

    def elsewhere(self, folder: Path) -> LiveSite:
        """Return a site that is not there yet."""
        return LiveSite(folder / "elsewhere", settings=dict(self.site.settings))


def crl_number(site: LiveSite) -> int:
    return int(json.loads(site.manage("crl", "show", "--json"))[0]["number"])
