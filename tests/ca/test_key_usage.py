"""What a key may be used for: what the template grants and the key can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment.ca import errors
from enrollment.ca.template import (
    KeyUsage,
    key_usage_extension,
)
from tests import make
from tests.ca.issuing import issue, usages

if TYPE_CHECKING:
    from cryptography import x509

KEY_USAGE = "2.5.29.15"
EKU = "2.5.29.37"
SKI = "2.5.29.14"
AKI = "2.5.29.35"
CDP = "2.5.29.31"
AIA = "1.3.6.1.5.5.7.1.1"
SAN = "2.5.29.17"
BASIC_CONSTRAINTS = "2.5.29.19"
OCSP_NO_CHECK = "1.3.6.1.5.5.7.48.1.5"


RSA_USAGES = frozenset({KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_ENCIPHERMENT})


@pytest.mark.parametrize(
    ("kind", "granted", "written"),
    [
        pytest.param("rsa:2048", RSA_USAGES, RSA_USAGES, id="RSA does everything"),
        pytest.param(
            "ec:p256", RSA_USAGES, {KeyUsage.DIGITAL_SIGNATURE}, id="EC does not encipher keys"
        ),
        pytest.param(
            "ec:p256",
            {KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT},
            {KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT},
            id="EC agrees on keys",
        ),
        pytest.param(
            "ec:p256",
            {KeyUsage.KEY_ENCIPHERMENT},
            {KeyUsage.KEY_AGREEMENT},
            id="EC agrees where RSA would encipher",
        ),
        pytest.param(
            "ed25519",
            RSA_USAGES | {KeyUsage.KEY_AGREEMENT},
            {KeyUsage.DIGITAL_SIGNATURE},
            id="Ed25519 signs only",
        ),
        pytest.param("ml-dsa-65", RSA_USAGES, {KeyUsage.DIGITAL_SIGNATURE}, id="ML-DSA signs only"),
    ],
)
def test_a_key_is_given_the_usages_it_can_serve(
    kind: str, granted: set[KeyUsage], written: set[KeyUsage]
) -> None:
    """RFC 8813 section 3, RFC 8410 section 5, RFC 9881 section 5."""
    template = make.template(key_usages=frozenset(granted))

    assert usages(issue(template, kind=kind)) == written


@pytest.mark.parametrize("kind", ["ed25519", "ml-dsa-65"])
def test_a_key_that_can_serve_none_of_the_usages_is_refused(kind: str) -> None:
    template = make.template("EFS", key_usages=frozenset({KeyUsage.KEY_ENCIPHERMENT}))

    with pytest.raises(errors.KeyKindNotAllowed, match="EFS"):
        issue(template, kind=kind)


def wish(*usages_wished: KeyUsage) -> list[tuple[x509.ExtensionType, bool]]:
    return [(key_usage_extension(frozenset(usages_wished)), True)]


NARROWING = make.template(key_usage_narrowing=True, key_usages=RSA_USAGES)


def test_a_request_may_narrow_the_key_usage_where_the_template_lets_it() -> None:
    wished = wish(KeyUsage.DIGITAL_SIGNATURE)

    certificate = issue(NARROWING, kind="rsa:2048", extensions=wished)

    assert usages(certificate) == {KeyUsage.DIGITAL_SIGNATURE}


def test_a_request_may_not_narrow_it_elsewhere() -> None:
    template = make.template(key_usages=RSA_USAGES)

    certificate = issue(template, kind="rsa:2048", extensions=wish(KeyUsage.DIGITAL_SIGNATURE))

    assert usages(certificate) == RSA_USAGES


@pytest.mark.parametrize(
    "wished",
    [
        pytest.param((KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN), id="a CA's"),
        pytest.param((*RSA_USAGES, KeyUsage.KEY_CERT_SIGN), id="all of the template's and more"),
    ],
)
def test_a_request_can_never_widen_it(wished: tuple[KeyUsage, ...]) -> None:
    certificate = issue(NARROWING, kind="rsa:2048", extensions=wish(*wished))

    assert usages(certificate) == RSA_USAGES
