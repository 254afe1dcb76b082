"""A site below another CA whose key is on a token, and one below a root of our own."""

from __future__ import annotations

import re
import urllib.parse
from typing import TYPE_CHECKING

import pytest

from tests.below.judged import enroll
from tests.below.openssl import OpensslCa, make_root
from tests.keys.softhsm import make_token
from tests.live import LiveSite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BELOW = {"CERTSRV_CA_ROLE": "subordinate", "CERTSRV_CA_KEY": "ec:p256"}


@pytest.fixture
def sites() -> Iterator[list[LiveSite]]:
    """Sites that a test starts, stopped after it."""
    started: list[LiveSite] = []
    yield started
    for site in started:
        if site.process is not None:
            site.stop()


def test_a_key_on_a_token_is_asked_for_and_signs_in_the_signer_process(
    tmp_path: Path, sites: list[LiveSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOFTHSM2_CONF", "")
    token = make_token(tmp_path)
    settings = token.environment(tmp_path / "pin") | {"CERTSRV_SIGNER": "process"}
    site = LiveSite(tmp_path / "home", BELOW | settings)
    sites.append(site)
    site.set_up()
    root = make_root(tmp_path)

    answer = root.sign(
        site.home / "ca-request.pem", tmp_path / "ca.pem", "-copy_extensions", "copy"
    )
    site.manage("ca", "install", str(answer), "--chain", str(root.certificate))
    site.launch()

    assert not (site.home / "keys").exists()
    assert enroll(site, tmp_path / "leaf", root).openssl().endswith(": OK\n")
    # Renewed while the signer runs: it finds the new key by itself.
    site.manage("ca", "renew", "--new-key")
    renewed = root.sign(
        site.home / "ca-request.pem", tmp_path / "new.pem", "-copy_extensions", "copy"
    )
    site.manage("ca", "install", str(renewed))
    assert enroll(site, tmp_path / "later", root).openssl().endswith(": OK\n")


def test_a_root_of_our_own_signs_on_its_pages_what_is_installed_here(
    tmp_path: Path, sites: list[LiveSite]
) -> None:
    """The request is pasted at the root with the template SubCA, and a manager decides."""
    above = LiveSite(
        tmp_path / "above", {"CERTSRV_CA_KEY": "ec:p256", "CERTSRV_CA_NAME": "Example Root"}
    )
    below = LiveSite(tmp_path / "below", BELOW)
    sites += [above, below]
    for site in sites:
        site.set_up()
    above.launch()
    number = paste(above, (below.home / "ca-request.pem").read_text())
    digest = re.search(r"digest:\s+(\w+)", above.manage("requests", "show", number))
    assert digest is not None
    above.manage("requests", "approve", number, "--digest", digest[1])

    answer = tmp_path / "certnew.p7b"
    answer.write_bytes(above.fetch(f"/certsrv/certnew.p7b?ReqID={number}&Enc=b64", name="alice"))
    below.manage("ca", "install", str(answer))
    below.launch()

    root = tmp_path / "root.pem"
    root.write_bytes(above.fetch("/certsrv/certnew.cer?ReqID=CACert&Enc=b64", name="alice"))
    leaf = enroll(below, tmp_path / "leaf", OpensslCa(root, root))
    assert leaf.openssl().endswith(": OK\n")
    assert "Verified. The certificate is trusted." in leaf.gnutls()


def paste(site: LiveSite, request: str) -> str:
    """Submit a request for a CA and return its number."""
    fields = {
        "Mode": "newreq",
        "CertRequest": request,
        "CertAttrib": "CertificateTemplate:SubCA",
        "TargetStoreFlags": "0",
        "SaveCert": "yes",
    }
    body = urllib.parse.urlencode(fields).encode()
    page = site.fetch("/certsrv/certfnsh.asp", name="alice", data=body).decode()
    found = re.search(r"Your Request Id is (\d+)", page)
    assert found is not None, page
    return found[1]
