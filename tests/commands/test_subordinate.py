"""A CA below another one, at the shell: what the operator reads at each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from django.test import Client

from enrollment import conf
from enrollment.ca import encode
from enrollment.models import Authority, AuthorityRequest
from tests.services import above
from tests.services.conftest import configure

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509

    from enrollment.services.setup import SetupReport
    from tests.ca.parents import Parent
    from tests.commands.conftest import Shell
    from tests.services.acts import Configure

__all__ = ["configure"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(shell: Shell, configure: Configure, tmp_path: Path) -> str:
    """What set-up prints for a CA below another one."""
    configure(CERTSRV_CA_ROLE="subordinate", CERTSRV_HOME=str(tmp_path / "home"))
    return shell("setup")


@pytest.fixture
def root() -> Parent:
    """The CA above."""
    return above.root()


def save(folder: Path, name: str, *certificates: x509.Certificate) -> str:
    path = folder / name
    path.write_text(encode.pem_bundle(each.public_bytes(Encoding.DER) for each in certificates))
    return str(path)


def test_set_up_says_where_the_request_is_and_what_to_type(waiting: str) -> None:
    assert str(conf.current().home / "ca-request.pem") in waiting
    assert AuthorityRequest.objects.get().digest in waiting
    assert "openssl x509 -req" in waiting
    assert "certreq -submit" in waiting
    assert "manage.py ca install ca.pem --chain root.pem" in waiting
    assert "Made the CA" not in waiting


@pytest.mark.parametrize("words", [("serve",), ("ca", "show"), ("ca", "check"), ("crl", "publish")])
def test_until_the_answer_is_there_commands_say_the_next_step(
    words: tuple[str, ...], waiting: str, shell: Shell
) -> None:
    assert "python manage.py ca install FILE" in shell.refused(*words)


def test_a_load_balancer_reads_the_next_step_and_no_path(waiting: str) -> None:
    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert b"ca install FILE" in answer.content
    assert str(conf.current().home).encode() not in answer.content


def test_the_request_is_given_again_wherever_it_is_wanted(
    waiting: str, shell: Shell, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.pem"

    shell("ca", "request", "--out", str(copy))

    written = (conf.current().home / "ca-request.pem").read_text()
    assert copy.read_text() == written == shell("ca", "request", "--out", "-").strip() + "\n"
    assert AuthorityRequest.objects.count() == 1


def test_init_makes_the_request_too(shell: Shell, configure: Configure, tmp_path: Path) -> None:
    tmp_path.joinpath("home").mkdir()
    configure(CERTSRV_CA_ROLE="subordinate", CERTSRV_HOME=str(tmp_path / "home"))

    assert "waits for its certificate" in shell("ca", "init")
    assert not Authority.objects.exists()


def test_a_request_that_cannot_be_written_is_a_sentence(
    waiting: str, shell: Shell, tmp_path: Path
) -> None:
    sentence = shell.refused("ca", "request", "--out", str(tmp_path))

    assert sentence == f"{tmp_path} cannot be written: Is a directory."


def test_an_answer_is_installed_and_shown(
    waiting: str, shell: Shell, root: Parent, tmp_path: Path
) -> None:
    certificate = above.sign(root, AuthorityRequest.objects.get())
    file = save(tmp_path, "ca.pem", certificate)
    chain = save(tmp_path, "root.pem", root.certificate)

    printed = shell("ca", "install", file, "--chain", chain)

    assert "Installed certificate 0, key 0, of the CA “Example Issuing CA”" in printed
    assert "below 'CN=Example Root'" in printed
    [facts] = shell.json("ca", "show")
    assert facts["issuer"] == "CN=Example Root"
    assert facts["chain"] == ["CN=Example Root"]
    assert "CN=Example Root" in shell("ca", "show")
    checks = {check["name"]: check for check in shell.json("ca", "check", "--offline")}
    assert checks["Certificate above the CA"]["severity"] == "ok"
    assert checks["CA key"]["severity"] == "ok"
    assert "is CA certificate 0 already" in shell("ca", "install", file)


def test_what_the_operator_should_know_is_printed(
    waiting: str, shell: Shell, root: Parent, tmp_path: Path
) -> None:
    certificate = above.sign(root, AuthorityRequest.objects.get(), path_length=0, aki=False)

    printed = shell("ca", "install", save(tmp_path, "ca.pem", certificate, root.certificate))

    assert "Note: It has no authority key identifier" in printed
    assert "Note: 'CN=Example Issuing CA' allows no CA below it." in printed


def test_a_wrong_answer_is_refused_with_the_reason(
    waiting: str, shell: Shell, root: Parent, tmp_path: Path
) -> None:
    certificate = above.sign(root, AuthorityRequest.objects.get(), ca=False)

    sentence = shell.refused(
        "ca", "install", save(tmp_path, "ca.pem", certificate, root.certificate)
    )

    assert "'CN=Example Issuing CA' is not the certificate of a CA: it says CA:FALSE" in sentence
    assert "0x80096019 TRUST_E_BASIC_CONSTRAINTS" in sentence
    assert not Authority.objects.exists()


def test_a_file_that_is_not_there_is_said_so(waiting: str, shell: Shell) -> None:
    assert shell.refused("ca", "install", "nowhere.pem") == (
        "nowhere.pem cannot be read: No such file or directory."
    )


def test_a_renewal_asks_the_ca_above(
    waiting: str, shell: Shell, root: Parent, tmp_path: Path
) -> None:
    first = above.sign(root, AuthorityRequest.objects.get())
    shell("ca", "install", save(tmp_path, "ca.pem", first, root.certificate))

    printed = shell("ca", "renew")

    assert "waits for its certificate from the CA above it, for the key it has" in printed
    second = above.sign(root, AuthorityRequest.objects.latest("pk"))
    assert "Installed certificate 1, key 0" in shell(
        "ca", "install", save(tmp_path, "renewed.pem", second)
    )
    assert "for a new key" in shell("ca", "renew", "--new-key")


def test_a_ca_that_signs_itself_says_how_it_gets_below_another(
    site: SetupReport, shell: Shell
) -> None:
    assert "CERTSRV_CA_ROLE=subordinate" in shell.refused("ca", "request")
