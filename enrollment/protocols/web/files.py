"""Published files out: streamed, in parts, or not at all when the client has them.

A list may have 40 MB. It is never read into memory here: the server sends the file.

Source: RFC 9110 sections 8.8, 13 and 14; RFC 9111 section 5.2; RFC 2585 section 4.
"""

from __future__ import annotations

import io
import re
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO, Final

from django.http import (
    FileResponse,
    HttpResponse,
    HttpResponseNotModified,
    StreamingHttpResponse,
)
from django.utils.cache import get_conditional_response

from enrollment.ca import encode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.http import HttpRequest, HttpResponseBase

    from enrollment.services.delivery import PublishedFile

# A revocation publishes at once, so caches ask again soon. It costs them a 304.
_LONGEST_MAX_AGE: Final = 300
_BLOCK: Final = 64 * 1024
_RANGE: Final = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})", re.ASCII)

_Part = tuple[int, int]


def answer(
    request: HttpRequest,
    file: PublishedFile,
    content_type: str,
    *,
    now: datetime,
    public: bool,
) -> HttpResponseBase | None:
    """Answer with a file in DER, with a part of it, or with 304.

    Returns:
        None when its content is gone.
    """
    etag = f'"{file.sha256}"'
    headers = _headers(file, etag, now, public=public) | {"Accept-Ranges": "bytes"}
    headers["Content-Length"] = str(file.size)
    unchanged = _unchanged(request, file, etag, headers)
    if unchanged is not None:
        return unchanged
    part = _part(request, etag, file.size)
    if part is None:
        headers |= {"Content-Range": f"bytes */{file.size}", "Content-Length": "0"}
        return HttpResponse(status=416, headers=headers, content_type=content_type)
    begin, end = part
    headers |= {"Content-Type": content_type, "Content-Length": str(end - begin)}
    is_whole = end - begin == file.size
    if not is_whole:
        headers |= {"Content-Range": f"bytes {begin}-{end - 1}/{file.size}"}
    if request.method == "HEAD":
        return HttpResponse(headers=headers)
    content = file.open()
    if content is None:
        return None
    content.seek(begin)
    return _Streamed(
        content if is_whole else _Slice(content, end - begin),
        headers=headers,
        status=200 if is_whole else 206,
    )


def answer_armored(
    request: HttpRequest, file: PublishedFile, content_type: str, *, now: datetime
) -> HttpResponseBase:
    """Answer with a list in Base 64, or with 304."""
    etag = f'"{file.sha256}-b64"'
    headers = _headers(file, etag, now, public=False)
    headers["Content-Length"] = str(encode.pem_crl_size(file.size))
    unchanged = _unchanged(request, file, etag, headers)
    if unchanged is not None:
        return unchanged
    headers["Content-Type"] = content_type
    if request.method == "HEAD":
        return HttpResponse(headers=headers)
    return StreamingHttpResponse(_armored(file), headers=headers)


def _armored(file: PublishedFile) -> Iterator[bytes]:
    content = file.open()
    if content is not None:
        # A buffer reads on where the system gives less than was asked for.
        with io.BufferedReader(content) as reader:
            yield from encode.pem_crl_pieces(reader.read)


def _headers(file: PublishedFile, etag: str, now: datetime, *, public: bool) -> dict[str, str]:
    max_age = _LONGEST_MAX_AGE
    headers = {"ETag": etag, "X-Content-Type-Options": "nosniff"}
    if file.modified is not None:
        headers["Last-Modified"] = format_datetime(file.modified, usegmt=True)
    if file.ends is not None:
        headers["Expires"] = format_datetime(file.ends, usegmt=True)
        left = int((file.ends - now).total_seconds())
        max_age = max(0, min(_LONGEST_MAX_AGE, left // 2))
    scope = "public" if public else "private"
    headers["Cache-Control"] = f"{scope}, max-age={max_age}, must-revalidate, no-transform"
    return headers


def _unchanged(
    request: HttpRequest, file: PublishedFile, etag: str, headers: dict[str, str]
) -> HttpResponseBase | None:
    """Return 304, or 412, when that is the answer, with the length that 200 would have."""
    modified = None if file.modified is None else int(file.modified.timestamp())
    found = get_conditional_response(request, etag=etag, last_modified=modified)
    if found is not None and found.status_code == HTTPStatus.NOT_MODIFIED:
        return HttpResponseNotModified(headers=headers)
    return found


def _part(request: HttpRequest, etag: str, size: int) -> _Part | None:
    """Return the octets that are wanted, from and to; None when there are none such.

    One range is understood. Several, or another unit, get the whole, as RFC 9110 section 14.2
    allows; and so does a range of what was something else before (section 13.1.5).
    """
    found = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    is_meant = request.headers.get("If-Range", etag) == etag and request.method == "GET"
    if found is None or not is_meant or not any(found.groups()):
        return 0, size
    first, last = found.groups()
    if not first:
        return (max(0, size - int(last)), size) if int(last) else None
    begin = int(first)
    end = min(size, int(last) + 1) if last else size
    if last and int(last) < begin:
        return 0, size
    return (begin, end) if begin < size else None


class _Streamed(FileResponse):
    """A file whose headers are known before it is opened."""

    block_size = _BLOCK

    def set_headers(self, filelike: object) -> None:
        """Leave the headers as they are: the original's guess at name, type and length."""


class _Slice:
    """The next octets of a file, so many and no more."""

    def __init__(self, content: BinaryIO, count: int) -> None:
        self._content = content
        self._left = count

    def read(self, count: int) -> bytes:
        piece = self._content.read(min(count, self._left))
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._content.close()
