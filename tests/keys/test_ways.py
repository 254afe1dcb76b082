"""One site for each way to keep the key: the same certificates, lists and answers."""

from __future__ import annotations

import base64
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests import make, relying, renewals
from tests.keys.softhsm import make_token
from tests.live import LiveSite
from tests.relying import Folder

if TYPE_CHECKING:
    from collections.abc import Iterator

# Each way, and the kind of CA key that is tried in it.
WAYS = {
    "encrypted file": "rsa:2048",
    "token": "ec:p256",
    "signer": "ec:p256",
    "signer and token": "rsa:2048",
}


def settings_of(way: str, folder: Path) -> dict[str, str]:
    values = {"CERTSRV_CA_KEY": WAYS[way]}
    phrase = folder / "passphrase"
    phrase.write_text("correct horse\n")
    if way == "encrypted file":
        values["CERTSRV_KEY_PASSPHRASE_FILE"] = str(phrase)
    if "signer" in way:
        values["CERTSRV_SIGNER"] = "process"
    if "token" in way:
        values |= make_token(folder).environment(folder / "pin")
    return values


@dataclass(frozen=True)
class Kept:
    """A site, and a relying party that holds what it issued and the first list."""

    site: LiveSite
    people: Folder
    first_base: Path


@pytest.fixture(scope="module", params=WAYS)
def kept(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kept]:
    """A site that keeps its key in one of the ways, with certificates in every state."""
    folder = tmp_path_factory.mktemp("way")
    before = os.environ.get("SOFTHSM2_CONF")
    site = LiveSite(folder / "home", settings_of(request.param, folder))
    if before is not None:
        os.environ["SOFTHSM2_CONF"] = before
    site.home.mkdir()
    site.manage("setup")
    site.launch()
    try:
        leaves = {name: enroll(site, f"{name}.example.com") for name in TRUTH}
        people = Folder.make(folder / "relying", ca_certificate(site), leaves)
        first_base, _ = people.fetch_lists("first")
        serials = {name: f"{leaf.serial_number:x}" for name, leaf in leaves.items()}
        site.manage_all(
            ("certificates", "revoke", serials["revoked"], "--reason", "superseded"),
            ("certificates", "hold", serials["held"]),
            ("certificates", "hold", serials["released"]),
            ("certificates", "release", serials["released"]),
        )
        yield Kept(site, people, first_base)
    finally:
        site.stop()


TRUTH = {
    "good": relying.GOOD,
    "revoked": relying.REVOKED,
    "held": relying.REVOKED,
    "released": relying.GOOD,
}


def enroll(site: LiveSite, name: str) -> x509.Certificate:
    return relying.enroll(site, make.request_pem(name, dns=[name], kind="ec:p256"))


def ca_certificate(site: LiveSite) -> bytes:
    return site.fetch("/certsrv/certnew.cer?ReqID=CACert&Renewal=-1&Enc=bin", name="admin")


def test_openssl_finds_on_the_list_what_was_done_by_commands(kept: Kept) -> None:
    base, _ = kept.people.fetch_lists("now")

    assert kept.people.openssl_verify("-crl_check", lists=[base]) == TRUTH


def test_openssl_finds_the_same_with_the_first_list_and_the_newest_delta(kept: Kept) -> None:
    _, delta = kept.people.fetch_lists("now")
    options = ("-crl_check", "-extended_crl", "-use_deltas")

    verdicts = kept.people.openssl_verify(*options, lists=[kept.first_base, delta])

    assert verdicts == TRUTH
    assert kept.people.openssl_verify("-crl_check", lists=[kept.first_base]) != TRUTH


def test_openssl_believes_the_ocsp_answers_to_its_nonce(kept: Kept) -> None:
    url = relying.ocsp_address(kept.people.one)

    assert kept.people.openssl_ocsp("-url", url) == TRUTH


def test_a_certificate_is_renewed_by_a_message_that_the_old_one_signed(
    kept: Kept, tmp_path: Path
) -> None:
    """PKCS #7 as Windows writes it, with a new key."""
    new_key = make.key("ec:p256", 5)
    message = renewals.windows_renewal(
        kept.people.leaves["good"], make.key("ec:p256"), new_key, san=["good.example.com"]
    )

    renewed = relying.enroll(kept.site, renewals.pem(message))

    assert renewed.public_key() == new_key.public_key()
    people = Folder.make(tmp_path, ca_certificate(kept.site), {"renewed": renewed})
    base, _ = people.fetch_lists("now")
    assert people.openssl_verify("-crl_check", lists=[base]) == {"renewed": relying.GOOD}


@pytest.mark.parametrize("new_key", [False, True], ids=["the same key", "a new key"])
def test_the_ca_is_renewed_and_both_generations_are_believed(
    new_key: bool,  # noqa: FBT001 - a case
    kept: Kept,
    tmp_path: Path,
) -> None:
    before = ca_certificate(kept.site)
    kept.site.manage("ca", "renew", *(["--new-key"] if new_key else []))

    young = enroll(kept.site, "young.example.com")

    ca = ca_certificate(kept.site)
    keys = [x509.load_der_x509_certificate(one).public_key() for one in (before, ca)]
    assert (keys[0] == keys[1]) is not new_key
    people = Folder.make(tmp_path, ca, {"young": young})
    url = relying.ocsp_address(young)
    assert people.openssl_ocsp("-url", url) == {"young": relying.GOOD}
    for folder, truth in ((people, {"young": relying.GOOD}), (kept.people, TRUTH)):
        base, _ = folder.fetch_lists("renewed")
        assert folder.openssl_verify("-crl_check", lists=[base]) == truth
        assert folder.openssl_ocsp("-url", url) == truth


@pytest.fixture(scope="module", params=["rsa:2048", "ec:p256"])
def signed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveSite]:
    """A site whose key lies in a plain file that only the signer opens."""
    folder = tmp_path_factory.mktemp("signed")
    settings = settings_of("signer", folder) | {"CERTSRV_CA_KEY": request.param}
    site = LiveSite(folder / "home", settings)
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
    """Return how a key could lie in memory: its file, its DER, its secret numbers."""
    pem = path.read_bytes()
    key = load_pem_private_key(pem, None)
    lines = pem.splitlines()[1:-1]
    octets = base64.b64decode(b"".join(lines))
    if isinstance(key, rsa.RSAPrivateKey):
        found = {"PEM": lines[4], "DER": octets[300:400]}
        secrets = key.private_numbers()
        numbers = {name: getattr(secrets, name) for name in ("p", "q", "d", "dmp1", "dmq1", "iqmp")}
    else:
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        number = key.private_numbers().private_value
        numbers = {"d": number}
        # What stands before and behind the number in the file is known to everybody.
        secret = number.to_bytes(32, "big")
        at = octets.index(secret)
        found = {"PEM": b"".join(lines)[-(-at * 4 // 3) : (at + 32) * 4 // 3 - 1]}
    for name, number in numbers.items():
        size = (number.bit_length() + 7) // 8
        found[f"{name}, big-endian"] = number.to_bytes(size, "big")
        found[f"{name}, little-endian"] = number.to_bytes(size, "little")
    return {f"{path.name}: {name}": value for name, value in found.items()}


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


def test_no_web_process_has_a_key_in_its_memory(signed: LiveSite, tmp_path: Path) -> None:
    """Neither the CA's nor that of its OCSP responder, after all of them were used."""
    leaves = {name: enroll(signed, f"{name}.example.com") for name in ("a", "b", "c")}
    people = Folder.make(tmp_path, ca_certificate(signed), leaves)
    assert set(people.openssl_ocsp("-url", f"{signed.url}/ocsp").values()) == {relying.GOOD}
    files = [path for kind in ("ca", "ocsp") for path in (signed.home / "keys").glob(f"{kind}-*")]
    wanted = {name: octets for path in files for name, octets in needles(path).items()}
    web, signer = family(signed)

    assert len(files) == 2
    assert len(web) >= 2
    assert {pid: scan(pid, wanted) for pid in web} == {pid: set() for pid in web}
    # The same scan finds each where it is; without that right nobody else could scan there either.
    try:
        seen = scan(signer, wanted)
    except PermissionError:
        assert os.geteuid() != 0
    else:
        assert {name.partition(":")[0] for name in seen} == {path.name for path in files}


def test_a_signer_that_was_killed_is_back_and_signs(signed: LiveSite) -> None:
    _, before = family(signed)
    os.kill(before, signal.SIGKILL)

    certificate = enroll(signed, "back.example.com")

    assert certificate.serial_number
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
