"""What the page of the CA's own certificates shows.

Source: certsrv-contract section 1.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from enrollment.ca import encode, names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from enrollment.models import Authority, CrossCertificate


@dataclass(frozen=True, slots=True)
class Choice:
    """One CA certificate in the list; clients compute the renewal as nRenewals less `position`."""

    position: int
    renewal: int
    label: str


@dataclass(frozen=True, slots=True)
class Bridge:
    """One cross certificate: a file in /CertEnroll, and which certificate leads to which."""

    file: str
    signer: str
    target: str
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Root:
    """The root above a CA that is not its own root: what machines have to trust."""

    name: str
    thumbprint_sha1: str
    thumbprint_sha256: str


@dataclass(frozen=True, slots=True)
class AuthorityPage:
    """certcarc.asp; `root` is None for a CA that signed itself."""

    newest: int
    renewal: int
    encoding: str
    has_delta: bool
    choices: tuple[Choice, ...]
    bridges: tuple[Bridge, ...]
    not_after: datetime
    thumbprint_sha1: str
    thumbprint_sha256: str
    root: Root | None = None


def authority_page(
    rows: Sequence[Authority],
    crosses: Sequence[tuple[str, CrossCertificate]],
    *,
    position: int,
    encoding: str,
    has_delta: bool,
) -> AuthorityPage:
    """Return the page for one of the CA's certificates.

    Args:
        rows: newest first, at least one.
        crosses: cross certificates, each with the name of its file.
        position: which of them, counted from the newest; out of range means the newest.
        encoding: `bin` or `b64`.
        has_delta: whether delta lists are published.
    """
    newest = rows[0].index
    row = rows[position if position < len(rows) else 0]
    chosen = bytes(row.der)
    return AuthorityPage(
        newest=newest,
        renewal=row.index,
        encoding=encoding,
        has_delta=has_delta,
        choices=tuple(
            Choice(newest - row.index, row.index, _label(row, is_current=row.index == newest))
            for row in rows
        ),
        bridges=tuple(
            Bridge(file, _name(row.issuing), _name(row.target), row.certificate.not_after)
            for file, row in crosses
            if row.certificate is not None
        ),
        not_after=x509.load_der_x509_certificate(chosen).not_valid_after_utc,
        thumbprint_sha1=encode.thumbprint(chosen),
        thumbprint_sha256=encode.thumbprint_sha256(chosen),
        root=_root(row.chain),
    )


def _root(chain: str) -> Root | None:
    if not chain:
        return None
    certificate = x509.load_pem_x509_certificates(chain.encode())[-1]
    der = certificate.public_bytes(Encoding.DER)
    return Root(
        names.display(certificate.subject), encode.thumbprint(der), encode.thumbprint_sha256(der)
    )


def _label(row: Authority, *, is_current: bool) -> str:
    return f"{'Current' if is_current else 'Previous'} [{_name(row)}]"


def _name(row: Authority) -> str:
    return f"{row.name}({row.index})" if row.index else row.name
