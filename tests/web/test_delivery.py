"""Octets out: types, line ends, order and rights. Contract rules 3 to 8, 17 and 20."""

from __future__ import annotations

import base64
import re
import subprocess
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from django.test import Client

from enrollment import conf
from enrollment.models import Authority, Certificate
from tests import make
from tests.web.conftest import Visitor

if TYPE_CHECKING:
    from pathlib import Path

PEM = re.compile(
    rb"-----BEGIN CERTIFICATE-----\r\n(?:[A-Za-z0-9+/=]{64}\r\n)*[A-Za-z0-9+/=]{1,64}\r\n"
    rb"-----END CERTIFICATE-----\r\n"
)


def issue(program: Visitor) -> int:
    response = program.submit(make.request_pem("www.example.com", dns=("www.example.com",)))
    match = re.search(rb"certnew.cer\?ReqID=(\d+)&", response.content)
    assert match is not None, response.content
    return int(match[1])


@pytest.mark.parametrize(
    "enc", ["&Enc=b64", "&enc=b64", "&ENC=b64", "&Enc=DER", "&", "", "&Enc=b64&"]
)
def test_anything_but_bin_is_base64_in_exact_lines(program: Visitor, enc: str) -> None:
    """Windows CE cuts the base64 out between the first and the last but one CRLF."""
    response = program.get(f"certnew.cer?ReqID={issue(program)}{enc}")

    assert PEM.fullmatch(response.content)
    assert response["Content-Type"] == "application/pkix-cert"
    assert response["Content-Length"] == str(len(response.content))


@pytest.mark.parametrize("enc", ["Enc=bin", "enc=BIN", "ENC=bin&Mode=inst"])
def test_bin_is_the_certificate_itself(program: Visitor, enc: str) -> None:
    response = program.get(f"certnew.cer?ReqID={issue(program)}&{enc}")

    assert response.content == bytes(Certificate.objects.latest("pk").der)
    assert response["Content-Type"] == "application/pkix-cert"
    assert not response.has_header("Content-Disposition")


def test_nothing_is_compressed_even_when_asked_for(program: Visitor) -> None:
    for address in ("certcarc.asp", "certnew.cer?ReqID=CACert", ""):
        response = program.get(address, headers={"Accept-Encoding": "gzip, deflate, br"})
        assert not response.has_header("Content-Encoding")
        assert response["Content-Length"] == str(len(response.content))


def test_a_chain_is_pkcs7_in_certificate_armor_with_the_leaf_first(program: Visitor) -> None:
    """A sorted SET would lose clients that take the first one (rule 8)."""
    number = issue(program)
    response = program.get(f"certnew.p7b?ReqID={number}&Enc=b64")

    body = base64.b64decode(b"".join(response.content.split(b"\r\n")[1:-2]))
    assert PEM.fullmatch(response.content)
    assert response["Content-Type"] == "application/x-pkcs7-certificates"
    chain = [bytes(Certificate.objects.latest("pk").der), bytes(Authority.objects.get().der)]
    assert b"".join(chain) in body
    assert program.get(f"certnew.p7b?ReqID={number}&Enc=bin").content == body


def test_the_chain_of_the_ca_begins_with_the_ca(program: Visitor) -> None:
    der = program.get("certnew.p7b?ReqID=CACert&Renewal=0&Enc=bin").content

    certificates = pkcs7.load_der_pkcs7_certificates(der)

    assert certificates[0].public_bytes(Encoding.DER) == bytes(Authority.objects.get().der)


@pytest.mark.parametrize("renewal", ["&Renewal=-1", "", "&Renewal=0", "&Renewal=1", "&Renewal=x"])
@pytest.mark.parametrize("name", ["CACert", "cacert"])
def test_every_renewal_gives_a_ca_certificate(program: Visitor, renewal: str, name: str) -> None:
    """Old bgstack15 asks for one too many (contract 1.8: clamp)."""
    response = program.get(f"certnew.cer?ReqID={name}{renewal}&Enc=bin")

    assert response.content == bytes(Authority.objects.get().der)


@pytest.mark.parametrize(
    "number", ["-1", "0", "", "abc", "%21s%28int=0%29", "9" * 40, "1;2", "99999", "\u0661"]
)
def test_an_unknown_id_is_an_error_page_with_status_200(program: Visitor, number: str) -> None:
    for address in ("certnew.cer", "certnew.p7b"):
        response = program.get(f"{address}?ReqID={number}&Enc=b64")
        assert response.status_code == 200
        assert b"0x80094004 (-2146877436 CERTSRV_E_PROPERTY_EMPTY)" in response.content


def test_others_requests_look_like_unknown_ones(program: Visitor, stranger: Visitor) -> None:
    number = issue(program)
    unknown = stranger.get("certnew.cer?ReqID=4711").content

    assert stranger.get(f"certnew.cer?ReqID={number}").content == unknown
    fields = {"Mode": "chkpnd", "ReqID": str(number)}
    assert b"CERTSRV_E_PROPERTY_EMPTY" in stranger.post("certfnsh.asp", fields).content
    assert b"CERTSRV_E_PROPERTY_EMPTY" in stranger.get(f"status?id={number}").content


def test_a_stranger_is_asked_who_they_are(program: Visitor) -> None:
    number = issue(program)

    assert Visitor().get(f"certnew.cer?ReqID={number}").status_code == 401


def test_lists_come_in_both_encodings(program: Visitor) -> None:
    armored = program.get("certcrl.crl?Type=base&Renewal=0&Enc=b64")
    bare = program.get("CertCrl.crl?Type=base&Renewal=-1&Enc=bin")

    text, der = armored.getvalue(), bare.getvalue()
    assert text.startswith(b"-----BEGIN X509 CRL-----\r\n")
    assert x509.load_pem_x509_crl(text) == x509.load_der_x509_crl(der)
    assert bare["Content-Type"] == "application/pkix-crl"


def test_a_delta_list_is_served_beside_its_base(program: Visitor) -> None:
    base = x509.load_der_x509_crl(program.get("certcrl.crl?Type=base&Enc=bin").getvalue())
    delta = x509.load_der_x509_crl(program.get("certcrl.crl?Type=delta&Enc=bin").getvalue())

    indicator = delta.extensions.get_extension_for_class(x509.DeltaCRLIndicator).value
    number = base.extensions.get_extension_for_class(x509.CRLNumber).value

    assert indicator.crl_number <= number.crl_number


def test_a_delta_list_where_deltas_are_off_is_an_error_page(
    program: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = replace(conf.current(), delta_period=timedelta())
    monkeypatch.setattr(conf, "current", lambda: changed)

    response = program.get("certcrl.crl?Type=delta&Enc=bin")

    assert response.status_code == 200
    assert b"There is no delta CRL." in response.content


@pytest.mark.parametrize(
    ("address", "content_type"),
    [
        ("/CertEnroll/localhost_Example%20Issuing%20CA.crt", "application/x-x509-ca-cert"),
        ("/certenroll/LOCALHOST_example issuing ca.CRT", "application/x-x509-ca-cert"),
        ("/CertEnroll/Example%20Issuing%20CA.crl", "application/pkix-crl"),
        ("/CertEnroll/Example%20Issuing%20CA+.crl", "application/pkix-crl"),
        ("/CertEnroll/Example%20Issuing%20CA%2B.crl", "application/pkix-crl"),
    ],
)
@pytest.mark.usefixtures("program")
def test_published_files_are_open_to_everybody(address: str, content_type: str) -> None:
    response = Client().get(address)

    assert response.status_code == 200
    assert response["Content-Type"] == content_type
    assert response.getvalue().startswith(b"\x30")


def test_the_addresses_inside_a_certificate_are_served(program: Visitor) -> None:
    issue(program)
    certificate = x509.load_der_x509_certificate(bytes(Certificate.objects.latest("pk").der))
    crl = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    issuers = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    for uri in (crl[0].full_name[0].value, issuers[0].access_location.value):
        path = "/" + uri.split("/", 3)[3]
        response = Client().get(path)
        assert response.status_code == 200, path
        assert response.getvalue()


@pytest.mark.parametrize("name", ["Example%20Issuing%20CA(7).crl", "x.crl"])
@pytest.mark.usefixtures("program")
def test_files_that_are_not_published_are_not_found(name: str) -> None:
    response = Client().get(f"/CertEnroll/{name}", headers={"Authorization": ""})

    assert response.status_code == 404


def test_openssl_verifies_what_was_downloaded(program: Visitor, tmp_path: Path) -> None:
    number = issue(program)
    (tmp_path / "certnew.cer").write_bytes(program.get(f"certnew.cer?ReqID={number}").content)
    (tmp_path / "ca.cer").write_bytes(program.get("certnew.cer?ReqID=CACert").content)
    (tmp_path / "certnew.p7b").write_bytes(program.get(f"certnew.p7b?ReqID={number}").content)

    verified = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-CAfile", "ca.cer", "certnew.cer"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    # The recipe for nginx and Apache, as it stands on the issued page.
    subprocess.run(
        ["openssl", "pkcs7", "-in", "certnew.p7b", "-print_certs", "-out", "fullchain.pem"],
        cwd=tmp_path, check=True,
    )  # fmt: skip

    assert verified.stdout == "certnew.cer: OK\n", verified.stderr
    full = x509.load_pem_x509_certificates((tmp_path / "fullchain.pem").read_bytes())
    leaf = x509.load_pem_x509_certificate((tmp_path / "certnew.cer").read_bytes())
    assert full[0] == leaf
    assert len(full) == 2


@pytest.mark.parametrize(
    ("agent", "content_type"),
    [("Mozilla/5.0", "application/pkix-cert"), ("acme-adcs-ra/0.1", "text/html")],
)
def test_unknown_agents_get_html_where_a_setting_says_so(
    program: Visitor, monkeypatch: pytest.MonkeyPatch, agent: str, content_type: str
) -> None:
    """VMware's SDDC Manager may need it (contract 1.8)."""
    changed = replace(conf.current(), html_for_unknown_agents=True)
    monkeypatch.setattr(conf, "current", lambda: changed)

    response = program.get("certnew.cer?ReqID=CACert", headers={"User-Agent": agent})

    assert response["Content-Type"] == content_type
    assert PEM.fullmatch(response.content)
