"""The three messages, read within bounds and kept octet for octet.

What a client signed is compared as it came: nothing is packed anew. Source: MS-NLMP section 2.2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

SIGNATURE: Final = b"NTLMSSP\0"
# Windows sends some 600 octets; long names come to a thousand.
LONGEST: Final = 4096
MOST_PAIRS: Final = 32

_FLAGS_OF_NEGOTIATE: Final = 12
_LM, _NT, _DOMAIN, _USER, _WORKSTATION, _SESSION_KEY = range(12, 60, 8)
_FLAGS_OF_AUTHENTICATE: Final = 60
_SHORTEST_AUTHENTICATE: Final = 64
_MIC: Final = slice(72, 88)
_PROOF_OCTETS: Final = 16
_NTLM_V1_OCTETS: Final = 24
# RespType to Reserved3, before the pairs.
_BLOB_HEAD: Final = 28
_BLOB_VERSION: Final = b"\1\1"
_NOBODY: Final = 0x800  # NTLMSSP_ANONYMOUS


class NotNtlm(Exception):
    """Octets that are no message of this exchange; the text is for the log."""


class Kind(IntEnum):
    """MessageType."""

    NEGOTIATE = 1
    CHALLENGE = 2
    AUTHENTICATE = 3


class Flag(IntFlag):
    """What both sides agree on (section 2.2.2.5), as far as it matters here."""

    UNICODE = 0x1
    OEM = 0x2
    REQUEST_TARGET = 0x4
    NTLM = 0x200
    ALWAYS_SIGN = 0x8000
    TARGET_TYPE_DOMAIN = 0x10000
    EXTENDED_SESSION_SECURITY = 0x80000
    TARGET_INFO = 0x800000
    VERSION = 0x2000000
    KEY_128 = 0x20000000
    KEY_56 = 0x80000000


# Given when they are asked for. Nothing is signed or sealed with the session's key here, and no
# other key is exchanged: RC4 is not needed.
_GIVEN: Final = (
    Flag.ALWAYS_SIGN | Flag.EXTENDED_SESSION_SECURITY | Flag.VERSION | Flag.KEY_128 | Flag.KEY_56
)
# Of no product: 10.0, and NTLMSSP_REVISION_W2K3 (section 2.2.2.10). Without one, pyspnego puts the
# MIC where nobody looks for it.
_VERSION: Final = bytes((10, 0, 0, 0, 0, 0, 0, 15))


class Av(IntEnum):
    """AvId (section 2.2.2.1)."""

    END = 0
    COMPUTER = 1
    DOMAIN = 2
    DNS_COMPUTER = 3
    DNS_DOMAIN = 4
    FLAGS = 6
    TIMESTAMP = 7
    TARGET_NAME = 9
    CHANNEL_BINDINGS = 10


AV_FLAG_MIC: Final = 0x2


@dataclass(frozen=True, slots=True)
class Answer:
    """NTLMv2_RESPONSE (section 2.2.2.8).

    Attributes:
        proof: NTProofStr.
        blob: what it proves, as it was sent.
        pairs: the values in it, by AvId.
    """

    proof: bytes
    blob: bytes
    pairs: dict[int, bytes]

    @property
    def says_mic(self) -> bool:
        """Whether the client says that its message bears a MIC."""
        flags = self.pairs.get(Av.FLAGS, b"")
        return bool(int.from_bytes(flags, "little") & AV_FLAG_MIC)


@dataclass(frozen=True, slots=True)
class Authenticate:
    """AUTHENTICATE_MESSAGE (section 2.2.1.3); the mic is empty where there is no room for one."""

    octets: bytes
    domain: str
    user: str
    answer: Answer
    mic: bytes

    @property
    def without_mic(self) -> bytes:
        """The message as it was when the MIC was made (section 3.1.5.1.2)."""
        head, tail = self.octets[: _MIC.start], self.octets[_MIC.stop :]
        return head + bytes(_MIC.stop - _MIC.start) + tail


def kind_of(octets: bytes) -> Kind:
    """Tell which message it is.

    Raises:
        NotNtlm: it is none.
    """
    if len(octets) > LONGEST:
        raise NotNtlm(f"a message of {len(octets)} octets is none")
    if not octets.startswith(SIGNATURE) or len(octets) < _FLAGS_OF_NEGOTIATE:
        raise NotNtlm("it does not begin as NTLM does")
    number = int.from_bytes(octets[len(SIGNATURE) : _FLAGS_OF_NEGOTIATE], "little")
    try:
        return Kind(number)
    except ValueError:
        raise NotNtlm(f"there is no message of type {number}") from None


def read_negotiate(octets: bytes) -> Flag:
    """Return what a client offers (section 2.2.1.1); the names in it are nobody's proof.

    Raises:
        NotNtlm: it ends too soon, or speaks no character set.
    """
    flags = Flag(_number(octets, _FLAGS_OF_NEGOTIATE))
    if not flags & (Flag.UNICODE | Flag.OEM):
        raise NotNtlm("the client speaks neither Unicode nor an OEM character set")
    return flags


def write_challenge(
    offered: Flag, challenge: bytes, target: str, pairs: Iterable[tuple[Av, bytes]]
) -> bytes:
    """Return a CHALLENGE_MESSAGE (section 2.2.1.2).

    Args:
        offered: by the client.
        challenge: eight octets.
        target: the short domain of our accounts, which some clients take for the user's own.
        pairs: who this server is.
    """
    charset = Flag.UNICODE if offered & Flag.UNICODE else Flag.OEM
    flags = Flag.REQUEST_TARGET | Flag.NTLM | Flag.TARGET_TYPE_DOMAIN | Flag.TARGET_INFO
    flags |= charset | (offered & _GIVEN)
    is_unicode = charset is Flag.UNICODE
    name = target.encode("utf-16-le") if is_unicode else target.encode("ascii", "replace")
    info = b"".join(_pair(key, value) for key, value in (*pairs, (Av.END, b"")))
    version = _VERSION if flags & Flag.VERSION else bytes(8)
    start = 56
    head = SIGNATURE + struct.pack("<I", Kind.CHALLENGE) + _field(name, start)
    head += struct.pack("<I", flags) + challenge + bytes(8)
    return head + _field(info, start + len(name)) + version + name + info


def _pair(key: Av, value: bytes) -> bytes:
    return struct.pack("<HH", key, len(value)) + value


def _field(value: bytes, offset: int) -> bytes:
    return struct.pack("<HHI", len(value), len(value), offset)


def read_authenticate(octets: bytes) -> Authenticate:
    """Read the answer of a client, if it is of version 2 and somebody's.

    Raises:
        NotNtlm: it is not, or not well formed.
    """
    if len(octets) < _SHORTEST_AUTHENTICATE:
        raise NotNtlm("the message ends before its flags")
    flags = _number(octets, _FLAGS_OF_AUTHENTICATE)
    charset = "utf-16-le" if flags & Flag.UNICODE else "ascii"
    domain, user = (_text(_content(octets, at), charset) for at in (_DOMAIN, _USER))
    nt = _content(octets, _NT)
    if flags & _NOBODY or not user:
        raise NotNtlm("the client is nobody (a null session)")
    fields = (_LM, _NT, _DOMAIN, _USER, _WORKSTATION, _SESSION_KEY)
    first = min(_place(octets, at)[0] for at in fields if _place(octets, at)[1])
    mic = octets[_MIC] if first >= _MIC.stop else b""
    return Authenticate(octets, domain, user, _read_answer(nt), mic)


def _place(octets: bytes, at: int) -> tuple[int, int]:
    """Return offset and length of what a field points to."""
    length, _, offset = struct.unpack_from("<HHI", octets, at)
    return offset, length


def _content(octets: bytes, at: int) -> bytes:
    offset, length = _place(octets, at)
    if length and not _SHORTEST_AUTHENTICATE <= offset <= len(octets) - length:
        raise NotNtlm("a field points out of the message")
    return octets[offset : offset + length] if length else b""


def _text(octets: bytes, charset: str) -> str:
    try:
        text = octets.decode(charset)
    except UnicodeDecodeError:
        raise NotNtlm("a name is not in the character set that was agreed on") from None
    if "\0" in text:
        raise NotNtlm("a name holds NUL")
    return text


def _read_answer(nt: bytes) -> Answer:
    if len(nt) == _NTLM_V1_OCTETS:
        raise NotNtlm("the client answered with NTLM version 1")
    if not nt:
        raise NotNtlm("the client answered with LM alone, or not at all")
    proof, blob = nt[:_PROOF_OCTETS], nt[_PROOF_OCTETS:]
    if len(blob) < _BLOB_HEAD or not blob.startswith(_BLOB_VERSION):
        raise NotNtlm("the answer is not of NTLM version 2")
    return Answer(proof, blob, read_pairs(blob[_BLOB_HEAD:]))


def read_pairs(octets: bytes) -> dict[int, bytes]:
    """Read a list of AV_PAIR up to its end (section 2.2.2.1); each may stand there once.

    Raises:
        NotNtlm: it has no end, is too long, or says something twice.
    """
    pairs: dict[int, bytes] = {}
    at = 0
    while len(pairs) < MOST_PAIRS and at + 4 <= len(octets):
        key, length = struct.unpack_from("<HH", octets, at)
        if key == Av.END:
            return pairs
        value = octets[at + 4 : at + 4 + length]
        if len(value) < length or key in pairs:
            raise NotNtlm("the pairs are cut off, or name one thing twice")
        pairs[key] = value
        at += 4 + length
    raise NotNtlm("the pairs have no end")


def _number(octets: bytes, at: int) -> int:
    if len(octets) < at + 4:
        raise NotNtlm("the message ends before its flags")
    return int.from_bytes(octets[at : at + 4], "little")
