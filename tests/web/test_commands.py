"""The commands our pages tell people to type do what the pages say: they are run here."""

from __future__ import annotations

import html
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from enrollment.protocols.web import commands, recipes
from enrollment.protocols.web.commands import NameUnusable, typed_names
from tests.tools import require

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.conftest import Visitor

NAMES = "www.example.com example.com, 10.1.2.3\nadmin@example.com;2001:db8::1"


def run(text: str, folder: Path) -> None:
    """Run a command of a page as somebody's shell does, answering keytool's questions."""
    require("openssl")
    text = text.replace("keytool", f"{require('keytool')} -storepass changeit")
    done = subprocess.run(
        ["sh", "-ec", text], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def command(tool: str, **options: str) -> str:
    found = commands.commands_for(typed_names(NAMES), **options)
    return next(each.text for each in found if each.tool.startswith(tool))


def alternative_names(path: Path) -> set[str]:
    request = x509.load_pem_x509_csr(path.read_bytes())
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


@pytest.mark.parametrize("tool", ["OpenSSL", "keytool"])
@pytest.mark.parametrize("key", [commands.RSA, commands.EC])
def test_a_command_writes_a_request_for_the_names_typed(
    tmp_path: Path, tool: str, key: str
) -> None:
    run(command(tool, organization="Example (Europe) Inc.", key=key), tmp_path)

    assert alternative_names(tmp_path / "request.req") == {
        "www.example.com",
        "example.com",
        "10.1.2.3",
        "admin@example.com",
        "2001:db8::1",
    }


def test_the_page_shows_the_commands(program: Visitor) -> None:
    response = program.get("certrqma.asp", query_params={"names": NAMES, "organization": "Example"})
    text = html.unescape(response.content.decode())

    for words in ("openssl req -new", "certreq -new request.inf", "keytool -genkeypair"):
        assert words in text
    assert '_continue_ = "ipaddress=10.1.2.3&"' in text


@pytest.mark.parametrize(
    "names",
    [
        "$(reboot)",
        "::1%$(reboot)",
        "fe80::1%eth0",
        "a b;`id`",
        '"',
        "www.example.com' -x",
        "x" * 300,
        "bücher.example",
        "-addext",
    ],
)
def test_what_is_no_name_never_reaches_a_command(program: Visitor, names: str) -> None:
    text = program.get("certrqma.asp", query_params={"names": names}).content.decode()

    assert "openssl req" not in text
    assert "is not a host name" in html.unescape(text)


@pytest.mark.parametrize("organization", ['A" -x', "$(id)", "a/b", "a,b", "`x`", "a\nb", "a\\"])
def test_an_organization_that_would_need_quoting_is_refused(organization: str) -> None:
    with pytest.raises(NameUnusable):
        commands.organization(organization)


def test_too_many_names_are_refused() -> None:
    with pytest.raises(NameUnusable, match="up to 50"):
        typed_names(" ".join(f"h{number}.example.com" for number in range(51)))


def test_the_recipe_for_tomcat_installs_certificate_and_chain(
    program: Visitor, tmp_path: Path
) -> None:
    """Key store made by our command, filled by our recipe."""
    run(command("keytool"), tmp_path)
    response = program.submit((tmp_path / "request.req").read_bytes())
    match = re.search(rb"certnew.cer\?ReqID=(\d+)&", response.content)
    assert match is not None, response.content
    number = int(match[1])
    (tmp_path / "ca.cer").write_bytes(program.get("certnew.cer?ReqID=CACert").content)
    (tmp_path / "certnew.p7b").write_bytes(program.get(f"certnew.p7b?ReqID={number}").content)

    tomcat = next(recipe for recipe in recipes.SERVER_RECIPES if "Tomcat" in recipe.server)
    for step in tomcat.steps:
        if step.command.startswith("keytool"):
            run(step.command, tmp_path)
    run("keytool -list -v -alias server -keystore keystore.p12 > listing", tmp_path)

    assert "Certificate chain length: 2" in (tmp_path / "listing").read_text()


def test_the_command_to_renew_keeps_names_and_key(program: Visitor, tmp_path: Path) -> None:
    run(command("OpenSSL"), tmp_path)
    response = program.submit((tmp_path / "request.req").read_bytes())
    match = re.search(rb"certnew.cer\?ReqID=(\d+)&", response.content)
    assert match is not None, response.content
    certificate = program.get(f"certnew.cer?ReqID={int(match[1])}&Enc=b64").content
    (tmp_path / "certnew.cer").write_bytes(certificate)
    before = x509.load_pem_x509_csr((tmp_path / "request.req").read_bytes())

    run(commands.renewal_command(), tmp_path)
    after = x509.load_pem_x509_csr((tmp_path / "request.req").read_bytes())
    answer = program.submit((tmp_path / "request.req").read_bytes()).content.decode()

    assert after.public_key() == before.public_key()
    assert "<dt>Renews</dt>" in answer


def test_a_refused_request_with_strange_names_suggests_no_command() -> None:
    assert commands.openssl_for(["$(reboot)", "<b>"]) == ()
    assert commands.openssl_for(["$(reboot)", "www.example.com"])
