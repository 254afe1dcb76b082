"""The files of the CA: every list and every CA certificate under Microsoft's name for it.

The database is where they come from. A file is only a copy of it on this node, which a web server
can send without reading it into memory, ours or another. Whoever finds one missing, older or
altered writes it anew; it appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from enrollment import conf
from enrollment.ca.addresses import certificate_file, crl_file
from enrollment.models import Authority
from enrollment.services import authority, crl_rows, cross, locks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from enrollment.models import CertificateRevocationList

FOLDER: Final = "CertEnroll"
_LOCK: Final = "published files"
_FOR_EVERYBODY: Final = 0o644
_ENTERED_BY_EVERYBODY: Final = 0o755
_DRAFT: Final = ".new"
_log = logging.getLogger("certsrv.published")

_Mark = tuple[int, ...]
# By path: the file as it was when it was read last, and its digest then.
_digests: Final[dict[Path, tuple[_Mark, str]]] = {}


@dataclass(frozen=True, slots=True)
class Export:
    """What was copied where."""

    folder: Path
    names: tuple[str, ...]


def folder() -> Path:
    """Return where the files are: a plain web server may send this folder as ``/CertEnroll/``."""
    return conf.current().published / FOLDER


def list_name(row: CertificateRevocationList) -> str:
    """Return the file name of a list."""
    place = authority.place_of(row.authority, partition=row.partition, delta=row.is_delta)
    return crl_file(place)


def certificate_name(row: Authority) -> str:
    """Return the file name of a CA certificate."""
    return certificate_file(authority.place_of(row))


def open_list(row: CertificateRevocationList) -> io.FileIO | io.BytesIO | None:
    """Open the file that holds exactly this list; None when its octets were dropped."""
    path = folder() / list_name(row)
    file = _open(path, row.sha256)
    if file is not None:
        return file
    with locks.on_this_node(_LOCK):
        octets = crl_rows.octets_of(row)
        if octets is None:
            return None
        if _is_newest(row):
            _replace(path, octets)
        # Written by us or by who held the lock before; else there is a newer list, or no room.
        return _open(path, row.sha256) or io.BytesIO(octets)


def write_list(row: CertificateRevocationList, der: bytes) -> None:
    """Write the file of a list that was just published."""
    with locks.on_this_node(_LOCK):
        if _is_newest(row):
            _replace(folder() / list_name(row), der)


def keep(_now: datetime) -> None:
    """Write every file that is missing, older or altered on this node; take drafts away."""
    for row in crl_rows.newest_of_each_place():
        file = open_list(row)
        if file is not None:
            file.close()
    with locks.on_this_node(_LOCK):
        for name, der in _certificates():
            file = _open(folder() / name, hashlib.sha256(der).hexdigest())
            if file is None:
                _replace(folder() / name, der)
            else:
                file.close()
        for draft in folder().glob(f".*{_DRAFT}"):
            draft.unlink(missing_ok=True)


def export(target: Path) -> Export:
    """Copy the newest lists and the CA certificates into `target`, to be carried elsewhere.

    Raises:
        OSError: it cannot be written.
    """
    target.mkdir(parents=True, exist_ok=True)
    names = []
    for name, der in _certificates():
        _write(target / name, der, mode=None)
        names.append(name)
    for row in crl_rows.newest_of_each_place():
        octets = crl_rows.octets_of(row)
        if octets is not None:
            _write(target / list_name(row), octets, mode=None)
            names.append(list_name(row))
    return Export(target, tuple(names))


def _certificates() -> Iterator[tuple[str, bytes]]:
    for row in Authority.objects.order_by("index"):
        yield certificate_name(row), bytes(row.der)
    for bridge in cross.finished():
        if bridge.certificate is not None:
            yield cross.file_name(bridge), bytes(bridge.certificate.der)


def _is_newest(row: CertificateRevocationList) -> bool:
    """Whether no newer list took the place meanwhile: a file is never put back."""
    newest = crl_rows.newest_list(
        row.authority.key_index, delta=row.is_delta, partition=row.partition
    )
    return newest == row


def _open(path: Path, sha256: str) -> io.FileIO | None:
    """Open a file if its digest is this one; it is read once, and again when it was touched.

    Without a buffer: the server sends from where the file itself stands.
    """
    try:
        file = path.open("rb", buffering=0)
    except OSError:
        return None
    if _digest_of(path, file) == sha256:
        return file
    file.close()
    return None


def _digest_of(path: Path, file: io.FileIO) -> str:
    status = os.fstat(file.fileno())
    mark = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    known = _digests.get(path)
    if known is None or known[0] != mark:
        known = _digests[path] = mark, hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
    return known[1]


def _replace(path: Path, content: bytes) -> None:
    """Write a file of this node; without it, the list is served from memory."""
    try:
        _make_folder(path.parent)
        _write(path, content)
    except OSError as error:
        _log.error("%s cannot be written: %s", path.name, error.strerror)


def _make_folder(path: Path) -> None:
    """Make what is missing of the folder and the one above, for everybody to read."""
    for level in (path.parent, path):
        if not level.exists():
            level.mkdir(parents=True, exist_ok=True)
            level.chmod(_ENTERED_BY_EVERYBODY)


def _write(path: Path, content: bytes, *, mode: int | None = _FOR_EVERYBODY) -> None:
    """Write beside the place and move into it: readers see the old file or the new one.

    Args:
        path: of the file.
        content: all of it.
        mode: whatever the process's mask says; None where the medium may know no modes.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_DRAFT}")
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
