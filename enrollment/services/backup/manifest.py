"""What an archive says about itself: the first thing in it, and the measure of the rest."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final

from enrollment.services.backup.errors import ArchiveUnreadable

NAME: Final = "manifest.json"
VERSION: Final = 1
_FORMAT: Final = "certsrv backup"
SQLITE: Final = "database.sqlite3"
POSTGRESQL: Final = "database.pgdump"
KEYS: Final = "keys/"
TLS: Final = "tls/"
SECRET_KEY: Final = "secret-key"  # noqa: S105 - the name of a file
IN_ARCHIVE: Final = "archive"
IN_ARCHIVE_ENCRYPTED: Final = "archive, encrypted"
ON_TOKEN: Final = "token"  # noqa: S105 - a place
ELSEWHERE: Final = "elsewhere"
LONGEST: Final = 16 * 1024 * 1024
# Plain names, one folder deep: whatever an archive says, nothing is written elsewhere.
_LEGAL: Final = re.compile(
    rf"{re.escape(SQLITE)}|{re.escape(POSTGRESQL)}|{SECRET_KEY}"
    rf"|(?:{KEYS}|{TLS})[\w@+-][\w.@+ -]{{0,120}}"
)


@dataclass(frozen=True, slots=True)
class Member:
    """One file in the archive."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CertificateOfCA:
    """One certificate of the CA."""

    name: str
    index: int
    key_index: int
    thumbprint: str
    not_after: str


@dataclass(frozen=True, slots=True)
class KeyOfCA:
    """A key of the CA: whose it is, where it is, and its public half in base64."""

    owner: str
    reference: str
    place: str
    public_key: str

    @property
    def is_inside(self) -> bool:
        """Whether the archive holds it."""
        return self.place.startswith(IN_ARCHIVE)

    @property
    def is_encrypted(self) -> bool:
        """Whether it needs a passphrase of its own."""
        return self.place == IN_ARCHIVE_ENCRYPTED


@dataclass(frozen=True, slots=True)
class Facts:
    """How far a database has come; read from the very copy that is in the archive."""

    audit_id: int
    audit_hash: str
    crl_number: int
    request_id: int
    serial_number: str
    migrations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything an archive says about itself."""

    made_at: datetime
    hostname: str
    software: str
    facts: Facts
    authorities: tuple[CertificateOfCA, ...]
    keys: tuple[KeyOfCA, ...]
    settings: dict[str, str]
    members: tuple[Member, ...]

    @property
    def database(self) -> Member:
        """The copy of the rows."""
        return next(each for each in self.members if each.name in (SQLITE, POSTGRESQL))

    def to_json(self) -> bytes:
        """Return it as it stands in the archive."""
        value = {"format": _FORMAT, "version": VERSION, **asdict(self)}
        value["made_at"] = self.made_at.isoformat()
        return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"


def is_legal(name: str) -> bool:
    """Whether an archive may hold a file of this name."""
    return _LEGAL.fullmatch(name) is not None


def parse(content: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        ArchiveUnreadable: it is none, or of a later format.
    """
    try:
        value = json.loads(content)
        _check_format(value.pop("format"), value.pop("version"))
        found = _read(value)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ArchiveUnreadable("The archive holds no manifest of this program.") from None
    _check_members(found.members)
    return found


def _check_format(name: object, version: object) -> None:
    if name != _FORMAT:
        raise ArchiveUnreadable("The archive holds no manifest of this program.")
    if version != VERSION:
        raise ArchiveUnreadable(
            f"The archive has format {version}, and this program reads format {VERSION}. Use the "
            "program that made it, or a later one."
        )


def _read(value: dict[str, Any]) -> Manifest:
    facts = value["facts"]
    return Manifest(
        made_at=datetime.fromisoformat(value["made_at"]),
        hostname=str(value["hostname"]),
        software=str(value["software"]),
        facts=Facts(**{**_only(Facts, facts), "migrations": tuple(facts["migrations"])}),
        authorities=tuple(
            CertificateOfCA(**_only(CertificateOfCA, each)) for each in value["authorities"]
        ),
        keys=tuple(KeyOfCA(**_only(KeyOfCA, each)) for each in value["keys"]),
        settings={str(name): str(text) for name, text in value["settings"].items()},
        members=tuple(
            Member(str(each["name"]), int(each["size"]), str(each["sha256"]))
            for each in value["members"]
        ),
    )


def _only(kind: type[Any], value: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a later program may have added."""
    return {field.name: value[field.name] for field in fields(kind)}


def _check_members(members: tuple[Member, ...]) -> None:
    names = [each.name for each in members]
    wrong = [name for name in names if not is_legal(name)]
    databases = [name for name in names if name in (SQLITE, POSTGRESQL)]
    if wrong or len(databases) != 1 or len(set(names)) != len(names):
        raise ArchiveUnreadable("The manifest of the archive lists what no backup holds.")
    if any(each.size < 0 for each in members):
        raise ArchiveUnreadable("The manifest of the archive lists impossible sizes.")
