"""Microsoft's codes in the three shapes that its pages print (contract section 6)."""

from __future__ import annotations

import pytest

from enrollment.ca import hresult


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        pytest.param(
            hresult.KEY_LENGTH,
            "The public key does not meet the minimum size required by the specified certificate "
            "template. 0x80094811 (-2146875375 CERTSRV_E_KEY_LENGTH)",
            id="a code of the CA with its signed number and symbol",
        ),
        pytest.param(
            hresult.INVALID_PARAMETER,
            "The parameter is incorrect. 0x80070057 (WIN32: 87 ERROR_INVALID_PARAMETER)",
            id="a Windows code with the number it wraps",
        ),
        pytest.param(
            hresult.ASN1_BADTAG,
            "ASN1 bad tag value met. 0x8009310b (ASN: 267 CRYPT_E_ASN1_BADTAG)",
            id="an ASN.1 code with the number it wraps",
        ),
        pytest.param(
            hresult.SUCCESS,
            "The operation completed successfully. 0x0 (WIN32: 0)",
            id="no error at all",
        ),
    ],
)
def test_a_code_is_described_as_the_pages_print_it(code: int, printed: str) -> None:
    assert hresult.describe(code) == printed


@pytest.mark.parametrize(
    ("code", "number"),
    [
        (0x80094801, hresult.NO_CERT_TYPE),
        (0x80094012, hresult.TEMPLATE_DENIED),
        (0x80094014, hresult.ADMIN_DENIED_REQUEST),
        (0x80094004, hresult.PROPERTY_EMPTY),
        (0x80090006, hresult.NTE_BAD_SIGNATURE),
        (0x8009400E, hresult.BAD_RENEWAL_CERT_ATTRIBUTE),
    ],
)
def test_codes_have_the_numbers_of_the_contract(code: int, number: int) -> None:
    assert code == number


def test_every_text_is_a_sentence_and_every_code_a_failure_or_success() -> None:
    for code, (symbol, sentence) in hresult.TEXTS.items():
        assert symbol
        assert sentence.endswith(".")
        assert '"' not in sentence
        assert code == 0 or code >> 31 == 1


def test_the_decimal_number_is_the_code_as_a_signed_integer() -> None:
    """Scripts compare -2146885628 and its like."""
    signed = int.from_bytes(hresult.PROPERTY_EMPTY.to_bytes(4, "big"), "big", signed=True)

    assert f"({signed} CERTSRV_E_PROPERTY_EMPTY)" in hresult.describe(hresult.PROPERTY_EMPTY)
