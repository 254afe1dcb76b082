"""The NT hash of a password: MD4, which OpenSSL no longer has, of its UTF-16.

Source: MS-NLMP section 3.3.1, RFC 1320.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_WORD: Final = 0xFFFFFFFF
_START: Final = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
# Of each round: its function, its constant, the order of the words, the shifts (section 3.4).
_ROUNDS: Final[
    tuple[tuple[Callable[[int, int, int], int], int, tuple[int, ...], tuple[int, ...]], ...]
] = (
    (lambda x, y, z: (x & y) | (~x & z), 0, tuple(range(16)), (3, 7, 11, 19)),
    (
        lambda x, y, z: (x & y) | (x & z) | (y & z),
        0x5A827999,
        (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
        (3, 5, 9, 13),
    ),
    (
        lambda x, y, z: x ^ y ^ z,
        0x6ED9EBA1,
        (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15),
        (3, 9, 11, 15),
    ),
)


def nt_hash(password: str) -> bytes:
    """Return NTOWFv1 of a password: whoever has it needs the password no more."""
    return md4(password.encode("utf-16-le"))


def md4(content: bytes) -> bytes:
    """Return the MD4 digest of a text."""
    padded = content + b"\x80" + bytes((55 - len(content)) % 64)
    padded += struct.pack("<Q", len(content) * 8)
    state: tuple[int, ...] = _START
    for at in range(0, len(padded), 64):
        state = _block(state, struct.unpack_from("<16I", padded, at))
    return struct.pack("<4I", *state)


def _block(state: tuple[int, ...], words: tuple[int, ...]) -> tuple[int, ...]:
    a, b, c, d = state
    for mix, constant, order, shifts in _ROUNDS:
        for step, word in enumerate(order):
            shift = shifts[step % 4]
            value = (a + mix(b, c, d) + words[word] + constant) & _WORD
            a, b, c, d = d, (value << shift | value >> (32 - shift)) & _WORD, b, c
    return tuple((old + new) & _WORD for old, new in zip(state, (a, b, c, d), strict=True))
