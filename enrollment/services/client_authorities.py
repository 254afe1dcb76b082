"""The CAs whose certificates may sign people in: this one, and those the operator names."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding

from enrollment import conf
from enrollment.ca.answer_errors import AnswerRefused
from enrollment.ca.certificate_file import MAX_OCTETS, read_certificates
from enrollment.models import Authority

if TYPE_CHECKING:
    from cryptography import x509

_SETTING: Final = "CERTSRV_CLIENT_CA_FILE"


class ClientAuthoritiesUnreadable(Exception):
    """The file of other CAs cannot be used; the text says why and what to do."""


def trusted() -> tuple[bytes, ...]:
    """Return all of them in DER; what becomes of a certificate of theirs is decided later.

    Raises:
        ClientAuthoritiesUnreadable: the file of the others cannot be used.
    """
    own = (bytes(der) for der in Authority.objects.order_by("index").values_list("der", flat=True))
    return (*own, *(other.public_bytes(Encoding.DER) for other in others()))


def others() -> tuple[x509.Certificate, ...]:
    """Return the CAs that the operator names beside this one; a file that changed is read anew.

    Raises:
        ClientAuthoritiesUnreadable: the file cannot be used.
    """
    path = conf.current().clients.ca_file
    if not path:
        return ()
    try:
        status = Path(path).stat()
        return _read(path, status.st_mtime_ns, status.st_ino, status.st_size)
    except OSError as error:
        raise ClientAuthoritiesUnreadable(
            f"{_SETTING} names a file that cannot be read ({error.strerror}). Name a file with the "
            "certificates of the CAs, in PEM."
        ) from error


@lru_cache(maxsize=4)
def _read(path: str, _changed: int, _inode: int, size: int) -> tuple[x509.Certificate, ...]:
    if size > MAX_OCTETS:
        raise ClientAuthoritiesUnreadable(
            f"{_SETTING} names a file of {size:,} octets; at most {MAX_OCTETS:,} are read."
        )
    try:
        return read_certificates(Path(path).read_bytes(), "the file")
    except AnswerRefused as error:
        raise ClientAuthoritiesUnreadable(
            f"{_SETTING} names a file that cannot be used. {error.detail} Name a file with the "
            "certificates of the CAs, in PEM."
        ) from error
