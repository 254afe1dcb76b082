"""One site for each way to keep the key: the same certificates, lists and answers."""

from __future__ import annotations

import base64
import os
import re
import signal
import time
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.keys.softhsm import make_token
from tests.live import LiveSite
from tests.tools import run

if TYPE_CHECKING:
    from collections.abc import Iterator

WAYS = ("encrypted file", "token", "signer", "signer and token")


def settings_of(way: str, folder: Path) -> dict[str, str]:
    values = {"CERTSRV_CA_KEY": "rsa:2048"}
    phrase = folder / "passphrase"
    phrase.write_text("correct horse\n")
    if way == "encrypted file":
        values["CERTSRV_KEY_PASSPHRASE_FILE"] = str(phrase)
    if "signer" in way:
        values["CERTSRV_SIGNER"] = "process"
    if "token" in way:
        values |= make_token(folder).environment(folder / "pin")
    return values


@pytest.fixture(scope="module", params=WAYS)
def kept(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveSite]:
    """A site that keeps its key in one of the ways."""
    folder = tmp_path_factory.mktemp("way")
    before = os.environ.get("SOFTHSM2_CONF")
    site = LiveSite(folder / "home", settings_of(request.param, folder))
    if before is not None:
        os.environ["SOFTHSM2_CONF"] = before
    site.home.mkdir()
    site.manage("setup")
    site.launch()
    yield site
    site.stop()


def enroll(site: LiveSite, folder: Path) -> Path:
    """Ask for a certificate as a script does, and return its file."""
    request = folder / "request.pem"
    run(
        *("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=a.example.com"),
        *("-keyout", folder / "key.pem", "-out", request),
    )
    form = {
        "Mode": "newreq",
        "CertRequest": request.read_text(),
        "CertAttrib": "CertificateTemplate:WebServer",
        "TargetStoreFlags": "0",
        "SaveCert": "yes",
    }
    data = urllib.parse.urlencode(form).encode()
    page = site.fetch("/certsrv/certfnsh.asp", name="admin", data=data).decode()
    found = re.search(r"certnew\.cer\?ReqID=(\d+)", page)
    assert found, page
    certificate = folder / "certificate.pem"
    address = f"/certsrv/certnew.cer?ReqID={found[1]}&Enc=b64"
    certificate.write_bytes(site.fetch(address, name="admin"))
    return certificate


def trusted(site: LiveSite, folder: Path) -> tuple[Path, Path]:
    """Fetch the CA certificate and its list, both PEM."""
    ca, crl = folder / "ca.pem", folder / "crl.pem"
    address = "/certsrv/certnew.cer?ReqID=CACert&Renewal=-1&Enc=b64"
    ca.write_bytes(site.fetch(address, name="admin"))
    crl.write_bytes(site.fetch("/certsrv/certcrl.crl?Type=base&Renewal=-1&Enc=b64", name="admin"))
    return ca, crl


def test_openssl_verifies_certificate_and_list(kept: LiveSite, tmp_path: Path) -> None:
    certificate = enroll(kept, tmp_path)
    ca, crl = trusted(kept, tmp_path)

    verdict = run("openssl", "verify", "-crl_check", "-CAfile", ca, "-CRLfile", crl, certificate)

    assert verdict.returncode == 0, verdict.stdout


def test_openssl_believes_the_ocsp_answer(kept: LiveSite, tmp_path: Path) -> None:
    certificate = enroll(kept, tmp_path)
    ca, _ = trusted(kept, tmp_path)

    verdict = run(
        *("openssl", "ocsp", "-issuer", ca, "-cert", certificate, "-CAfile", ca),
        *("-url", f"{kept.url}/ocsp"),
    )

    assert b"Response verify OK" in verdict.stdout
    assert f"{certificate}: good".encode() in verdict.stdout


def test_a_certificate_is_revoked_by_a_command_and_stands_on_the_list(
    kept: LiveSite, tmp_path: Path
) -> None:
    certificate = enroll(kept, tmp_path)
    serial = run("openssl", "x509", "-in", certificate, "-noout", "-serial").stdout.decode()
    kept.manage(
        "certificates", "revoke", serial.strip().partition("=")[2], "--reason", "key-compromise"
    )
    kept.manage("crl", "publish")
    ca, crl = trusted(kept, tmp_path)

    verdict = run("openssl", "verify", "-crl_check", "-CAfile", ca, "-CRLfile", crl, certificate)

    assert b"certificate revoked" in verdict.stdout


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """A site whose key lies in a plain file that only the signer opens."""
    folder = tmp_path_factory.mktemp("signed")
    site = LiveSite(folder / "home", settings_of("signer", folder))
    site.home.mkdir()
    site.manage("setup")
    site.launch()
    yield site
    site.stop()


def family(site: LiveSite) -> tuple[list[int], int]:
    """Return the processes of the site that face the web, and the signer."""
    assert site.process is not None
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
            words = (path.parent / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if int(fields[1]) == site.process.pid and fields[0] != "Z":
            parents[int(path.parent.name)] = words
    signers = [pid for pid, words in parents.items() if b"signer" in words]
    assert len(signers) == 1, parents
    return [site.process.pid, *(pid for pid in parents if pid not in signers)], signers[0]


def needles(path: Path) -> dict[str, bytes]:
    """Return how the key could lie in memory: its file, its DER, its secret numbers."""
    pem = path.read_bytes()
    key = load_pem_private_key(pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.private_numbers()
    body = b"".join(pem.splitlines()[1:-1])
    found = {"PEM": pem.splitlines()[5], "DER": base64.b64decode(body)[300:400]}
    for name in ("p", "q", "d", "dmp1", "dmq1", "iqmp"):
        number: int = getattr(numbers, name)
        size = (number.bit_length() + 7) // 8
        found[f"{name}, big-endian"] = number.to_bytes(size, "big")
        found[f"{name}, little-endian"] = number.to_bytes(size, "little")
    return found


def scan(pid: int, wanted: dict[str, bytes]) -> set[str]:
    """Say which of the needles lie in the memory of a process."""
    found: set[str] = set()
    regions = Path(f"/proc/{pid}/maps").read_text().splitlines()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for region in regions:
            span, rights, *_ = region.split()
            if not rights.startswith("r") or "[v" in region:
                continue
            begin, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(begin)
                content = memory.read(end - begin)
            except (OSError, OverflowError):
                continue
            found |= {name for name, octets in wanted.items() if octets in content}
    return found


def test_no_web_process_has_the_key_in_its_memory(signed: LiveSite, tmp_path: Path) -> None:
    (path,) = (signed.home / "keys").glob("ca-*.pem")
    for _ in range(3):
        enroll(signed, tmp_path)
    web, signer = family(signed)

    wanted = needles(path)

    assert len(web) >= 2
    assert {pid: scan(pid, wanted) for pid in web} == {pid: set() for pid in web}
    # The same scan finds it where it is; without that right nobody else could scan there either.
    try:
        assert {"p, little-endian", "p, big-endian"} & scan(signer, wanted)
    except PermissionError:
        assert os.geteuid() != 0


def test_a_signer_that_was_killed_is_back_and_signs(signed: LiveSite, tmp_path: Path) -> None:
    _, before = family(signed)
    os.kill(before, signal.SIGKILL)

    certificate = enroll(signed, tmp_path)

    assert certificate.stat().st_size
    assert family(signed)[1] != before


def test_the_signer_ends_with_the_site(tmp_path: Path) -> None:
    site = LiveSite(tmp_path / "home", settings_of("signer", tmp_path))
    site.home.mkdir()
    site.manage("setup")
    site.launch()
    _, signer = family(site)
    site.stop()

    for _ in range(200):
        if not Path(f"/proc/{signer}").exists():
            break
        time.sleep(0.05)

    assert not Path(f"/proc/{signer}").exists()
    assert not (site.home / "signer.sock").exists()
