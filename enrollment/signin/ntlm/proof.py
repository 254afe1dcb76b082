"""What is computed from the secret, and what stands for a connection; MD5 because NTLM is so.

Source: MS-NLMP section 3.3.2 (NTLM version 2), 3.1.5.1.2 (MIC and channel binding).
"""

import hashlib
import hmac
from typing import Final

from enrollment.signin.ntlm.messages import Authenticate

_NO_ADDRESSES: Final = bytes(16)
NO_BINDING: Final = bytes(16)


def key_of(nt_hash: bytes, user: str, domain: str) -> bytes:
    """Return ResponseKeyNT: NTOWFv2 of the names as the client wrote them."""
    names = _capitals(user) + domain
    return _hmac(nt_hash, names.encode("utf-16-le"))


def _capitals(text: str) -> str:
    # One character stays one character, as in Windows.
    return "".join(large if len(large := one.upper()) == 1 else one for one in text)


def is_proof(key: bytes, challenge: bytes, message: Authenticate) -> bool:
    """Tell whether somebody who has the key answered this very challenge."""
    wanted = _hmac(key, challenge + message.answer.blob)
    return hmac.compare_digest(wanted, message.answer.proof)


def is_mic(key: bytes, negotiate: bytes, challenge: bytes, message: Authenticate) -> bool:
    """Tell whether all three messages are what the client saw and sent."""
    session_key = _hmac(key, message.answer.proof)
    wanted = _hmac(session_key, negotiate + challenge + message.without_mic)
    return hmac.compare_digest(wanted, message.mic)


def binding_hash(binding: bytes) -> bytes:
    """Return MsvAvChannelBindings of a binding such as `tls-server-end-point:…`.

    It is the MD5 of a gss_channel_bindings_struct without addresses (RFC 4121 section 4.1.1.2).
    """
    content = _NO_ADDRESSES + len(binding).to_bytes(4, "little") + binding
    return hashlib.md5(content, usedforsecurity=False).digest()


def _hmac(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "md5")
