"""Keys on a PKCS #11 token: made there, used there, and never outside.

Only a digest goes to the token, so a list of many megabytes is signed as fast as a certificate;
Ed25519 alone has no digest of its own and gets the whole content.

Source: PKCS #11 current mechanisms 3.0 sections 2.1.6 (CKM_RSA_PKCS), 2.3.6 (CKM_ECDSA), 2.3.14
(CKM_EDDSA); RFC 8017 section 9.2 (DigestInfo).
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from enrollment.ca import der
from enrollment.ca.algorithms import SignatureAlgorithm, UnsupportedSigningKey
from enrollment.keys import kinds
from enrollment.keys.errors import TokenKeyExists, TokenKeyMissing, TokenUnable
from enrollment.keys.signer import PublicHalf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
    from pkcs11.types import Session

    from enrollment.keys.reference import TokenReference
    from enrollment.keys.token import Token

_IDENTIFIER_BYTES: Final = 16
_ED25519: Final = der.oid("1.3.101.112")
_CURVES: Final[Mapping[str, bytes]] = {
    "ec:p256": der.oid("1.2.840.10045.3.1.7"),
    "ec:p384": der.oid("1.3.132.0.34"),
    "ec:p521": der.oid("1.3.132.0.35"),
}
_SHA256_INFO: Final = bytes.fromhex("3031300d060960864801650304020105000420")
_OCTET_STRING: Final = 0x04


class TokenSigner(PublicHalf):
    """A private key that lies on a token.

    The key object belongs to a session, and sessions end: it is looked up by its label, and its
    handle is kept for as long as the session is the same.
    """

    def __init__(self, token: Token, label: str) -> None:
        """Find the key.

        Raises:
            TokenKeyMissing: no pair of private and public key has the label.
            TokenUnable: no CA here signs with such a key.
            KeyProblem: the token is not to be had.
        """
        self._token = token
        self._label = label
        self._held: tuple[Session, Any] | None = None
        public_key = token.use(lambda session: _read_public_key(session, label, token.name))
        try:
            super().__init__(public_key)
        except UnsupportedSigningKey as error:
            raise TokenUnable(f"{label!r} on {token.name!r} cannot serve: {error}.") from error
        token.use(self._private_key)

    def __repr__(self) -> str:
        return f"<TokenSigner {kinds.kind_of(self._public_key)} {self._label!r}>"

    def sign(self, message: bytes) -> bytes:
        """Sign `message`; the signature as it stands in a certificate's BIT STRING.

        Raises:
            TokenUnable: the token makes no signatures with such a key.
            KeyProblem: the token is not to be had.
        """
        ways = ways_to_sign(self._public_key, self._algorithm, message)
        signature = self._token.use(lambda session: self._sign(session, ways))
        is_ecdsa = isinstance(self._public_key, ec.EllipticCurvePublicKey)
        return _ecdsa(signature) if is_ecdsa else signature

    def _sign(self, session: Session, ways: tuple[tuple[str, bytes], ...]) -> bytes:
        from pkcs11 import Mechanism, MechanismInvalid  # noqa: PLC0415 - only who has a token

        key = self._private_key(session)
        for mechanism, content in ways:
            try:
                signature: bytes = key.sign(content, mechanism=Mechanism[mechanism])
            except MechanismInvalid:
                continue
            return signature
        raise TokenUnable(
            f"The token {self._token.name!r} makes no signatures by "
            f"{' or '.join(f'CKM_{name}' for name, _ in ways)}; the key {self._label!r} is of no "
            "use there."
        )

    def _private_key(self, session: Session) -> Any:  # noqa: ANN401 - the driver's own type
        if self._held is None or self._held[0] is not session:
            self._held = session, _one(session, "PRIVATE_KEY", self._label, self._token.name)
        return self._held[1]


def generate(kind: str, token: Token, reference: TokenReference) -> TokenSigner:
    """Make a key pair on the token; the private half never leaves it.

    Raises:
        UnknownKeyKind: the sentence lists the legal kinds.
        TokenKeyExists: the label is taken.
        TokenUnable: the token makes no such keys.
        KeyProblem: the token is not to be had.
    """
    kind = kinds.check_kind(kind)
    label = reference.label

    def act(session: Session) -> None:
        if list(session.get_objects(_template("PRIVATE_KEY", label))):
            raise TokenKeyExists(
                f"The token {token.name!r} holds a key named {label!r} already; no key is ever "
                "made over another."
            )
        _make(session, kind, label, token.name)

    token.use(act)
    return TokenSigner(token, label)


def _make(session: Session, kind: str, label: str, token: str) -> None:
    from pkcs11 import (  # noqa: PLC0415 - only who has a token needs it
        Attribute,
        KeyType,
        MechanismFlag,
        MechanismInvalid,
    )

    options: dict[str, Any] = {
        "id": secrets.token_bytes(_IDENTIFIER_BYTES),
        "label": label,
        "store": True,
        "capabilities": MechanismFlag.SIGN | MechanismFlag.VERIFY,
        "private_template": {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
    }
    unable = TokenUnable(
        f"The token {token!r} makes no keys of kind {kind}; choose another kind with "
        "CERTSRV_CA_KEY, or keep the key in a file (CERTSRV_KEY_STORE=file)."
    )
    parameters = _CURVES.get(kind) or (_ED25519 if kind == "ed25519" else None)
    try:
        if kind.startswith("rsa:"):
            session.generate_keypair(KeyType.RSA, int(kind.removeprefix("rsa:")), **options)
        elif parameters is not None:
            family = KeyType.EC_EDWARDS if kind == "ed25519" else KeyType.EC
            session.create_domain_parameters(
                family, {Attribute.EC_PARAMS: parameters}, local=True
            ).generate_keypair(**options)
        else:
            raise unable
    except (MechanismInvalid, NotImplementedError) as error:
        raise unable from error


def _template(of: str, label: str) -> dict[Any, Any]:
    from pkcs11 import Attribute, ObjectClass  # noqa: PLC0415 - only who has a token needs it

    return {Attribute.CLASS: ObjectClass[of], Attribute.LABEL: label}


def _one(session: Session, of: str, label: str, token: str) -> Any:  # noqa: ANN401 - the driver's
    found = list(session.get_objects(_template(of, label)))
    if len(found) == 1:
        return found[0]
    half = of.replace("_", " ").lower()
    raise TokenKeyMissing(
        f"The token {token!r} holds no {half} named {label!r}."
        if not found
        else f"The token {token!r} holds {len(found)} objects of kind {half} named {label!r}; "
        "which one is meant cannot be told."
    )


def _read_public_key(session: Session, label: str, token: str) -> CertificatePublicKeyTypes:
    from pkcs11 import Attribute, KeyType  # noqa: PLC0415 - only who has a token needs it

    key = _one(session, "PUBLIC_KEY", label, token)
    family = key[Attribute.KEY_TYPE]
    if family == KeyType.RSA:
        exponent, modulus = (
            int.from_bytes(key[name]) for name in (Attribute.PUBLIC_EXPONENT, Attribute.MODULUS)
        )
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    parameters = bytes(key[Attribute.EC_PARAMS])
    point = _point(bytes(key[Attribute.EC_POINT]))
    if family == KeyType.EC_EDWARDS:
        return ed25519.Ed25519PublicKey.from_public_bytes(point)
    algorithm = der.sequence(der.oid("1.2.840.10045.2.1"), parameters)
    loaded = load_der_public_key(der.sequence(algorithm, der.bit_string(point)))
    if not isinstance(loaded, ec.EllipticCurvePublicKey):
        raise TokenUnable(f"{label!r} on {token!r} is no key a CA here signs with.")
    return loaded


def _point(value: bytes) -> bytes:
    """Return the point itself: tokens wrap it in an OCTET STRING, and some do not."""
    for head in (2, 3):
        if value[:1] == bytes((_OCTET_STRING,)) and der.octet_string(value[head:]) == value:
            return value[head:]
    return value


def ways_to_sign(
    public_key: CertificatePublicKeyTypes, algorithm: SignatureAlgorithm, message: bytes
) -> tuple[tuple[str, bytes], ...]:
    """Return mechanisms and what each of them is given for `message`, the best one first."""
    if isinstance(public_key, rsa.RSAPublicKey):
        info = _SHA256_INFO + hashlib.sha256(message).digest()
        return ("RSA_PKCS", info), ("SHA256_RSA_PKCS", message)
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        digest: str = algorithm.arguments[0].algorithm.name
        return (("ECDSA", hashlib.new(digest, message).digest()),)
    return (("EDDSA", message),)


def _ecdsa(raw: bytes) -> bytes:
    """Return Ecdsa-Sig-Value of r and s side by side (RFC 3279 section 2.2.3)."""
    half = len(raw) // 2
    return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
