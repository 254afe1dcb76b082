"""A site below a CA that OpenSSL keeps, from set-up to renewal, judged by programs of others.

What happens to the site happens in the order of this file.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests import tools
from tests.below.judged import Leaf, enroll
from tests.below.openssl import SUBORDINATE, OpensslCa, make_policy_ca, make_root
from tests.live import PASSWORD, ROOT, LiveSite, clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the CAs above are kept."""
    return tmp_path_factory.mktemp("above")


@pytest.fixture(scope="module")
def root(folder: Path) -> OpensslCa:
    """The root of everything here."""
    return make_root(folder)


@pytest.fixture(scope="module")
def policy(folder: Path, root: OpensslCa) -> OpensslCa:
    """A CA between the root and ours."""
    return make_policy_ca(folder, root)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """A site that is set up and waits for its certificate."""
    site = LiveSite(
        tmp_path_factory.mktemp("below") / "home",
        {"CERTSRV_CA_ROLE": "subordinate", "CERTSRV_CA_KEY": "ec:p256"},
    )
    site.set_up()
    yield site
    if site.process is not None:
        site.stop()


def request_of(site: LiveSite) -> Path:
    return site.home / "ca-request.pem"


def refused(site: LiveSite, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=site.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_site_that_waits_does_not_serve_and_says_the_next_step(site: LiveSite) -> None:
    assert "python manage.py ca install FILE" in refused(site, "serve")


def test_openssl_reads_the_request(site: LiveSite) -> None:
    printed = tools.run(
        "openssl", "req", "-in", request_of(site), "-noout", "-verify", "-text"
    ).stdout.decode()

    assert "verify OK" in printed
    assert "CA:TRUE" in printed
    assert "Digital Signature, Certificate Sign, CRL Sign" in printed


def test_what_openssl_makes_by_itself_is_refused_with_the_reason(
    site: LiveSite, folder: Path, root: OpensslCa
) -> None:
    """Without -copy_extensions or -extfile, a request for a CA becomes an end entity."""
    bare = root.sign(request_of(site), folder / "bare.pem", "-days", "1825")

    sentence = refused(site, "ca", "install", str(bare), "--chain", str(root.certificate))

    assert "is not the certificate of a CA: it has no basic constraints" in sentence
    assert "TRUST_E_BASIC_CONSTRAINTS" in sentence


def test_a_chain_with_a_gap_is_refused_with_the_name_of_what_is_missing(
    site: LiveSite, folder: Path, policy: OpensslCa
) -> None:
    answer = policy.sign(request_of(site), folder / "gap.pem", extensions=SUBORDINATE)

    sentence = refused(site, "ca", "install", str(answer), "--chain", str(policy.certificate))

    assert "which signed 'CN=Example Policy CA, O=Example', is missing" in sentence


@pytest.fixture(scope="module")
def installed(site: LiveSite, folder: Path, policy: OpensslCa, root: OpensslCa) -> str:
    """What is printed when the answer is installed that the line of set-up makes."""
    answer = policy.sign(
        request_of(site), folder / "ca.pem", "-copy_extensions", "copy", "-days", "1825"
    )
    above = folder / "above.pem"
    above.write_bytes(root.certificate.read_bytes() + policy.certificate.read_bytes())
    return site.manage("ca", "install", str(answer), "--chain", str(above))


def test_the_line_that_set_up_prints_makes_an_answer_without_remarks(installed: str) -> None:
    assert "below 'CN=Example Policy CA, O=Example'" in installed
    assert "Note:" not in installed


@pytest.fixture(scope="module")
def serving(site: LiveSite, installed: str) -> LiveSite:
    """The site, answered and serving."""
    site.launch()
    return site


@pytest.fixture(scope="module")
def leaf(serving: LiveSite, folder: Path, root: OpensslCa) -> Leaf:
    """What Alice was issued."""
    return enroll(serving, folder / "leaf", root)


def test_openssl_verifies_a_leaf_below_the_root_alone(leaf: Leaf) -> None:
    assert leaf.openssl().endswith(": OK\n")


def test_gnutls_verifies_it(leaf: Leaf) -> None:
    assert "Verified. The certificate is trusted." in leaf.gnutls()


def test_java_verifies_it(leaf: Leaf) -> None:
    assert leaf.java() == "OK 3\n"


def test_the_judges_notice_a_missing_link(leaf: Leaf, policy: OpensslCa) -> None:
    """A judge that says OK to everything is none."""
    cut = Leaf(leaf.certificate, policy.certificate, leaf.certificate, leaf.root)

    assert "unable to get local issuer certificate" in cut.openssl()
    assert "Not verified." in cut.gnutls()


def test_curl_reaches_the_site_with_the_root_alone(
    serving: LiveSite, root: OpensslCa, policy: OpensslCa
) -> None:
    """The listener sends this CA's certificate and the policy CA's, and not the root's."""
    done = subprocess.run(
        [tools.require("curl"), "-sS", "--cacert", root.certificate, "--fail",
         "--user", f"alice:{PASSWORD}", f"{serving.secure_url}/certsrv/certcarc.asp"],
        env=clean_environment(), capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "CN=Example Root, O=Example" in done.stdout
    sent = tools.run(
        "openssl", "s_client", "-connect", f"127.0.0.1:{serving.https_port}", "-showcerts"
    ).stdout
    assert sent.count(b"BEGIN CERTIFICATE") == 3


def test_the_list_and_the_responder_of_the_ca_are_believed(
    serving: LiveSite, leaf: Leaf, folder: Path
) -> None:
    crl = folder / "ca.crl"
    der = serving.fetch("/CertEnroll/Example%20Issuing%20CA.crl")
    crl.write_bytes(tools.run("openssl", "crl", "-inform", "DER", stdin=der).stdout)
    issuer = leaf.between

    answered = tools.run(
        "openssl", "ocsp", "-issuer", issuer, "-cert", leaf.certificate,
        "-url", f"{serving.url}/ocsp", "-CAfile", leaf.root, "-verify_other", leaf.between,
    ).stdout.decode()  # fmt: skip

    assert leaf.openssl("-crl_check", "-CRLfile", crl).endswith(": OK\n")
    assert "Response verify OK" in answered
    assert f"{leaf.certificate}: good" in answered


@pytest.mark.parametrize("option", [(), ("--new-key",)], ids=["the same key", "a new key"])
def test_a_renewed_ca_issues_at_once_and_old_leaves_stay_good(
    option: tuple[str, ...], serving: LiveSite, leaf: Leaf, folder: Path, root: OpensslCa
) -> None:
    serving.manage("ca", "renew", *option)
    answer = root.sign(
        request_of(serving), folder / "renewed.pem", "-days", "1825", extensions=SUBORDINATE
    )

    serving.manage("ca", "install", str(answer), "--chain", str(root.certificate))

    new = enroll(serving, folder / f"renewed{len(option)}", root)
    assert new.openssl().endswith(": OK\n")
    assert new.certificate.read_bytes() != leaf.certificate.read_bytes()
    assert leaf.openssl().endswith(": OK\n")


def test_after_the_renewals_every_certificate_and_list_is_there(serving: LiveSite) -> None:
    page = serving.fetch("/certsrv/certcarc.asp", name="alice").decode()

    assert "nRenewals=2" in page
    for name in ("Example%20Issuing%20CA.crl", "Example%20Issuing%20CA(2).crl"):
        assert serving.fetch(f"/CertEnroll/{name}")
    for name in ("Example%20Issuing%20CA", "Example%20Issuing%20CA(1)"):
        assert serving.fetch(f"/CertEnroll/localhost_{name}.crt")


def test_the_listener_follows_the_renewal(serving: LiveSite, root: OpensslCa) -> None:
    """Its certificate comes from the new key after a restart, with the chain that belongs to it."""
    serving.stop()
    serving.launch()

    done = tools.run("curl", "-sS", "--cacert", root.certificate, f"{serving.secure_url}/healthz")

    assert done.stdout == b"alive\n"
    assert "Traceback" not in serving.log()
