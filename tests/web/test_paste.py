"""certrqxt.asp and its preview: what the CA read, what it would do, and that nothing is stored."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.files.uploadedfile import SimpleUploadedFile

from enrollment import conf
from enrollment.models import AuditEvent, EnrollmentRequest
from tests import make
from tests.web.conftest import MISSING, Visitor

PEM = make.request_pem("paste.example.com", dns=("paste.example.com", "www.paste.example.com"))


def preview(program: Visitor, text: str, template: str = "WebServer", **fields: object) -> str:
    posted = {"CertRequest": text, "lbCertTemplate": f"O;{template};1", **fields}
    response = program.post("preview", posted)
    assert response.status_code == 200
    shown = html.unescape(response.content.decode())
    assert MISSING not in shown
    return shown


@pytest.mark.parametrize(
    ("template", "verdict"),
    [
        ("WebServer", "The CA would issue this certificate at once"),
        ("CodeSigning", "This request would wait for a certificate manager"),
        ("NoSuchTemplate", "The CA would deny this request"),
    ],
)
def test_the_preview_tells_the_decision(program: Visitor, template: str, verdict: str) -> None:
    assert verdict in preview(program, PEM.decode(), template)


def test_the_preview_tells_what_was_read(program: Visitor) -> None:
    shown = preview(program, PEM.decode())

    for words in ("CN=paste.example.com", "www.paste.example.com", "RSA 2048", "RSA with SHA-256"):
        assert words in shown


def test_a_preview_leaves_no_trace(program: Visitor) -> None:
    before = EnrollmentRequest.objects.count(), AuditEvent.objects.count()

    preview(program, PEM.decode())
    preview(program, "hello")

    assert (EnrollmentRequest.objects.count(), AuditEvent.objects.count()) == before


def test_the_preview_says_that_somebody_holds_a_name_and_not_who(
    program: Visitor, stranger: Visitor
) -> None:
    stranger.submit(PEM)

    shown = preview(program, PEM.decode())

    assert "paste.example.com: another account" in shown
    assert "charlie" not in shown


def test_the_preview_tells_what_will_be_ignored(program: Visitor) -> None:
    shown = preview(program, PEM.decode(), CertAttrib="SAN:dns=other.example.com")

    assert "The SAN attribute is ignored" in shown


@pytest.mark.parametrize("text", ["", "   \r\n", "hello", "A" * 70000, "\x00", "<script>alert(1)"])
def test_what_is_no_request_is_explained(program: Visitor, text: str) -> None:
    shown = preview(program, text)

    assert "This is not a certificate request" in shown
    assert "alert(1)" not in shown


def test_a_refusal_shows_the_command_that_mends_it(program: Visitor) -> None:
    short = make.request_pem("short.example.com", kind="rsa:1024").decode()

    shown = preview(program, short)

    assert "rsa:3072" in shown
    assert "DNS:short.example.com" in shown


def test_without_script_the_whole_page_comes_back_filled_in(program: Visitor) -> None:
    shown = preview(program, PEM.decode(), "CodeSigning", full="1", CertAttrib="a:b")

    assert PEM.decode().splitlines()[1] in shown
    assert re.search(r'<Option Value="[^"]*CodeSigning[^"]*" Selected>', shown)
    assert "btnSubmit" in shown


@pytest.mark.parametrize("content", [PEM, make.request_der()])
def test_without_script_a_chosen_file_comes_back_as_text(program: Visitor, content: bytes) -> None:
    file = SimpleUploadedFile("server.req", content)

    shown = preview(program, "", full="1", CertFile=file)
    match = re.search(r'(?s)<textarea[^>]*id="locTaRequest"[^>]*>(.*?)</textarea>', shown)

    assert match is not None
    assert "certnew.cer?ReqID=" in program.submit(match[1]).content.decode()


def test_a_private_key_does_not_come_back(program: Visitor) -> None:
    key = make.key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    shown = preview(program, key, full="1")

    assert key.splitlines()[1] not in shown
    assert "private key" in shown


def test_renewing_is_told_and_the_template_is_chosen(program: Visitor) -> None:
    program.submit(PEM)
    number = EnrollmentRequest.objects.latest("pk").pk

    shown = program.get(f"certrqxt.asp?renews={number}").content.decode()

    assert "Renewing paste.example.com" in shown
    assert re.search(r'<Option Value="[^"]*WebServer[^"]*" Selected>', shown)


def test_what_others_hold_is_not_told_as_renewing(program: Visitor, stranger: Visitor) -> None:
    program.submit(PEM)
    number = EnrollmentRequest.objects.latest("pk").pk

    for address in (f"certrqxt.asp?renews={number}", "certrqxt.asp?renews=x"):
        assert b"Renewing" not in stranger.get(address).content


@pytest.fixture
def standalone(program: Visitor, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    """Somebody without an account at a stand-alone CA."""
    changed = replace(conf.current(), ca_type=conf.STANDALONE)
    monkeypatch.setattr(conf, "current", lambda: changed)
    return Visitor()


def test_a_stand_alone_ca_has_no_list_of_templates(standalone: Visitor) -> None:
    """Request and attributes only, as CryptoPro's public CA has it (contract 1.3)."""
    text = standalone.get("certrqxt.asp").content.decode()

    assert "lbCertTemplate" not in text
    assert "locTaRequest" in text
    assert MISSING not in text


def test_at_a_stand_alone_ca_everything_waits(standalone: Visitor) -> None:
    response = standalone.submit(PEM, CertAttrib="")

    assert b"Certificate Pending" in response.content
    assert MISSING not in response.content.decode()
    assert standalone.get("requests").headers["Location"] == "/certsrv/certckpn.asp"
