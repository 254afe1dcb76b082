"""Which of our groups follow from groups of the directory: those that a setting names only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrollment.services.outside.told import folded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from enrollment.services.outside.conversation import TheirGroup

Normal = tuple[tuple[tuple[str, str], ...], ...]


def ours_of(theirs: Iterable[TheirGroup], pairs: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return our groups, by name, for somebody who is in those of the directory.

    Args:
        theirs: the groups of one person.
        pairs: as the setting has them: the DN or the name of a group there, and one of ours.
    """
    theirs = list(theirs)
    dns = {normal for one in theirs if (normal := normal_dn(one.dn))}
    names = {folded(one.name) for one in theirs if one.name}
    return frozenset(
        ours
        for key, ours in pairs
        if (normal_dn(key) in dns if is_dn(key) else folded(key) in names)
    )


def is_dn(key: str) -> bool:
    """Whether a key of the setting is a whole DN, not the name of a group."""
    return "=" in key


def normal_dn(dn: str) -> Normal:
    """Return a DN without regard to case, blanks and ways of escaping; empty when it is none."""
    import ldap.dn  # noqa: PLC0415  # only where it is wanted

    try:
        parts = ldap.dn.str2dn(dn)
    except ldap.DECODING_ERROR:
        return ()
    return tuple(
        tuple(sorted((name.casefold(), folded(" ".join(value.split()))) for name, value, _ in rdn))
        for rdn in parts
    )
