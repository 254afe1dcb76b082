"""What a signature of a message covers: the content, by its hash, and its type."""

from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING

import pytest

from enrollment.ca import der
from enrollment.ca.errors import (
    SignatureInvalid,
)
from enrollment.ca.request import parse_certification_request
from tests import make, messages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


from tests.ca.signed_messages import NEW_KEY, OLD, OLD_DER, OLD_KEY, SUBJECT

CONTENT_TYPE = "1.2.840.113549.1.9.3"
OF_DATA = messages.attribute(CONTENT_TYPE, der.oid(messages.DATA))
SIGNING_TIME = messages.attribute("1.2.840.113549.1.9.5", der.time(make.NOW))


def digest_of(content: bytes, name: str = "sha256") -> bytes:
    octets = hashlib.new(name, content).digest()
    return messages.attribute("1.2.840.113549.1.9.4", der.octet_string(octets))


def by_hand(
    signed: Sequence[bytes], *, unsigned: Sequence[bytes] = (), digest: str = "sha256"
) -> bytes:
    """Return a SignerInfo with no other attributes than these, signed with SHA-256."""
    attributes = sorted(signed)
    return der.sequence(
        der.integer(1),
        der.sequence(OLD.issuer.public_bytes(), der.integer(OLD.serial_number)),
        messages.digest_algorithm(digest),
        der.explicit(0, b"".join(attributes)),
        messages.signature_algorithm(OLD_KEY),
        der.octet_string(messages.sign(OLD_KEY, der.tlv(der.SET, *attributes))),
        der.explicit(1, b"".join(unsigned)) if unsigned else b"",
    )


MESSAGE = messages.pkcs10(NEW_KEY, SUBJECT)
TWO_TYPES = messages.attribute(CONTENT_TYPE, der.oid(messages.DATA), der.oid(messages.PKI_DATA))
NOT_COVERED = {
    "the hash is not signed": by_hand([OF_DATA, SIGNING_TIME], unsigned=[digest_of(MESSAGE)]),
    "neither hash nor type is": by_hand([SIGNING_TIME], unsigned=[digest_of(MESSAGE), OF_DATA]),
    "the type is not signed": by_hand([digest_of(MESSAGE)], unsigned=[OF_DATA]),
    "there is no type": by_hand([digest_of(MESSAGE)]),
    "there are two types": by_hand([digest_of(MESSAGE), TWO_TYPES]),
}


@pytest.mark.parametrize("what", NOT_COVERED)
def test_a_signature_that_does_not_cover_the_content_is_refused(what: str, tmp_path: Path) -> None:
    """OpenSSL says the same of each, and takes what they resemble."""
    octets = messages.signed_data(MESSAGE, [NOT_COVERED[what]], [OLD])

    with pytest.raises(SignatureInvalid):
        parse_certification_request(octets)
    assert not openssl_verifies(octets, tmp_path)


def test_a_signature_that_covers_hash_and_type_is_good(tmp_path: Path) -> None:
    octets = messages.signed_data(MESSAGE, [by_hand([OF_DATA, digest_of(MESSAGE)])], [OLD])

    assert parse_certification_request(octets).signer_certificate == OLD_DER
    assert openssl_verifies(octets, tmp_path)


def openssl_verifies(octets: bytes, folder: Path) -> bool:
    (folder / "message").write_bytes(octets)
    command = ["openssl", "cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in"]
    done = subprocess.run(
        [*command, folder / "message", "-out", folder / "content"], capture_output=True, check=False
    )
    return done.returncode == 0


@pytest.mark.parametrize("digest", ["md5", "sha1"])
def test_a_good_signature_over_a_broken_hash_of_the_content_is_remarked_upon(digest: str) -> None:
    signer = by_hand([OF_DATA, digest_of(MESSAGE, digest)], digest=digest)

    request = parse_certification_request(messages.signed_data(MESSAGE, [signer], [OLD]))

    assert any(f"over {digest.upper()}, a broken hash" in remark for remark in request.remarks)
