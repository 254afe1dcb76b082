"""Any pasted or uploaded octets in, the DER of one request out.

People paste from mail, web pages, source code and terminals; programs strip armor and newlines.
Labels lie, so what a block is gets decided by its ASN.1. A private key anywhere in the paste ends
the reading: it is not kept, and its owner is told.

Every pattern here is bounded, so reading takes time in proportion to the size of the paste.

Source: RFC 7468; certsrv-contract section 5.
"""

from __future__ import annotations

import binascii
import html
import re
from bisect import bisect_left
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from enrollment.ca import ber, mistakes
from enrollment.ca.errors import (
    EnrollmentError,
    NotARequest,
    NotBase64,
    RequestTooLarge,
    TruncatedRequest,
)
from enrollment.ca.recognize import REQUESTS, SECRETS, Kind, private_key_refusal, recognize, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_MAX_OCTETS: Final = 64 * 1024
_SHORTEST_SUSPECT: Final = 48
_TEXT_OCTETS: Final = bytes((9, 10, 11, 12, 13, *range(0x20, 0x7F)))
_MAX_BLOCKS: Final = 32

_WHOLE_BLOCK: Final = (
    "Paste the whole block, from -----BEGIN CERTIFICATE REQUEST----- to "
    "-----END CERTIFICATE REQUEST-----."
)
_PLAIN_DASHES: Final = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-") | {  # noqa: RUF001 - what Word makes
    0xA0: " ",
    0x200B: None,
    0x200C: None,
    0x200D: None,
    0x2060: None,
    0xFEFF: None,
    0x00: None,
}
_LABEL: Final = r"([A-Z0-9 #./]{1,60}?)[ \t]{0,4}-{2}"
_BEGIN: Final = re.compile(r"(?:(?<=--)|(?<=-- ))BEGIN " + _LABEL, re.IGNORECASE)
_END: Final = re.compile(r"(?:(?<=--)|(?<=-- ))END " + _LABEL, re.IGNORECASE)
_LOOKS_LIKE_DER: Final = re.compile(r"^[^A-Za-z0-9\n]{0,8}MI[A-Z]", re.MULTILINE)
_CLOSING: Final = re.compile(r"-{2,8}[ \t]{0,4}END\b", re.IGNORECASE)
_USUAL: Final = re.compile(
    rb"\s*-----BEGIN ((?:NEW )?CERTIFICATE REQUEST|PKCS7|CMS)-----([A-Za-z0-9+/\s]+={0,2})\s*"
    rb"-----END \1-----\s*"
)
_TAG: Final = re.compile(r"<[^<>]{0,200}>")
_ESCAPED_NEWLINES: Final = re.compile(r"\\r\\n|\\n|\\r|\\t|%0[DA]", re.IGNORECASE)
_HEADER_LINE: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,40}:\s")
_RUN: Final = re.compile(r"[A-Za-z0-9+/_=-]{64,}")
_BASE64_LINE: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_NOT_BASE64: Final = re.compile(r"[^A-Za-z0-9+/=]")
_LEADING_DECORATION: Final = " \t\v\f>|#*,;\\\"'`&"
_URL_ALPHABET: Final = str.maketrans("-_", "+/")


class _Block(NamedTuple):
    label: str
    octets: bytes
    kind: Kind


def read_text(raw: bytes, *, max_octets: int = DEFAULT_MAX_OCTETS) -> bytes:
    """Find the one request in `raw` and return its octets.

    What comes back is a PKCS #10 or a signed CMS message by its shape; whether it is a good one,
    `parse_certification_request` says.

    Args:
        raw: the paste or file, in any encoding.
        max_octets: more than this is refused unread.

    Raises:
        PrivateKeyPasted: there is a private key in it, beside a request or alone.
        NotARequest: there is something else, which the detail names.
        NotBase64, TruncatedRequest: it looks like a request that was damaged.
        RequestTooLarge: more than `max_octets`.
    """
    if len(raw) > max_octets:
        raise RequestTooLarge(
            f"The text has {len(raw):,} octets; at most {max_octets:,} are read.",
            remedy="Send one request alone, without anything before or behind it.",
        )
    usual = _read_usual(raw)
    if usual is not None:
        return usual
    if _is_binary(raw):
        return _read_binary(raw)
    text = _decode(raw)
    mistakes.refuse_labelled_secrets(text)
    if not text.strip():
        raise NotARequest("Nothing was sent: the request is empty.", remedy=_WHOLE_BLOCK)
    return _choose(text, list(_blocks(text)))


def _read_usual(raw: bytes) -> bytes | None:
    """Decode a clean block, which nearly everybody sends; None for anything else."""
    match = _USUAL.fullmatch(raw)
    if match is None:
        return None
    try:
        octets = binascii.a2b_base64(match[2])
    except binascii.Error:
        return None
    return octets if recognize(octets) in REQUESTS else None


def _is_binary(raw: bytes) -> bool:
    if raw[:1] == b"\x30" and raw[1:2] != b"\x00" and raw.translate(None, _TEXT_OCTETS):
        return True
    return any(raw.startswith(magic) for magic, _ in mistakes.BINARY_FORMATS)


def _read_binary(raw: bytes) -> bytes:
    """Read a file that is not text: DER, or something we can name."""
    for magic, what in mistakes.BINARY_FORMATS:
        if raw.startswith(magic):
            if "private key" in what:
                raise private_key_refusal(what)
            raise NotARequest(f"This is {what}, not a certification request.", remedy=_WHOLE_BLOCK)
    kind = recognize(raw)
    if kind in SECRETS:
        raise refusal(kind)
    ber.read(raw)
    if kind not in REQUESTS and kind is not Kind.UNKNOWN:
        raise refusal(kind)
    return raw


def _decode(raw: bytes) -> str:
    """Turn octets into text: UTF-16 with or without mark, UTF-8, or whatever it may be."""
    head = raw[:64]
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = raw.decode("utf-16", "replace")
    elif head[1::2].count(0) > len(head) // 4:
        text = raw.decode("utf-16-le", "replace")
    elif head[::2].count(0) > len(head) // 4:
        text = raw.decode("utf-16-be", "replace")
    else:
        text = raw.decode("utf-8", "replace")
    text = text.translate(_PLAIN_DASHES)
    if "&" in text:
        text = html.unescape(text).translate(_PLAIN_DASHES)
    if "\\" in text or "%0" in text:
        text = _ESCAPED_NEWLINES.sub("\n", text)
    return text


def _blocks(text: str) -> Iterator[_Block]:
    """Find what stands in armor; without any armor, the base64 itself."""
    begins = list(islice(_BEGIN.finditer(text), _MAX_BLOCKS))
    if not begins:
        octets = _decode_bare(text)
        if octets:
            yield _Block("", octets, recognize(octets))
        return
    stops = sorted(
        [match.start() for match in begins]
        + [match.start() for match in islice(_END.finditer(text), 2 * _MAX_BLOCKS)]
        + [len(text)]
    )
    for begin in begins:
        stop = stops[bisect_left(stops, begin.end())]
        octets = _decode_body(text[begin.end() : stop].strip("-"))
        yield _Block(begin[1].upper(), octets, recognize(octets))


def _choose(text: str, blocks: list[_Block]) -> bytes:
    """Take the only request among the blocks, or say what there is instead."""
    for block in blocks:
        if block.kind in SECRETS:
            raise refusal(block.kind)
    requests = list(dict.fromkeys(block.octets for block in blocks if block.kind in REQUESTS))
    if len(requests) == 1:
        return requests[0]
    if requests:
        raise NotARequest(
            f"The text holds {len(requests)} requests.",
            remedy="Send each request by itself: every one becomes its own certificate.",
        )
    known = [block for block in blocks if block.kind is not Kind.UNKNOWN]
    if known:
        raise refusal(known[0].kind)
    for block in blocks:
        if block.octets[:1] == b"\x30":
            _refuse_damaged(block)
            return block.octets
    raise _explain(text, blocks)


def _refuse_damaged(block: _Block) -> None:
    """Explain a block that begins like a request and is none.

    Raises:
        TruncatedRequest: it ends before its own length.
    """
    try:
        ber.read(block.octets)
    except TruncatedRequest:
        raise TruncatedRequest(
            f"The request is cut off: it says that it is longer than the {len(block.octets):,} "
            "octets that arrived.",
            remedy=_WHOLE_BLOCK,
        ) from None


def _decode_body(body: str) -> bytes:
    """Decode what stands between two armor lines; empty when it is not base64."""
    lines = body.splitlines()
    kept = [line for line in map(_strip_line, lines) if line and not _HEADER_LINE.match(line)]
    octets = _base64("".join("".join(kept).split()))
    if _is_whole(octets) or " " not in body:
        return octets
    # A form that forgot to encode its plus signs has turned them into blanks.
    with_plus = _base64("".join(line.replace(" ", "+") for line in lines))
    return with_plus if _is_whole(with_plus) else octets


def _strip_line(line: str) -> str:
    """Drop what mail, source code and lists put around a line of base64."""
    if '"' in line or "'" in line:
        line = max(line.replace("'", '"').split('"'), key=len)
    stripped = line.lstrip(_LEADING_DECORATION).rstrip(" \t\v\f,;\\&|*`")
    return "" if stripped in {"+", "."} else stripped


def _is_whole(octets: bytes) -> bool:
    """Whether a value begins here that is not longer than what there is."""
    try:
        return octets[:1] == b"\x30" and ber.read(octets).end <= len(octets)
    except EnrollmentError:
        return False


def _base64(text: str) -> bytes:
    """Decode strictly; padding may be missing, and the URL alphabet is read too."""
    if "+" not in text and "/" not in text:
        text = text.translate(_URL_ALPHABET)
    if "=3D" in text:
        text = text.replace("=3D", "=")
    bare = text.rstrip("=")
    if len(bare) % 4 == 1 or _NOT_BASE64.search(bare) or "=" in bare:
        return b""
    try:
        return binascii.a2b_base64(bare + "=" * (-len(bare) % 4))
    except binascii.Error:
        return b""


def _decode_bare(text: str) -> bytes:
    """Decode a request without armor: alone, or as the longest run of base64 in other text."""
    if "<" in text:
        text = _TAG.sub("\n", text)
    # Cisco closes with "---End - This line not part of the certificate request---".
    closing = _CLOSING.search(text, len(text) - len(text.lstrip("- \t\r\n")))
    if closing is not None:
        text = text[: closing.start()]
    whole = _decode_body(text)
    if _is_whole(whole):
        return whole
    candidates = [_base64("".join(lines)) for lines in _groups(text)]
    candidates += [_base64(run) for run in sorted(_RUN.findall(text), key=len)[-8:]]
    best = max((octets for octets in candidates if _is_whole(octets)), key=len, default=b"")
    suspect = best or whole or max(candidates, key=len, default=b"")
    return suspect if best or len(suspect) >= _SHORTEST_SUSPECT else b""


def _groups(text: str) -> Iterator[list[str]]:
    """Yield neighbouring lines that are base64 from end to end."""
    group: list[str] = []
    for raw_line in text.splitlines():
        line = _strip_line(raw_line)
        if _BASE64_LINE.fullmatch(line) and (group or len(line) >= 32):  # noqa: PLR2004 - a line
            group.append(line)
            continue
        if group:
            yield group
        group = []
    if group:
        yield group


def _explain(text: str, blocks: list[_Block]) -> EnrollmentError:
    """Name what was pasted instead, or say what is wrong with the base64."""
    for block in blocks:
        what = mistakes.LABELS.get(block.label)
        if what is not None:
            return NotARequest(f"This is {what}, not a certification request.", remedy=_WHOLE_BLOCK)
    named = None if any(block.octets for block in blocks) else mistakes.text_format(text)
    if named is not None:
        return NotARequest(f"This is {named}, not a certification request.", remedy=_WHOLE_BLOCK)
    if not any(block.octets[:1] == b"\x30" for block in blocks) and _LOOKS_LIKE_DER.search(text):
        return _damaged_block(text) if _BEGIN.search(text) else _incomplete()
    if any(block.octets for block in blocks):
        return NotARequest(
            "This is base64, but what it holds is not a certification request.",
            remedy=_WHOLE_BLOCK,
        )
    if blocks:
        return _damaged_block(text)
    return NotBase64(
        "This is plain text; there is no certification request in it.", remedy=_WHOLE_BLOCK
    )


def _damaged_block(text: str) -> EnrollmentError:
    """Point at the first character of the first block that is not base64."""
    begin = _BEGIN.search(text)
    start = begin.end() if begin else 0
    end = _END.search(text, start)
    body = text[start : end.start() if end else len(text)].strip("-")
    line_number = text.count("\n", 0, start) + 1
    if not body.strip():
        return NotBase64("There is nothing between BEGIN and END.", remedy=_WHOLE_BLOCK)
    for offset, raw_line in enumerate(body.split("\n")):
        bad = _NOT_BASE64.search(_strip_line(raw_line).replace(" ", ""))
        if bad and not _HEADER_LINE.match(_strip_line(raw_line)):
            return NotBase64(
                f"Line {line_number + offset} holds {bad[0]!r}, which is not part of base64: the "
                "request was damaged on its way.",
                remedy=_WHOLE_BLOCK,
            )
    return _incomplete()


def _incomplete() -> NotBase64:
    return NotBase64(
        "The base64 text is damaged: characters are missing or were added.", remedy=_WHOLE_BLOCK
    )
