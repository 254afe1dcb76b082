"""What relying parties say of certificates before, during and after changes of their status.

One site whose CA was renewed with a new key three times, so that each kind of key speaks for its
own certificates; and one whose lists are in partitions. Every judge asks where the certificates
say, over HTTP.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests import make, relying, tools
from tests.judges import library
from tests.live import LiveSite
from tests.relying import GOOD, REVOKED, UNKNOWN, Folder, Verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS: Final = ("rsa:2048", "ec:p256", "ed25519", "ml-dsa-65")
PARTITIONS: Final = "partitions"
KINDS: Final = (*KEYS, PARTITIONS)
# Neither OpenSSL before 3.5 nor GnuTLS 3.7 nor Java 17 nor Botan 2 computes ML-DSA.
COMPUTED_BY_ALL: Final = tuple(kind for kind in KINDS if not kind.startswith("ml-dsa"))
INVALID_SINCE: Final = "2026-01-02"

BEFORE, DURING, AFTER = "before", "during", "after"
# Of each certificate: what is true at each moment, and what is done before the last two.
Act = tuple[str, ...]
STORIES: Final[dict[str, tuple[dict[str, str], Act, Act]]] = {
    "good": ({BEFORE: GOOD, DURING: GOOD, AFTER: GOOD}, (), ()),
    "revoked": (
        {BEFORE: GOOD, DURING: REVOKED, AFTER: REVOKED},
        ("revoke", "--reason", "unspecified"),
        (),
    ),
    "compromised": (
        {BEFORE: GOOD, DURING: REVOKED, AFTER: REVOKED},
        ("revoke", "--reason", "key-compromise", "--invalidity", INVALID_SINCE),
        (),
    ),
    "held": ({BEFORE: GOOD, DURING: REVOKED, AFTER: REVOKED}, ("hold",), ()),
    "released": ({BEFORE: GOOD, DURING: REVOKED, AFTER: GOOD}, ("hold",), ("release",)),
    "held-and-revoked": (
        {BEFORE: GOOD, DURING: REVOKED, AFTER: REVOKED},
        ("hold",),
        ("revoke", "--reason", "superseded"),
    ),
}
# Signed with the CA's key behind the CA's back: no list can know it, and OCSP must not.
FORGED: Final = "forged"


@dataclass
class Record:
    """What was seen: verdicts by judge, kind of CA key and moment, and the lists themselves."""

    folders: dict[str, Folder] = field(default_factory=dict)
    verdicts: dict[tuple[str, str, str], Verdicts] = field(default_factory=dict)
    said: dict[tuple[str, str, str, str], str] = field(default_factory=dict)
    lists: dict[tuple[str, str], tuple[Path, Path]] = field(default_factory=dict)
    answers: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    by_get: dict[tuple[str, str, str, str], bytes] = field(default_factory=dict)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    """The whole story, told once."""
    folder = tmp_path_factory.mktemp("status")
    java = compiled_java(folder)
    record = Record()
    with (
        served(folder / "home", CERTSRV_CA_KEY=KEYS[0]) as site,
        served(folder / "parted", CERTSRV_CA_KEY="ec:p256", CERTSRV_CRL_PARTITIONS="2") as parted,
    ):
        for position, kind in enumerate(KEYS):
            if position:
                site.settings["CERTSRV_CA_KEY"] = kind
                site.manage("ca", "renew", "--new-key")
            record.folders[kind] = people_of(site, folder / kind.replace(":", "-"))
        record.folders[PARTITIONS] = people_of(parted, folder / PARTITIONS)
        for step, moment in enumerate((BEFORE, DURING, AFTER)):
            if step:
                change(site, [record.folders[kind] for kind in KEYS], step)
                change(parted, [record.folders[PARTITIONS]], step)
            look(record, moment, java)
        yield record


@contextmanager
def served(home: Path, **settings: str) -> Iterator[LiveSite]:
    site = LiveSite(home, settings)
    site.home.mkdir()
    site.manage("setup")
    site.launch()
    try:
        yield site
    finally:
        site.stop()


def people_of(site: LiveSite, folder: Path) -> Folder:
    """Issue the certificates of one CA key, and forge one."""
    leaves = {
        name: relying.enroll(site, make.request_pem(f"{name}.example.com", kind="ec:p256"))
        for name in STORIES
    }
    ca = site.fetch("/certsrv/certnew.cer?ReqID=CACert&Renewal=-1&Enc=bin", name="admin")
    forged = forge(site, x509.load_der_x509_certificate(ca), leaves["good"])
    return Folder.make(folder, ca, {**leaves, FORGED: forged})


def forge(site: LiveSite, ca: x509.Certificate, like: x509.Certificate) -> x509.Certificate:
    """Sign a certificate with the key file of the CA that its database knows nothing of."""
    keys = [
        serialization.load_pem_private_key(path.read_bytes(), None)
        for path in (site.home / "keys").glob("ca-*.pem")
    ]
    (key,) = [key for key in keys if key.public_key() == ca.public_key()]
    builder = (
        x509.CertificateBuilder()
        .subject_name(like.subject)
        .issuer_name(ca.subject)
        .public_key(like.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(like.not_valid_before_utc)
        .not_valid_after(like.not_valid_after_utc)
    )
    for extension in like.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(key, hash_for(key))  # type: ignore[arg-type]  # a CA key


def hash_for(key: object) -> hashes.SHA256 | None:
    is_hashed = isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return hashes.SHA256() if is_hashed else None


def change(site: LiveSite, folders: list[Folder], step: int) -> None:
    """Do what comes next to each certificate, by the commands of a manager."""
    site.manage_all(
        *(
            ("certificates", act[0], f"{folder.leaves[name].serial_number:x}", *act[1:])
            for folder in folders
            for name, story in STORIES.items()
            if (act := story[1:][step - 1])
        )
    )


def look(record: Record, moment: str, java: Path) -> None:
    """Ask every judge about every certificate."""
    for kind, folder in record.folders.items():
        record.lists[kind, moment] = base, delta = folder.fetch_lists(moment)
        for judge, verdicts in library.verdicts(folder, base, delta).items():
            record.verdicts[judge, kind, moment] = verdicts
        record.answers |= {
            (kind, moment, name): library.ask(folder, name) for name in folder.leaves
        }
        record.by_get |= {
            (kind, moment, name, written): folder.ask_by_get(name, written)
            for name in folder.leaves
            for written in ("encoded", "raw", "folded")
        }
        if kind in COMPUTED_BY_ALL:
            ask_programs(record, kind, moment)
    ask_java(record, moment, java)


def ask_programs(record: Record, kind: str, moment: str) -> None:
    folder = record.folders[kind]
    base, delta = record.lists[kind, moment]
    first, _ = record.lists[kind, BEFORE]
    url = relying.ocsp_address(folder.one)
    deltas = ("-crl_check", "-extended_crl", "-use_deltas")
    found = {
        "openssl, base": folder.openssl_verify("-crl_check", lists=[base]),
        "openssl, base for the whole chain": folder.openssl_verify("-crl_check_all", lists=[base]),
        "openssl, base and delta": folder.openssl_verify(*deltas, lists=[base, delta]),
        "openssl, first base and delta": folder.openssl_verify(*deltas, lists=[first, delta]),
        "openssl, ocsp with nonce": folder.openssl_ocsp("-url", url),
        "openssl, ocsp by SHA-256": folder.openssl_ocsp("-url", url, "-no_nonce", digest="-sha256"),
        "openssl, ocsp by GET": folder.openssl_ocsp_get(),
        "gnutls, base": folder.gnutls_verify(base),
        "gnutls, ocsp": folder.gnutls_ocsp(),
        "botan, ocsp": folder.botan_ocsp(),
    }
    for judge, verdicts in found.items():
        record.verdicts[judge, kind, moment] = verdicts


def compiled_java(folder: Path) -> Path:
    """Compile the judge once; it is started anew for each moment, since Java keeps lists."""
    done = tools.run("javac", "-d", folder, Path(__file__).with_name("StatusJudge.java"))
    assert done.returncode == 0, done.stdout.decode()
    return folder


def ask_java(record: Record, moment: str, java: Path) -> None:
    folders = {str(record.folders[kind].path): kind for kind in COMPUTED_BY_ALL}
    done = tools.run(
        "java", "-cp", java, "-Dcom.sun.security.enableCRLDP=true", "StatusJudge", *folders
    )
    assert done.returncode == 0, done.stdout.decode()
    for line in done.stdout.decode().splitlines():
        path, way, verdict, said = line.split("\t")
        directory, _, file = path.rpartition("/")
        kind, name = folders[directory], file.removesuffix(".der")
        record.verdicts.setdefault((f"java, {way}", kind, moment), {})[name] = verdict
        record.said[way, kind, moment, name] = said


OF_ALL_KINDS = ("library, base", "library, base and delta", "library, ocsp")
OF_PROGRAMS = (
    "openssl, base",
    "openssl, base for the whole chain",
    "openssl, base and delta",
    "openssl, first base and delta",
    "openssl, ocsp with nonce",
    "openssl, ocsp by SHA-256",
    "openssl, ocsp by GET",
    "gnutls, base",
    "gnutls, ocsp",
    "botan, ocsp",
    "java, ocsp",
    "java, crl",
)
# What a judge cannot be asked.
NOT_ASKED: Final = {
    # The self-signed certificate of the CA names no list, and no partition speaks for it.
    ("openssl, base for the whole chain", PARTITIONS),
    # GnuTLS 3.7 looks at one list of an issuer.
    ("gnutls, base", PARTITIONS),
}


@pytest.mark.parametrize("moment", [BEFORE, DURING, AFTER])
@pytest.mark.parametrize(
    ("judge", "kind"),
    [
        *((judge, kind) for judge in OF_ALL_KINDS for kind in KINDS),
        *(
            (judge, kind)
            for judge in OF_PROGRAMS
            for kind in COMPUTED_BY_ALL
            if (judge, kind) not in NOT_ASKED
        ),
    ],
)
def test_every_judge_says_what_is_true(judge: str, kind: str, moment: str, record: Record) -> None:
    wanted = {name: truth[moment] for name, (truth, _, _) in STORIES.items()}
    wanted[FORGED] = UNKNOWN if "ocsp" in judge else GOOD

    assert record.verdicts[judge, kind, moment] == wanted


def test_nobody_was_forgotten(record: Record) -> None:
    asked = {judge for judge, _, _ in record.verdicts}

    assert asked == {*OF_ALL_KINDS, *OF_PROGRAMS}


@pytest.mark.parametrize("written", ["raw", "folded"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_request_in_the_path_is_understood_however_it_was_written(
    kind: str, written: str, record: Record
) -> None:
    """Not percent-encoded, or with two slashes made one, as some proxies do."""
    for moment in (BEFORE, DURING, AFTER):
        for name in STORIES:
            encoded = record.by_get[kind, moment, name, "encoded"]
            assert record.by_get[kind, moment, name, written] == encoded


@pytest.mark.parametrize("way", ["ocsp", "crl"])
@pytest.mark.parametrize("kind", COMPUTED_BY_ALL)
def test_java_is_told_why(kind: str, way: str, record: Record) -> None:
    said = {name: record.said[way, kind, AFTER, name].split(" ")[0] for name in STORIES}

    assert said == {
        "good": "",
        "revoked": "UNSPECIFIED",
        "compromised": "KEY_COMPROMISE",
        "held": "CERTIFICATE_HOLD",
        "released": "",
        "held-and-revoked": "SUPERSEDED",
    }


@pytest.mark.parametrize("kind", COMPUTED_BY_ALL)
def test_java_finds_since_when_the_key_was_in_other_hands(kind: str, record: Record) -> None:
    assert "Jan 02" in record.said["crl", kind, AFTER, "compromised"]


@pytest.mark.parametrize("kind", COMPUTED_BY_ALL)
def test_gnutls_believes_every_list(kind: str, record: Record) -> None:
    folder = record.folders[kind]
    for path in record.lists[kind, AFTER]:
        done = tools.run(
            *("certtool", "--verify-crl", "--load-ca-certificate", folder.ca, "--infile", path)
        )

        assert b"Verified. The certificate is trusted." in done.stdout


@pytest.mark.parametrize("moment", [BEFORE, DURING, AFTER])
@pytest.mark.parametrize("kind", KINDS)
def test_pkilint_finds_nothing_in_lists_answers_and_their_signer(
    kind: str, moment: str, record: Record
) -> None:
    answers = [record.answers[kind, moment, name] for name in record.folders[kind].leaves]
    signers = {library.signer_of(answer).public_bytes(Encoding.DER) for answer in answers}

    for path in record.lists[kind, moment]:
        assert [library.lint_crl(one) for one in Folder.lists_in(path)] in ([[]], [[], []])
    for answer in answers:
        assert library.lint_answer(answer) == []
    for signer in signers:
        assert library.lint_signer(signer) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_signer_of_answers_lives_within_its_ca(kind: str, record: Record) -> None:
    folder = record.folders[kind]
    ca = x509.load_pem_x509_certificate(folder.ca.read_bytes())
    signer = library.signer_of(record.answers[kind, AFTER, "good"])

    assert ca.not_valid_before_utc <= signer.not_valid_before_utc
    assert signer.not_valid_after_utc <= ca.not_valid_after_utc
    lifetime = signer.not_valid_after_utc - signer.not_valid_before_utc
    assert lifetime <= timedelta(days=15)


def test_openssl_would_not_believe_the_lists_of_another_key(record: Record) -> None:
    """All keys have one name: a judge that goes by the name alone would take the wrong list."""
    folder = record.folders["ec:p256"]
    other, _ = record.lists["rsa:2048", AFTER]

    verdicts = folder.openssl_verify("-crl_check", lists=[other])

    assert not {GOOD, REVOKED} & set(verdicts.values())


def test_in_partitions_each_list_speaks_for_its_own_certificates(record: Record) -> None:
    """The issuing distribution point is the address in the certificate, octet by octet."""
    folder = record.folders[PARTITIONS]
    named = {relying.crl_address(leaf) for leaf in folder.leaves.values()}
    points = [
        one.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value.full_name
        for path in record.lists[PARTITIONS, AFTER]
        for one in Folder.lists_in(path)
    ]

    assert {str(names[0].value) for names in points if names} == named
    assert all("_Partition0000" in name for name in named)
