"""Our own vectors: they are what their builder makes, and they are read for what they are."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from enrollment.ca.armor import read_text
from enrollment.ca.request import CertificationRequest, RequestForm, parse_certification_request
from tests import build_vectors

SAN = tuple(x509.DNSName(name) for name in build_vectors.NAMES)
IIS10 = [name for name in build_vectors.FILES if name.startswith("iis10")]


def read(file_name: str) -> CertificationRequest:
    octets = (build_vectors.VECTORS / file_name).read_bytes()
    return parse_certification_request(read_text(octets))


@pytest.mark.parametrize("file_name", build_vectors.FILES)
def test_a_vector_is_what_its_builder_makes(file_name: str) -> None:
    stored = (build_vectors.VECTORS / file_name).read_bytes()

    assert stored == build_vectors.FILES[file_name]()


@pytest.mark.parametrize("file_name", build_vectors.FILES)
def test_a_vector_has_a_note_of_what_it_stands_for(file_name: str) -> None:
    notes = (build_vectors.VECTORS / "README.md").read_text(encoding="utf-8")

    assert f"| `{file_name}` |" in notes


@pytest.mark.parametrize("file_name", IIS10)
def test_a_request_of_iis_is_the_same_in_every_wrapping(file_name: str) -> None:
    request = read(file_name)

    assert request.der == build_vectors.iis_request()
    assert request.subject_alternative_name == SAN
    assert request.microsoft.client_info is not None
    assert request.microsoft.client_info.process == "InetMgr.exe"


def test_the_request_of_iis_4_is_read_and_its_weakness_marked() -> None:
    request = read("iis4-md5-512.txt")

    assert (request.key.bits, request.signature.hash_name) == (512, "md5")
    assert (request.signature.weak, request.unverifiable) == (True, None)


def test_the_renewal_of_windows_is_a_renewal_of_the_old_certificate() -> None:
    request = read("windows-pkcs7-renewal.p7b")

    old = build_vectors.old_certificate().public_bytes(Encoding.DER)
    assert (request.form, request.is_renewal) == (RequestForm.PKCS7, True)
    assert request.signer_certificate == old
    assert request.microsoft.template_name == "WebServer"


def test_the_request_signed_by_openssl_names_the_old_certificate_as_its_signer() -> None:
    request = read("openssl-cms-renewal.p7b")

    old = build_vectors.old_certificate().public_bytes(Encoding.DER)
    assert (request.signer_certificate, request.is_renewal) == (old, False)


def test_the_request_of_certreq_is_new_and_proves_its_own_key() -> None:
    request = read("certreq-cmc.req")

    assert (request.form, request.signer_certificate) == (RequestForm.CMC, None)
    assert request.subject_alternative_name == SAN


@pytest.mark.parametrize(
    ("file_name", "remark"),
    [
        ("unsorted-attributes.csr", "not sorted"),
        ("version-1.csr", "the version is 2 instead of 1"),
        ("indefinite-lengths.der", "indefinite lengths"),
    ],
)
def test_an_odd_encoding_is_read_and_said(file_name: str, remark: str) -> None:
    assert any(remark in each for each in read(file_name).remarks)
