"""A CA renewed three times, served as in production: every path verifies, every file is reachable.

The renewals are: the same key, a new key, the same key again. Judges who trust only the newest
root accept the leaves of the old key by way of a cross certificate, and the other way round.
"""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from enrollment.ca import encode
from tests import make, tools
from tests.live import LiveSite

if TYPE_CHECKING:
    from collections.abc import Iterator

CA = "Example Issuing CA"
# Certificate index and key index after each renewal.
VERSIONS = {0: "020100", 1: "020101", 2: "0203020002", 3: "0203020003"}


@dataclass(frozen=True)
class Renewed:
    """The site after its renewals, and a leaf of each of its four certificates."""

    site: LiveSite
    leaves: tuple[x509.Certificate, ...]

    def root(self, renewal: int) -> x509.Certificate:
        """Download a CA certificate as clients do."""
        address = f"/certsrv/certnew.cer?ReqID=CACert&Renewal={renewal}&Enc=bin"
        return x509.load_der_x509_certificate(self.site.fetch(address, name="alice"))

    def cross(self, name: str) -> x509.Certificate:
        """Download a cross certificate under Microsoft's name for it."""
        address = quote(f"/CertEnroll/localhost_{CA}({name}).crt", safe="/()")
        return x509.load_der_x509_certificate(self.site.fetch(address))


@pytest.fixture(scope="module")
def renewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Renewed]:
    site = LiveSite(tmp_path_factory.mktemp("rollover"), {"CERTSRV_CA_KEY": "ec:p256"})
    site.set_up()
    site.start()
    leaves = [enroll(site, 0)]
    for number, words in enumerate(((), ("--new-key",), ()), start=1):
        site.manage("ca", "renew", *words)
        leaves.append(enroll(site, number))
    yield Renewed(site, tuple(leaves))
    site.stop()


def enroll(site: LiveSite, number: int) -> x509.Certificate:
    """Send a request and fetch what was issued, as a script does."""
    request = make.request_pem(f"leaf-{number}.example.com", kind="ec:p256", number=number)
    form = {
        "Mode": "newreq",
        "CertRequest": request.decode(),
        "CertAttrib": "CertificateTemplate:WebServer",
    }
    page = site.fetch("/certsrv/certfnsh.asp", name="alice", data=urlencode(form).encode())
    found = re.search(rb"certnew\.cer\?ReqID=(\d+)&", page)
    assert found is not None
    address = f"/certsrv/certnew.cer?ReqID={found[1].decode()}&Enc=b64"
    return x509.load_pem_x509_certificate(site.fetch(address, name="alice"))


def write(folder: Path, name: str, *certificates: x509.Certificate) -> Path:
    path = folder / name
    path.write_text("".join(encode.pem(each.public_bytes(Encoding.DER)) for each in certificates))
    return path


def openssl(
    folder: Path,
    leaf: x509.Certificate,
    trusted: x509.Certificate,
    between: x509.Certificate | None = None,
) -> bool:
    """Let OpenSSL judge a leaf with one trusted root, and perhaps one bridge."""
    words: list[str | Path] = ["-x509_strict", "-trusted", write(folder, "trusted.pem", trusted)]
    if between is not None:
        words += ["-untrusted", write(folder, "between.pem", between)]
    answer = tools.run("openssl", "verify", *words, write(folder, "leaf.pem", leaf))
    return answer.returncode == 0


# --- what the pages say ---


def test_the_newest_certificate_is_counted_as_clients_count(renewed: Renewed) -> None:
    page = renewed.site.fetch("/certsrv/certcarc.asp", name="alice").decode()

    assert re.findall(r"nRenewals=[0-9]+", page) == ["nRenewals=3"]
    options = [line for line in page.splitlines() if "Option" in line]
    assert [re.sub("<[^>]+>", "", line) for line in options] == [
        f"Current [{CA}(3)]", f"Previous [{CA}(2)]", f"Previous [{CA}(1)]", f"Previous [{CA}]",
    ]  # fmt: skip
    # The page's script asks for nRenewals less the value.
    assert re.findall(r'Option Value="(\d+)"', page) == ["0", "1", "2", "3"]


def test_the_page_links_every_cross_certificate(renewed: Renewed) -> None:
    page = renewed.site.fetch("/certsrv/certcarc.asp", name="alice").decode()

    links = re.findall(r'href="(/CertEnroll/[^"]+)"', page)
    assert links == [
        f"/CertEnroll/localhost_Example%20Issuing%20CA({pair}).crt" for pair in ("1-2", "2-1")
    ]
    assert all(renewed.site.fetch(link) for link in links)


@pytest.mark.parametrize("renewal", VERSIONS)
def test_each_certificate_has_its_version_and_names_the_one_before(
    renewal: int, renewed: Renewed
) -> None:
    """ms-facts a.2: V0.0, V1.0, V2.2, V3.2."""
    extensions = renewed.root(renewal).extensions

    version = extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.4.1.311.21.1"))
    assert version.value.public_bytes().hex() == VERSIONS[renewal]
    if renewal:
        before = encode.thumbprint(renewed.root(renewal - 1).public_bytes(Encoding.DER))
        named = extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.4.1.311.21.2"))
        assert named.value.public_bytes().hex() == f"0414{before}"


@pytest.mark.parametrize("renewal", VERSIONS)
def test_the_list_of_a_renewal_is_that_of_its_key(renewal: int, renewed: Renewed) -> None:
    address = f"/certsrv/certcrl.crl?Type=base&Renewal={renewal}&Enc=bin"
    listed = x509.load_der_x509_crl(renewed.site.fetch(address, name="alice"))

    key = renewed.root(renewal).public_key()
    assert listed.is_signature_valid(key)  # type: ignore[arg-type]  # a CA's key


# --- the files ---

ESCAPED = str.maketrans({"(": "%28", ")": "%29", "+": "%2B", " ": "%20"})
PLAIN = str.maketrans({" ": "%20"})


@pytest.mark.parametrize(
    ("name", "renewal"),
    [(f"{CA}.crl", 0), (f"{CA}+.crl", 0), (f"{CA}(2).crl", 2), (f"{CA}(2)+.crl", 2)],
)
@pytest.mark.parametrize("spelling", [PLAIN, ESCAPED], ids=["raw", "percent-encoded"])
def test_every_list_is_reachable_under_its_microsoft_name(
    name: str, renewal: int, spelling: dict[int, str], renewed: Renewed
) -> None:
    listed = x509.load_der_x509_crl(get(renewed.site, f"/CertEnroll/{name.translate(spelling)}"))

    assert listed.is_signature_valid(renewed.root(renewal).public_key())  # type: ignore[arg-type]  # a CA's key
    is_delta = "+" in name
    oids = {extension.oid for extension in listed.extensions}
    assert (x509.oid.ExtensionOID.DELTA_CRL_INDICATOR in oids) is is_delta


@pytest.mark.parametrize("renewal", VERSIONS)
def test_every_ca_certificate_is_reachable_under_its_microsoft_name(
    renewal: int, renewed: Renewed
) -> None:
    suffix = f"({renewal})" if renewal else ""
    address = f"/CertEnroll/localhost_{CA}{suffix}.crt"

    for spelling in (PLAIN, ESCAPED):
        octets = get(renewed.site, address.translate(spelling))
        assert x509.load_der_x509_certificate(octets) == renewed.root(renewal)


@pytest.mark.parametrize("number", VERSIONS)
def test_the_addresses_in_a_leaf_lead_to_its_list_and_its_issuer(
    number: int, renewed: Renewed
) -> None:
    leaf = renewed.leaves[number]
    (point,) = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert point.full_name is not None

    listed = x509.load_der_x509_crl(get(renewed.site, path_of(point.full_name[0].value)))
    issuer = x509.load_der_x509_certificate(
        get(renewed.site, path_of(access[0].access_location.value))
    )

    leaf.verify_directly_issued_by(issuer)
    assert issuer == renewed.root(number)
    assert listed.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # a CA's key


def path_of(address: str) -> str:
    return "/" + address.split("/", 3)[3]


def get(site: LiveSite, target: str) -> bytes:
    """Ask for exactly this target; libraries would write some characters anew."""
    connection = http.client.HTTPConnection("127.0.0.1", site.http_port, timeout=20)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        assert answer.status == 200, target
        return answer.read()
    finally:
        connection.close()


# --- the paths ---


@pytest.mark.parametrize("number", VERSIONS)
@pytest.mark.parametrize("root", VERSIONS)
def test_a_root_of_the_same_key_is_all_it_takes(
    number: int, root: int, renewed: Renewed, tmp_path: Path
) -> None:
    """Keys 0 and 2 have two certificates each; without a bridge the other key's do not help."""
    is_same_key = (number < 2) is (root < 2)

    assert openssl(tmp_path, renewed.leaves[number], renewed.root(root)) is is_same_key


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("root", [2, 3])
def test_old_leaves_verify_for_who_trusts_only_the_new_root(
    number: int, root: int, renewed: Renewed, tmp_path: Path
) -> None:
    assert openssl(tmp_path, renewed.leaves[number], renewed.root(root), renewed.cross("2-1"))


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize("root", [0, 1])
def test_new_leaves_verify_for_who_trusts_only_the_old_root(
    number: int, root: int, renewed: Renewed, tmp_path: Path
) -> None:
    assert openssl(tmp_path, renewed.leaves[number], renewed.root(root), renewed.cross("1-2"))


def test_the_wrong_bridge_leads_nowhere(renewed: Renewed, tmp_path: Path) -> None:
    """A judge that says OK to everything is none."""
    assert not openssl(tmp_path, renewed.leaves[0], renewed.root(3), renewed.cross("1-2"))


@pytest.mark.parametrize(
    ("number", "root", "bridge"), [(0, 3, "2-1"), (3, 0, "1-2")], ids=["old leaf", "new leaf"]
)
def test_every_certificate_of_a_bridged_path_is_on_no_list(
    number: int, root: int, bridge: str, renewed: Renewed, tmp_path: Path
) -> None:
    """OpenSSL asks the list of each key on the way, the bridge's too."""
    lists = tmp_path / "lists.pem"
    lists.write_text(
        "".join(
            renewed.site.fetch(
                f"/certsrv/certcrl.crl?Renewal={renewal}&Enc=b64", name="alice"
            ).decode()
            for renewal in (0, 2)
        )
    )

    answer = tools.run(
        "openssl", "verify", "-x509_strict", "-crl_check_all", "-CRLfile", lists,
        "-trusted", write(tmp_path, "root.pem", renewed.root(root)),
        "-untrusted", write(tmp_path, "between.pem", renewed.cross(bridge)),
        write(tmp_path, "leaf.pem", renewed.leaves[number]),
    )  # fmt: skip

    assert answer.returncode == 0, answer.stdout.decode()


@pytest.mark.parametrize(
    ("number", "root", "bridge"), [(0, 3, "2-1"), (3, 0, "1-2")], ids=["old leaf", "new leaf"]
)
def test_gnutls_walks_the_bridge(
    number: int, root: int, bridge: str, renewed: Renewed, tmp_path: Path
) -> None:
    chain = write(tmp_path, "chain.pem", renewed.leaves[number], renewed.cross(bridge))
    trusted = write(tmp_path, "root.pem", renewed.root(root))

    answer = tools.run("certtool", "--verify", "--infile", chain, "--load-ca-certificate", trusted)

    assert b"Verified. The certificate is trusted." in answer.stdout, answer.stdout.decode()


def test_java_walks_the_bridges(renewed: Renewed, tmp_path: Path) -> None:
    for name, number, root, bridge in (
        ("old", 0, 3, "2-1"),
        ("new", 3, 0, "1-2"),
        ("wrong", 0, 3, "1-2"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        for stem, certificate in {
            "ca": renewed.root(root),
            "between": renewed.cross(bridge),
            "leaf-1": renewed.leaves[number],
        }.items():
            (folder / f"{stem}.der").write_bytes(certificate.public_bytes(Encoding.DER))

    answer = tools.run("java", Path(__file__).with_name("Judge.java"), *sorted(tmp_path.iterdir()))

    words = [line.split()[0] for line in answer.stdout.decode().splitlines()]
    assert words == ["OK", "OK", "FAILED"], answer.stdout.decode()
