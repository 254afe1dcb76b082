"""Tolerant, bounded reading of BER, and its rewriting as strict DER.

What people send is not always DER: lengths in long form, indefinite lengths, unsorted sets,
strings cut into segments. `cryptography` reads DER only, so what it refuses is read here. A node
is looked at when somebody asks for it; nothing here walks a whole message unasked, and every walk
has a bound.

Source: ITU-T X.690 sections 8 (BER) and 10, 11 (DER).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from enrollment.ca import der
from enrollment.ca.errors import MalformedRequest, RequestTooLarge, TruncatedRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH: Final = 32
MAX_NODES: Final = 20_000
MAX_OID_OCTETS: Final = 128
MAX_ARC_BITS: Final = 128

CONSTRUCTED: Final = 0x20
_CLASS: Final = 0xC0
_HIGH_TAG: Final = 0x1F
_LONG: Final = 0x80
_END_OF_CONTENTS: Final = b"\x00\x00"

_COPY_WHOLE: Final = "Copy the whole request again, from the BEGIN line to the END line."
_MAKE_AGAIN: Final = "Make the request again with its own tool and send the new file."

_TAG_NAMES: Final = {
    0x01: "BOOLEAN",
    0x02: "INTEGER",
    0x03: "BIT STRING",
    0x04: "OCTET STRING",
    0x05: "NULL",
    0x06: "OBJECT IDENTIFIER",
    0x0C: "UTF8String",
    0x13: "PrintableString",
    0x16: "IA5String",
    0x1E: "BMPString",
    0x30: "SEQUENCE",
    0x31: "SET",
    0xA0: "context tag 0",
}


def tag_name(tag: int) -> str:
    """Say `tag` in the words of ASN.1."""
    return _TAG_NAMES.get(tag, f"tag 0x{tag:02x}")


class Node(NamedTuple):
    """One value: where it begins and ends inside `data`, and what it is.

    `tag` is the identifier as one number: 0x30 for a SEQUENCE; long identifiers keep all octets.
    """

    data: bytes
    tag: int
    start: int
    content_start: int
    content_end: int
    end: int

    @property
    def octets(self) -> bytes:
        """Header and content, as received."""
        return self.data[self.start : self.end]

    @property
    def content(self) -> bytes:
        """Content without header, as received."""
        return self.data[self.content_start : self.content_end]

    @property
    def constructed(self) -> bool:
        """Whether the content is made of further values."""
        return bool(self.data[self.start] & CONSTRUCTED)

    @property
    def indefinite(self) -> bool:
        """Whether the value ends with an end-of-contents mark instead of saying its length."""
        return self.end != self.content_end

    def children(self) -> list[Node]:
        """Read the values inside, one level deep."""
        data, _, _, position, end, _ = self
        found = []
        while position < end:
            node = read(data, position, end)
            found.append(node)
            position = node[5]
        return found

    def walk(self) -> Iterator[Node]:
        """Read the values inside, one level deep and one at a time."""
        position, end, data = self.content_start, self.content_end, self.data
        while position < end:
            node = read(data, position, end)
            yield node
            position = node.end

    def expect(self, tag: int, what: str) -> Node:
        """Return this node if it is a `tag`.

        Raises:
            MalformedRequest: it is something else; `what` names the field to the sender.
        """
        if self.tag != tag:
            raise MalformedRequest(
                f"{what} should be {tag_name(tag)} but is {tag_name(self.tag)}.",
                remedy=_MAKE_AGAIN,
            )
        return self


def read(data: bytes, position: int = 0, end: int | None = None, depth: int = MAX_DEPTH) -> Node:
    """Read the header at `position`; the value must end at or before `end`.

    Raises:
        TruncatedRequest: the value is longer than what is there.
        MalformedRequest: there is no value here.
    """
    if end is None:
        end = len(data)
    try:
        tag = data[position]
        size = data[position + 1]
    except IndexError:
        raise _truncated(position) from None
    content = position + 2
    if tag & _HIGH_TAG == _HIGH_TAG:
        tag, content = _long_tag(data, position, end)
        size = data[content - 1]
    if size >= _LONG:
        if size == _LONG:
            return _indefinite(Node(data, tag, position, content, end, end), depth)
        count = size & 0x7F
        size = int.from_bytes(data[content : content + count], "big")
        content += count
    stop = content + size
    if stop > end or content > end:
        raise _truncated(position)
    # Half the time of `Node(…)`, and this line runs for every value of every request.
    return _new(Node, (data, tag, position, content, stop, stop))


_new: Final = tuple.__new__


def _truncated(position: int) -> TruncatedRequest:
    return TruncatedRequest(
        f"The request is cut off or damaged: the value at octet {position} is longer than what "
        "follows it.",
        remedy=_COPY_WHOLE,
    )


def _long_tag(data: bytes, position: int, end: int) -> tuple[int, int]:
    """Return the identifier and where the content would begin after a one-octet length."""
    stop = position + 1
    while stop < end and data[stop] & _LONG and stop - position < 4:  # noqa: PLR2004 - bound
        stop += 1
    if stop + 1 >= end:
        raise _truncated(position)
    return int.from_bytes(data[position : stop + 1], "big"), stop + 2


def _indefinite(opened: Node, depth: int) -> Node:
    """Find the end of a value of indefinite length by reading what is inside.

    `opened` is the value as if it went to the end of what it may take.
    """
    if depth <= 0:
        raise _too_deep()
    data, _, start, position, limit, _ = opened
    if not opened.constructed:
        raise MalformedRequest(
            f"The value at octet {start} has no length, which only a constructed value may have.",
            remedy=_MAKE_AGAIN,
        )
    while data[position : position + 2] != _END_OF_CONTENTS:
        if position >= limit:
            raise _truncated(start)
        position = read(data, position, limit, depth - 1).end
    if position + 2 > limit:
        raise _truncated(start)
    return opened._replace(content_end=position, end=position + 2)


def _too_deep() -> RequestTooLarge:
    return RequestTooLarge(
        f"The request is nested more than {MAX_DEPTH} levels deep or has more than {MAX_NODES} "
        "parts.",
        remedy="Ask for fewer names and extensions in one request.",
    )


@lru_cache(maxsize=512)
def dotted(content: bytes) -> str:
    """Return the dotted form of the content of an OBJECT IDENTIFIER.

    Raises:
        MalformedRequest: empty, cut off, longer than `MAX_OID_OCTETS`, or with a number above
            128 bits, which is what the largest registered arc (2.25, UUID) needs.
    """
    if not content or len(content) > MAX_OID_OCTETS or content[-1] & 0x80:
        raise MalformedRequest("An object identifier is damaged.", remedy=_MAKE_AGAIN)
    arcs: list[int] = []
    arc = 0
    for octet in content:
        arc = arc << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    if max(arcs) >> MAX_ARC_BITS:
        raise MalformedRequest("An object identifier is too large.", remedy=_MAKE_AGAIN)
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def object_identifier(node: Node, what: str) -> str:
    """Return the dotted form of a node that must be an OBJECT IDENTIFIER."""
    return dotted(node.expect(der.OBJECT_IDENTIFIER, what).content)


def string_octets(node: Node, depth: int = MAX_DEPTH) -> bytes:
    """Return the octets of an OCTET STRING, joined when it came in segments (X.690 8.7.3)."""
    if not node.constructed:
        return node.content
    if depth <= 0:
        raise _too_deep()
    return b"".join(string_octets(child, depth - 1) for child in node.walk())


class _Budget:
    """Counts nodes, so that rewriting a hostile message ends."""

    def __init__(self) -> None:
        self.left = MAX_NODES

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _too_deep()


def canonical(data: bytes) -> bytes:
    """Rewrite one value as strict DER.

    Lengths become definite and minimal, sets are sorted, segmented strings are joined, TRUE is
    0xFF and integers lose leading octets. Context-tagged values keep their order: whether one is a
    SET OF is known to the caller only.

    Raises:
        MalformedRequest, TruncatedRequest, RequestTooLarge: it is not BER, or beyond our bounds.

    Source: ITU-T X.690 sections 10.1, 10.2, 11.1, 11.6.
    """
    return _rewrite(read(data), MAX_DEPTH, _Budget())


_UNIVERSAL_STRINGS: Final = frozenset({0x04, 0x0C, 0x12, 0x13, 0x14, 0x16, 0x1A, 0x1C, 0x1E})


def _rewrite(node: Node, depth: int, budget: _Budget) -> bytes:
    budget.spend()
    if depth <= 0:
        raise _too_deep()
    primitive_tag = node.tag & ~CONSTRUCTED
    if node.constructed and primitive_tag in _UNIVERSAL_STRINGS:
        return _wrap(primitive_tag, string_octets(node, depth))
    if node.constructed and primitive_tag == der.BIT_STRING:
        return _wrap(der.BIT_STRING, _bits(node, depth))
    if node.constructed:
        parts = [_rewrite(child, depth - 1, budget) for child in node.walk()]
        if node.tag == der.SET:
            parts.sort()
        return _wrap(node.tag, b"".join(parts))
    return _wrap(node.tag, _primitive(node))


def _bits(node: Node, depth: int) -> bytes:
    """Join the segments of a BIT STRING; the last one says how many bits are unused."""
    if not node.constructed:
        return node.content
    if depth <= 0:
        raise _too_deep()
    segments = [_bits(child, depth - 1) for child in node.walk()] or [b"\x00"]
    return segments[-1][:1] + b"".join(segment[1:] for segment in segments)


def _primitive(node: Node) -> bytes:
    content = node.content
    if node.tag == der.BOOLEAN and content not in {b"\x00", b"\xff"}:
        return b"\xff" if any(content) else b"\x00"
    if node.tag == der.INTEGER and len(content) > 1:
        value = int.from_bytes(content, "big", signed=True)
        return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
    return content


def _wrap(tag: int, content: bytes) -> bytes:
    identifier = tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big")
    return identifier + der.length(len(content)) + content
