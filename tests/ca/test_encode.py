"""What goes out, octet for octet, and whether others can read it."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from enrollment.ca import encode
from tests import tools

if TYPE_CHECKING:
    from pathlib import Path


@functools.cache
def certificate(common_name: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2026, 11, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 11, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(Encoding.DER)


def chain() -> list[bytes]:
    """Leaf, issuer, root: in neither order of DER's sorting, which looks at lengths first."""
    return [certificate("m" * 20), certificate("leaf"), certificate("z" * 40), certificate("a")]


def test_pem_has_crlf_everywhere_and_nothing_around_it() -> None:
    """Windows CE cuts the base64 from the first CRLF to the last but one."""
    text = encode.pem(certificate("leaf"))

    assert text.startswith("-----BEGIN CERTIFICATE-----\r\n")
    assert text.endswith("\r\n-----END CERTIFICATE-----\r\n")
    assert "\n" not in text.replace("\r\n", "")


@pytest.mark.parametrize("size", [0, 1, 47, 48, 49, 96, 1000])
def test_base64_lines_are_64_columns_except_the_last(size: int) -> None:
    lines = encode.pem(bytes(size)).split("\r\n")[1:-2]

    assert all(len(line) == 64 for line in lines[:-1])
    assert all(0 < len(line) <= 64 for line in lines)


def test_pem_is_what_cryptography_reads_and_writes() -> None:
    der = certificate("leaf")

    text = encode.pem(der)

    assert x509.load_pem_x509_certificate(text.encode()).public_bytes(Encoding.DER) == der
    assert text.replace("\r\n", "\n").encode() == x509.load_der_x509_certificate(der).public_bytes(
        Encoding.PEM
    )


def test_a_crl_is_labeled_x509_crl() -> None:
    assert encode.pem_crl(b"\x30\x00") == (
        "-----BEGIN X509 CRL-----\r\nMAA=\r\n-----END X509 CRL-----\r\n"
    )


def test_a_chain_is_labeled_certificate_as_ad_cs_labels_it() -> None:
    text = encode.pem_pkcs7(encode.pkcs7(chain()))

    assert text.startswith("-----BEGIN CERTIFICATE-----\r\nMII")
    assert "PKCS7" not in text.splitlines()[0]


def test_thumbprints_are_lower_case_digests_of_the_der() -> None:
    assert encode.thumbprint(b"abc") == "a9993e364706816aba3e25717850c26c9cd0d89d"
    assert encode.thumbprint_sha256(b"abc").startswith("ba7816bf8f01cfea")


def test_a_bundle_is_the_certificates_one_after_the_other() -> None:
    loaded = x509.load_pem_x509_certificates(encode.pem_bundle(chain()).encode())

    assert [item.public_bytes(Encoding.DER) for item in loaded] == chain()


def test_the_order_of_a_chain_is_kept() -> None:
    """Clients take the first certificate as the one they asked for."""
    message = encode.pkcs7(chain())

    positions = [message.index(item) for item in chain()]

    assert positions == sorted(positions)
    assert len(set(positions)) == 4


def test_cryptography_reads_our_chain() -> None:
    """It says that the set is not sorted, which is the very point, and reads it."""
    with pytest.warns(UserWarning, match="InvalidSetOrdering"):
        loaded = pkcs7.load_der_pkcs7_certificates(encode.pkcs7(chain()))

    assert {item.public_bytes(Encoding.DER) for item in loaded} == set(chain())


@pytest.mark.parametrize("inform", ["DER", "PEM"])
def test_openssl_prints_a_chain_in_its_order(inform: str, tmp_path: Path) -> None:
    message = encode.pkcs7(chain())
    file = tmp_path / "certnew.p7b"
    file.write_bytes(message if inform == "DER" else encode.pem_pkcs7(message).encode())

    answer = tools.run("openssl", "pkcs7", "-inform", inform, "-in", file, "-print_certs")

    assert answer.returncode == 0, answer.stdout
    assert re.findall(r"subject=CN ?= ?(\w+)", answer.stdout.decode()) == [
        "m" * 20,
        "leaf",
        "z" * 40,
        "a",
    ]


def test_gnutls_prints_a_chain_in_its_order(tmp_path: Path) -> None:
    file = tmp_path / "certnew.p7b"
    file.write_bytes(encode.pkcs7(chain()))

    answer = tools.run("certtool", "--inder", "--p7-info", "--infile", file)

    assert answer.returncode == 0, answer.stdout
    printed = x509.load_pem_x509_certificates(answer.stdout[answer.stdout.index(b"-----BEGIN") :])
    assert [item.public_bytes(Encoding.DER) for item in printed] == chain()


def test_java_prints_a_chain_in_its_order(tmp_path: Path) -> None:
    file = tmp_path / "certnew.p7b"
    file.write_bytes(encode.pkcs7(chain()))

    answer = tools.run("keytool", "-J-Duser.language=en", "-printcert", "-file", file)

    assert answer.returncode == 0, answer.stdout
    assert re.findall(r"Owner: CN=(\w+)", answer.stdout.decode()) == [
        "m" * 20,
        "leaf",
        "z" * 40,
        "a",
    ]
