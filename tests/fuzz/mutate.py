"""Changes that keep an input well-formed, so that the fault lies deep inside.

Octets changed at random break the first length or the signature, and nothing behind them is ever
read. These change ASN.1 value by value and write true lengths again, and sign what was changed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from enrollment.ca import ber, der
from enrollment.ca.errors import EnrollmentError
from tests import messages
from tests.fuzz.hostile import OCTETS, WORDS

Mutator = Callable[[bytes, random.Random], bytes]

_DEPTH: Final = 24
# More than any door lets in; what is repeated again and again fills the memory of the machine.
MOST: Final = 256 * 1024
# A key that everybody may know, so that the same input is made in every run.
KEY: Final = ec.derive_private_key(0x5EED, ec.SECP256R1())
_ALGORITHM: Final = der.sequence(der.oid("1.2.840.10045.4.3.2"))
_TAGS: Final = (
    *(der.BOOLEAN, der.INTEGER, der.BIT_STRING, der.OCTET_STRING, der.NULL, der.OBJECT_IDENTIFIER),
    *(der.UTF8_STRING, der.PRINTABLE_STRING, der.IA5_STRING, der.BMP_STRING, der.SEQUENCE, der.SET),
    *(der.UTC_TIME, der.GENERALIZED_TIME, 0x0A, 0x12, 0x14, 0x1A, 0x1C, 0x24, 0x23, 0x2C),
    *(0x80, 0x81, 0x82, 0x84, 0x86, 0x87, 0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0x1F, 0x3F),
)


def octets(data: bytes, chance: random.Random) -> bytes:
    """Change, cut out or repeat a few octets."""
    changed = bytearray(data or b"\x00")
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(changed) + 1)
        stop = min(len(changed), place + chance.randint(0, 40))
        changed[place:stop] = chance.choice(
            (b"", bytes(changed[place:stop]) * 2, chance.randbytes(stop - place or 1))
        )
        changed = changed or bytearray(1)
    return bytes(changed)


def words(data: bytes, chance: random.Random) -> bytes:
    """Put a hostile word somewhere."""
    place = chance.randrange(len(data) + 1)
    stop = min(len(data), place + chance.randint(0, 12))
    return data[:place] + chance.choice(WORDS).encode("utf-8", "surrogatepass") + data[stop:]


def values(data: bytes, chance: random.Random) -> bytes:
    """Change values of ASN.1; the lengths around them stay true."""
    for _ in range(chance.randint(1, 3)):
        try:
            node = ber.read(data)
            data = _changed(node, chance, _DEPTH) + data[node.end :]
        except EnrollmentError:
            return octets(data, chance)
    return data


def signed(data: bytes, chance: random.Random) -> bytes:
    """Change what a PKCS #10 says and sign it again with `KEY`."""
    try:
        info, *_ = ber.read(data).children()
        return sign(values(info.octets, chance))
    except (EnrollmentError, ValueError):
        return octets(data, chance)


def sign(info: bytes) -> bytes:
    """Return a PKCS #10 around its content; the same each time."""
    algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    return der.sequence(info, _ALGORITHM, der.bit_string(KEY.sign(info, algorithm)))


def request(subject: bytes, *attributes: bytes) -> bytes:
    """Return a request for `KEY`."""
    listed = der.explicit(0, b"".join(sorted(attributes)))
    return sign(der.sequence(der.integer(0), subject, messages.spki(KEY), listed))


def _changed(node: ber.Node, chance: random.Random, depth: int) -> bytes:
    parts = _parts(node)
    if parts and depth and chance.random() > 0.25:
        # The last of many is as likely as the first: extensions stand far behind.
        index = chance.randrange(len(parts))
        inside = [part.octets for part in parts]
        inside[index] = _changed(parts[index], chance, depth - 1)
        return _wrap(node.tag, b"".join(inside), chance)
    return chance.choice(_CHANGES)(node, chance)


def _parts(node: ber.Node) -> list[ber.Node]:
    """Return the values inside; those inside of an OCTET STRING too, as in extensions."""
    try:
        if node.constructed:
            return node.children()
        inner = ber.read(node.content) if node.tag == der.OCTET_STRING else None
    except EnrollmentError:
        return []
    return [inner] if inner is not None and inner.end == len(node.content) else []


def _wrap(tag: int, content: bytes, chance: random.Random) -> bytes:
    identifier = tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big")
    way = chance.random()
    if way < 0.02 and tag & ber.CONSTRUCTED:
        return identifier + b"\x80" + content + b"\x00\x00"
    if way < 0.04:
        return identifier + b"\x84" + len(content).to_bytes(4, "big") + content
    return identifier + der.length(len(content)) + content


def _as_another(node: ber.Node, chance: random.Random) -> bytes:
    return _wrap(chance.choice(_TAGS), node.content, chance)


def _hostile_text(node: ber.Node, chance: random.Random) -> bytes:
    text = chance.choice(WORDS)
    tag = chance.choice((node.tag, 0x0C, 0x1E, 0x1C, 0x14, 0x13, 0x16))
    encoding = {0x1E: "utf-16-be", 0x1C: "utf-32-be", 0x14: "latin-1"}.get(tag, "utf-8")
    return _wrap(tag, text.encode(encoding, "replace"), chance)


def _hostile_octets(node: ber.Node, chance: random.Random) -> bytes:
    return _wrap(node.tag, chance.choice(OCTETS), chance)


def _repeated(node: ber.Node, chance: random.Random) -> bytes:
    times = chance.choice((2, 2, 3, 10, 70, 300))
    return node.octets * min(times, MOST // len(node.octets))


def _nested(node: ber.Node, chance: random.Random) -> bytes:
    content = node.octets
    for _ in range(chance.choice((1, 2, 40))):
        content = _wrap(der.SEQUENCE, content, chance)
    return content


def _number(node: ber.Node, chance: random.Random) -> bytes:
    size = chance.choice((1, 2, 8, 9, 21, 65, 300))
    return _wrap(chance.choice((node.tag, der.INTEGER)), chance.randbytes(size), chance)


def _blurred(node: ber.Node, chance: random.Random) -> bytes:
    return _wrap(node.tag, octets(node.content, chance), chance)


def _nothing(node: ber.Node, chance: random.Random) -> bytes:
    return b""


def _empty(node: ber.Node, chance: random.Random) -> bytes:
    return _wrap(node.tag, b"", chance)


_CHANGES: Final[tuple[Callable[[ber.Node, random.Random], bytes], ...]] = (
    _as_another,
    _hostile_text,
    _hostile_text,
    _hostile_octets,
    _repeated,
    _nested,
    _number,
    _blurred,
    _blurred,
    _nothing,
    _empty,
)
