"""One conversation with a directory, held by the system's library (package `python-ldap`).

The package is imported when the first person is looked up: sites without a directory do not have
it. Every value that somebody else wrote is escaped before it stands in a filter.

Sources: RFC 4511 (LDAP), RFC 4513 (binds), RFC 4515 (filters).
"""

from __future__ import annotations

import importlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from enrollment.services.outside import connection
from enrollment.services.outside.entry import ATTRIBUTES, Entry
from enrollment.services.outside.told import SourceDown, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from enrollment.conf_ldap import Ldap

# Groups in groups are followed so deep; the most a person is in (Windows allows 1,015).
DEEPEST: Final = 8
MOST_GROUPS: Final = 2000
_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class TheirGroup:
    """A group of the directory."""

    dn: str
    name: str


def is_installed() -> bool:
    """Whether the package is there, and the library that it binds."""
    try:
        importlib.import_module("ldap")
    except ImportError:
        return False
    return True


@contextmanager
def talking(settings: Ldap) -> Iterator[Conversation]:
    """Speak to the directory as the account that looks people up, while the block runs.

    Raises:
        SourceDown: no server answered.
        SourceUnavailable: one answered, and not as it must.
    """
    if not is_installed():
        raise SourceUnavailable("the Python package python-ldap is not installed")
    import ldap  # noqa: PLC0415  # only where it is wanted

    made = None
    try:
        made = connection.connect(settings)
        yield Conversation(made, settings)
    except ldap.INVALID_CREDENTIALS as error:
        raise SourceUnavailable(
            "the directory refuses the account of CERTSRV_LDAP_BIND_DN or its password"
        ) from error
    except connection.down() as error:
        raise SourceDown(words(error)) from error
    except ldap.LDAPError as error:
        raise SourceUnavailable(words(error)) from error
    finally:
        if made is not None:
            connection.close(made)


class Conversation:
    """An open connection, as `talking` makes it."""

    def __init__(self, made: Any, settings: Ldap) -> None:  # noqa: ANN401  # the package has no types
        self._connection = made
        self._settings = settings

    def named(self, name: str) -> list[Entry]:
        """Return the people of this name, as the directory compares names; two at most."""
        return self._people(self._settings.name_attribute, name.encode())

    def keyed(self, attribute: str, value: bytes) -> list[Entry]:
        """Return the entry that an attribute names for good, if it is there."""
        return self._people(attribute, value)

    def groups_of(self, dn: str) -> list[TheirGroup]:
        """Return the groups that an entry is a member of, and where wanted the groups of those."""
        found: dict[str, TheirGroup] = {}
        members = [dn]
        for _ in range(DEEPEST if self._settings.nested else 1):
            seen = [one for one in self._groups_with(members) if one.dn.casefold() not in found]
            found.update((one.dn.casefold(), one) for one in seen)
            if len(found) > MOST_GROUPS:
                raise SourceUnavailable(f"{dn} is in more than {MOST_GROUPS} groups")
            members = [one.dn for one in seen]
        return list(found.values())

    def is_password(self, dn: str, password: str) -> bool:
        """Whether an entry may sign in with a password; afterwards nothing else can be asked.

        Without a password the directory would let anybody in as nobody, and call that a success
        (RFC 4513 section 5.1.2).
        """
        import ldap  # noqa: PLC0415  # as above

        if not dn or not password or "\0" in password:
            return False
        wrong = (
            ldap.INVALID_CREDENTIALS,
            ldap.INAPPROPRIATE_AUTH,
            ldap.NO_SUCH_OBJECT,
            ldap.UNWILLING_TO_PERFORM,
            ldap.CONSTRAINT_VIOLATION,
            ldap.INSUFFICIENT_ACCESS,
        )
        try:
            self._connection.simple_bind_s(dn, password)
        except wrong:
            return False
        return True

    def _people(self, attribute: str, value: bytes) -> list[Entry]:
        wanted = f"(&(objectClass=person)({attribute}={escaped(value)}))"
        attributes = [*ATTRIBUTES, self._settings.name_attribute]
        return self._search(self._settings.people, wanted, attributes)[:2]

    def _groups_with(self, members: list[str]) -> Iterator[TheirGroup]:
        for start in range(0, len(members), _AT_ONCE):
            values = [escaped(dn.encode()) for dn in members[start : start + _AT_ONCE]]
            either = "".join(f"(member={value})(uniqueMember={value})" for value in values)
            for entry in self._search(self._settings.groups_below, f"(|{either})", ["cn"]):
                yield TheirGroup(entry.dn, entry.text("cn"))

    def _search(self, base: str, wanted: str, attributes: list[str]) -> list[Entry]:
        import ldap  # noqa: PLC0415  # as above

        rows = self._connection.search_ext_s(
            base, ldap.SCOPE_SUBTREE, wanted, attributes, timeout=self._settings.timeout
        )
        # What has no name is a pointer to another server; those are not followed.
        return [
            Entry(dn, {name.casefold(): tuple(values) for name, values in found.items()})
            for dn, found in rows
            if dn is not None
        ]


def escaped(value: bytes) -> str:
    """Write a value for a filter, so that nothing in it means anything there."""
    return "".join(f"\\{octet:02x}" for octet in value)


def words(error: Exception) -> str:
    """Return what the library says of a failure, for the log and for an operator."""
    told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    text = ": ".join(str(told[part]) for part in ("desc", "info") if told.get(part))
    return " ".join((text or str(error) or type(error).__name__).split())
