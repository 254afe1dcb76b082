"""RSA keys that say which signatures they make.

Source: RFC 4055 sections 1.2 and 3.3.
"""

from __future__ import annotations

from typing import Final

from enrollment.ca import ber, signatures
from enrollment.ca.errors import SignatureInvalid

_REMEDY: Final = "Make the request again with a program that keeps to the limits of its own key."


def check(spki_der: bytes, algorithm: signatures.SignatureAlgorithm) -> None:
    """Hold a signature to what the key of a request allows; other keys allow what they can.

    `cryptography` loads an RSASSA-PSS key as any RSA key and forgets its parameters.

    Args:
        spki_der: a SubjectPublicKeyInfo that `keys.describe_public_key` has accepted.
        algorithm: of the signature.

    Raises:
        SignatureInvalid: the key does not make such signatures.
        MalformedRequest: the parameters of the key are none.
    """
    identifier = ber.read(spki_der).children()[0]
    parts = identifier.children()
    if ber.object_identifier(parts[0], "The key algorithm") != signatures.PSS:
        return
    if algorithm.facts.oid != signatures.PSS:
        raise SignatureInvalid(
            f"The request is signed with {algorithm.facts.algorithm}, but its key is for "
            "RSASSA-PSS only.",
            remedy=_REMEDY,
        )
    if len(parts) == 1:
        return
    allowed = signatures.read_algorithm(identifier, "The key algorithm")
    hash_and_mask = (algorithm.hash, algorithm.mask_hash)
    if hash_and_mask != (allowed.hash, allowed.mask_hash) or algorithm.salt < allowed.salt:
        raise SignatureInvalid(
            "The request is signed with other parameters of RSASSA-PSS than its key allows.",
            remedy=_REMEDY,
        )
