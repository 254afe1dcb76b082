"""certfnsh.asp: every shape in which clients post, and what must never break it."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.core.files.uploadedfile import SimpleUploadedFile

from enrollment.ca.disposition import Disposition
from enrollment.models import EnrollmentRequest
from tests import make
from tests.web.conftest import MISSING

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tests.web.conftest import Visitor

FORM = "application/x-www-form-urlencoded"
PEM = make.request_pem("shape.example.com", dns=("shape.example.com",)).decode()
BODY = "".join(PEM.split("\n")[1:-2])


def is_issued(response: HttpResponse) -> bool:
    return re.search(rb"certnew.cer\?ReqID=(\d+)&", response.content) is not None


SHAPES = {
    "PEM with LF": PEM,
    "PEM with CRLF": PEM.replace("\n", "\r\n"),
    "newlines removed": PEM.replace("\n", ""),
    "NEW CERTIFICATE REQUEST": PEM.replace("CERTIFICATE", "NEW CERTIFICATE"),
    "no armor, one line": BODY,
    "no armor, 64 columns": "\n".join(BODY[at : at + 64] for at in range(0, len(BODY), 64)),
    "no armor, 76 columns, CRLF": "\r\n".join(BODY[at : at + 76] for at in range(0, len(BODY), 76)),
    "text around": f"Here is our request:\n\n{PEM}\nThank you\n",
    "padded with blanks": "\n".join(f"   {line}  " for line in PEM.split("\n")),
    "quoted as in e-mail": "\n".join(f"> {line}" for line in PEM.split("\n")),
    "with a byte order mark": f"\ufeff{PEM}",
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES.keys())
def test_every_shape_of_a_request_is_issued(program: Visitor, text: str) -> None:
    assert is_issued(program.submit(text))


@pytest.mark.parametrize(
    "attributes",
    [
        "CertificateTemplate:WebServer",
        "CertificateTemplate:WebServer\r\n",
        "CertificateTemplate:WebServer\n",
        "\r\nUserAgent:x\r\ncertificatetemplate: WebServer \r\n",
        "CertificateTemplate:WebServer\r\nSAN:dns=other.example.com",
    ],
)
def test_every_line_end_of_attributes_is_read(program: Visitor, attributes: str) -> None:
    assert is_issued(program.submit(PEM, CertAttrib=attributes))


def raw_body(**fields: str) -> bytes:
    return "&".join(f"{name}={value}" for name, value in fields.items()).encode()


ENCODED = quote_plus(PEM)
BODIES = {
    "order turned around, no optional field": raw_body(
        CertAttrib="CertificateTemplate%3AWebServer", CertRequest=ENCODED, Mode="newreq"
    ),
    "names in other case": raw_body(
        mode="NEWREQ", CERTREQUEST=ENCODED, certattrib="CertificateTemplate:WebServer"
    ),
    "invalid percent escape": raw_body(
        Mode="newreq",
        CertRequest=ENCODED,
        CertAttrib="CertificateTemplate:WebServer",
        TargetStoreFlags="%!s(int=0)",
    ),
    "literal colon, lower-case escapes, raw slash and equals": raw_body(
        Mode="newreq",
        CertRequest=PEM.replace("+", "%2b").replace("\n", "%0d%0a").replace(" ", "+"),
        CertAttrib="CertificateTemplate:WebServer%0d%0a",
    ),
    "blank inside a value": raw_body(
        Mode="newreq",
        CertRequest=ENCODED,
        CertAttrib="CertificateTemplate:WebServer",
        FriendlyType="Saved-Request Certificate (27/02/2019 09:58:30)",
    ),
    "unknown fields": raw_body(
        Mode="newreq",
        CertRequest=ENCODED,
        CertAttrib="CertificateTemplate:WebServer",
        CertificateTemplate="Other",
        ThumbPrint="",
        Thumbprint="",
    ),
    "no mode": raw_body(CertRequest=ENCODED, CertAttrib="CertificateTemplate:WebServer"),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_every_way_of_packing_a_form_is_read(program: Visitor, body: bytes) -> None:
    assert is_issued(program.post_raw(body, FORM))


@pytest.mark.parametrize(
    "content_type",
    [FORM, f"{FORM}; charset=UTF-8", f"{FORM}; charset=iso-8859-1", "text/plain", ""],
)
def test_the_content_type_of_a_form_is_not_trusted(program: Visitor, content_type: str) -> None:
    body = raw_body(CertRequest=ENCODED, CertAttrib="CertificateTemplate:WebServer")

    assert is_issued(program.post_raw(body, content_type))


def test_multipart_is_read_too(program: Visitor) -> None:
    fields = {"Mode": "newreq", "CertRequest": PEM, "CertAttrib": "CertificateTemplate:WebServer"}

    assert is_issued(program.post("certfnsh.asp", fields))


@pytest.mark.parametrize("content", [PEM.encode(), PEM.encode("utf-16"), make.request_der()])
def test_a_file_can_be_sent_without_script(program: Visitor, content: bytes) -> None:
    fields = {
        "Mode": "newreq",
        "CertRequest": "",
        "CertFile": SimpleUploadedFile("server.req", content),
        "lbCertTemplate": "O;WebServer;1",
    }

    assert is_issued(program.post("certfnsh.asp", fields))


def test_the_visible_form_names_the_template_by_its_option(program: Visitor) -> None:
    """The choice in the list goes before typed attributes, as on the original's page."""
    program.submit(PEM, CertAttrib="CertificateTemplate:Other", lbCertTemplate="O;WebServer;1;;;")

    assert EnrollmentRequest.objects.latest("pk").template_name == "WebServer"


HOSTILE = '<script>alert(1)</script>"\u202e&amp;<img src=x>'


@pytest.mark.parametrize("template", ["WebServer", "CodeSigning", "NoSuchTemplate"])
def test_a_hostile_subject_is_shown_escaped_or_refused(program: Visitor, template: str) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, HOSTILE)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    pem = builder.sign(make.key(), hashes.SHA256()).public_bytes(Encoding.PEM)

    shown = [
        program.submit(pem, template),
        program.post("preview", {"CertRequest": pem.decode(), "full": "1"}),
        program.get("requests"),
        program.get("certckpn.asp"),
        program.get(f"status?id={EnrollmentRequest.objects.latest('pk').pk}"),
    ]

    for response in shown:
        text = response.content.decode()
        assert response.status_code == 200
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "\u202e" not in text
        assert MISSING not in text


@pytest.mark.parametrize(
    "attributes",
    [
        "CertificateTemplate:<script>alert(1)</script>",
        'CertificateTemplate:"quoted"',
        "CertificateTemplate:\u202eWebServer\x00",
        "CertificateTemplate:" + "x" * 30000,
    ],
)
def test_a_hostile_attribute_is_shown_escaped(program: Visitor, attributes: str) -> None:
    text = program.submit(PEM, CertAttrib=attributes).content.decode()

    assert "<script>alert" not in text
    match = re.search(r'The disposition message is "([^"]+)"\.', text)
    assert match is not None
    assert "&quot;" not in match[1]


JUNK = {
    "nothing": b"",
    "text": b"CertRequest=hello",
    "NUL": b"CertRequest=%00%00%00",
    "not UTF-8": b"CertRequest=%ff%fe%80",
    "broken base64": f"CertRequest={ENCODED[:400]}".encode(),
    "many fields": b"&".join(b"a%d=1" % number for number in range(5000)),
    "many equals": b"=&=&=" * 1000,
    "not a form": bytes(range(256)),
    "64 KiB of garbage": b"CertRequest=" + b"A" * 65536,
    "too large for a request": b"CertRequest=" + b"A" * 1_000_000,
}


@pytest.mark.parametrize("mode", ["newreq", "chkpnd"])
@pytest.mark.parametrize("body", JUNK.values(), ids=JUNK.keys())
def test_junk_is_refused_with_a_page(program: Visitor, body: bytes, mode: str) -> None:
    response = program.post_raw(body + f"&Mode={mode}".encode(), FORM)

    assert response.status_code == 200
    assert not is_issued(response)
    assert MISSING not in response.content.decode()


@pytest.mark.parametrize("mode", ["newreq", "chkpnd"])
def test_what_is_too_large_for_any_form_is_not_read(program: Visitor, mode: str) -> None:
    body = b"CertRequest=" + b"A" * 2_000_000 + f"&Mode={mode}".encode()

    response = program.post_raw(body, FORM)

    assert response.status_code == 413
    assert "larger than any certificate request" in response.content.decode()


@pytest.mark.parametrize(
    "body", [b"", b"--x\r\n", b'--x\r\nContent-Disposition: form-data; name="CertRequest"\r\n\r\nA']
)
def test_broken_multipart_is_refused_with_a_page(program: Visitor, body: bytes) -> None:
    for content_type in ("multipart/form-data; boundary=x", "multipart/form-data"):
        response = program.post_raw(body, content_type)
        assert response.status_code == 200


def test_a_probing_get_meets_a_page_of_the_site(program: Visitor) -> None:
    """Infisical probes with GET (contract 1.4)."""
    response = program.get("certfnsh.asp")

    assert response.status_code == 200
    assert b"Certificate Services" in response.content


def test_a_private_key_is_named_and_not_kept(program: Visitor) -> None:
    key = make.key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    text = html.unescape(program.submit(key).content.decode())

    row = EnrollmentRequest.objects.latest("pk")
    assert "private key" in text
    assert bytes(row.raw) == b""
    assert BODY[:40] not in text


def test_a_waiting_request_is_remembered_by_the_browser(program: Visitor) -> None:
    """Cookie Requests=[id,flags,save,type], contract section 1.5."""
    response = program.submit(PEM, "CodeSigning", FriendlyType="Saved-Request Certificate")

    number = EnrollmentRequest.objects.latest("pk").pk
    cookie = response.cookies["Requests"]
    assert cookie.value == quote_plus(f"[{number},0,yes,Saved-Request Certificate]")
    assert cookie["httponly"]
    assert str(number).encode() in program.get("certckpn.asp").content


def test_a_removed_request_leaves_the_cookie_and_not_the_ca(program: Visitor) -> None:
    program.submit(PEM, "CodeSigning")
    number = EnrollmentRequest.objects.latest("pk").pk

    response = program.post("certrmpn.asp", {"ReqID": str(number)})

    assert response.cookies["Requests"].value == ""
    assert EnrollmentRequest.objects.get(pk=number).disposition == Disposition.UNDER_SUBMISSION


def test_ids_in_the_cookie_give_no_rights(program: Visitor, stranger: Visitor) -> None:
    program.submit(PEM, "CodeSigning")
    number = EnrollmentRequest.objects.latest("pk").pk
    cookie = quote_plus(f"[{number},0,yes,Saved-Request]")

    response = stranger.get("certckpn.asp", headers={"Cookie": f"Requests={cookie}"})

    assert b"You have no pending certificate requests." in response.content


def test_programs_are_sent_no_cookie_but_that_of_a_waiting_request(program: Visitor) -> None:
    assert not program.submit(PEM).cookies
