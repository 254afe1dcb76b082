"""What a CA below another one asks for."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509

from enrollment.ca import content, subordinate
from enrollment.ca.request import parse_certification_request
from enrollment.ca.root import FIRST, Generation
from enrollment.keys import FileSigner
from tests import make

NAME = "Example Issuing CA"


def request(name: str = NAME, *, generation: Generation = FIRST, **options: Any) -> bytes:
    settings = {"is_enterprise": True, **options}
    return subordinate.request(
        subordinate.subject_of(name),
        FileSigner(make.key("ec:p256", 80)),
        generation=generation,
        **settings,
    )


def asked_for(der: bytes) -> dict[str, bool]:
    """Return the extensions of a request in their order, and whether each is critical."""
    loaded = x509.load_der_x509_csr(der)
    return {item.oid.dotted_string: item.critical for item in loaded.extensions}


def test_the_request_asks_for_what_a_subordinate_holds_in_the_order_of_ad_cs() -> None:
    """ms-facts d.5: `.21.1`, [`.21.2`], SKI, `.20.2` SubCA, KU!, basicConstraints!."""
    assert asked_for(request()) == {
        content.CA_VERSION: False, "2.5.29.14": False, content.TEMPLATE_NAME: False,
        "2.5.29.15": True, "2.5.29.19": True,
    }  # fmt: skip
    assert next(iter(asked_for(request()))) == content.CA_VERSION


def test_a_stand_alone_ca_names_no_template() -> None:
    assert content.TEMPLATE_NAME not in asked_for(request(is_enterprise=False))


def test_a_renewal_names_its_version_and_the_certificate_before_it() -> None:
    """ms-facts a.2: V1.1, renewed with a new key."""
    loaded = x509.load_der_x509_csr(request(generation=Generation(1, 1, b"the one before")))

    version, previous = (
        loaded.extensions.get_extension_for_oid(x509.ObjectIdentifier(oid)).value.public_bytes()
        for oid in (content.CA_VERSION, content.PREVIOUS_CA_HASH)
    )
    assert version.hex() == "0203010001"
    assert len(previous) == 22


def test_the_request_proves_possession_of_its_key() -> None:
    parsed = parse_certification_request(request())

    assert parsed.unverifiable is None
    assert parsed.microsoft.template_name == "SubCA"


@pytest.mark.parametrize(
    "kind", ["rsa:2048", "ec:p256", "ec:p384", "ec:p521", "ed25519", "ml-dsa-65"]
)
def test_every_kind_of_ca_key_asks(kind: str) -> None:
    der = subordinate.request(
        subordinate.subject_of(NAME),
        FileSigner(make.key(kind)),
        is_enterprise=True,
        generation=FIRST,
    )

    assert parse_certification_request(der).unverifiable is None


def test_a_renewal_asks_in_the_name_the_ca_has() -> None:
    """A parent may have written the name in another string type; the request keeps it."""
    printable = bytes.fromhex("300d310b300906035504031302 4341".replace(" ", ""))

    der = subordinate.request(
        printable, FileSigner(make.key("ec:p256", 80)), is_enterprise=True, generation=FIRST
    )

    assert x509.load_der_x509_csr(der).subject.public_bytes() == printable
