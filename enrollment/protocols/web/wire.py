"""Reading what a client posted, however it was packed; a broken body is a value, not a crash.

Source: certsrv-contract section 1.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from enrollment.protocols.web.codec import Fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest

_REQUEST_FILES: Final = ("certfile", "certrequest")


class BodyUnreadable(Exception):
    """The body is too large or broken; the text is for its sender."""


def query(request: HttpRequest) -> Fields:
    """Return the parameters of the address, without regard to the case of their names."""
    return Fields(_pairs(request.GET))


def posted(request: HttpRequest) -> Fields:
    """Return the posted fields, without regard to the case of their names.

    Forms arrive url-encoded or as multipart; some scripts name another content type, or none, and
    mean the first. Percent signs that encode nothing stay as they are.

    Raises:
        BodyUnreadable: it cannot be read.
    """
    try:
        fields = request.POST
        if not fields and not request.FILES and request.content_type != "multipart/form-data":
            fields = QueryDict(request.body, encoding="utf-8")
    except RequestDataTooBig as error:
        raise BodyUnreadable("What was sent is larger than any certificate request.") from error
    except BadRequest:
        return _decoded_elsewhere(request)
    except (SuspiciousOperation, MultiPartParserError, UnreadablePostError) as error:
        raise BodyUnreadable("The form that was sent is not whole.") from error
    return Fields(_pairs(fields))


def submitted_request(request: HttpRequest, fields: Fields, most_bytes: int) -> bytes:
    """Return the request that was pasted, or else chosen as a file; or nothing.

    A file is cut one octet above `most_bytes`.
    """
    pasted = fields.text("CertRequest").encode()
    return pasted if pasted.strip() else _posted_file(request, most_bytes)


def _posted_file(request: HttpRequest, most_bytes: int) -> bytes:
    for name, upload in request.FILES.items():
        if name.casefold() in _REQUEST_FILES and isinstance(upload, UploadedFile):
            return bytes(upload.read(most_bytes + 1))
    return b""


def _decoded_elsewhere(request: HttpRequest) -> Fields:
    """Django refuses url-encoded forms that name another charset; all we match is ASCII."""
    return Fields(_pairs(QueryDict(request.body, encoding="latin-1")))


def _pairs(fields: QueryDict) -> Iterator[tuple[str, str]]:
    for name, values in fields.lists():
        for value in values:
            if isinstance(value, str):
                yield name, value
