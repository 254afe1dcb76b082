"""Lists that are typed one a line, and how each kind of line is read."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_LINES: Final = 200
_LONGEST_LINE: Final = 255
_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


class Lines(forms.CharField):
    """A JSON list of texts, typed one a line; each line is read by `read`."""

    def __init__(self, read: Callable[[str], str], **options: Any) -> None:  # noqa: ANN401 - Django's
        self._read = read
        options.setdefault("required", False)
        super().__init__(widget=forms.Textarea(attrs={"rows": 3, "cols": 60}), **options)

    def prepare_value(self, value: Any) -> str:  # noqa: ANN401 - Django's signature
        """Show a stored list as lines; what was typed wrong stays as it was typed."""
        return "\n".join(value) if isinstance(value, list) else value or ""

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]  # a list for a text  # noqa: ANN401 - Django's signature
        """Read the lines, each once.

        Raises:
            ValidationError: a line is wrong; the sentence quotes it.
        """
        lines = [line.strip() for line in str(value or "").splitlines() if line.strip()]
        if len(lines) > _MOST_LINES or any(len(line) > _LONGEST_LINE for line in lines):
            raise ValidationError(
                f"Write at most {_MOST_LINES} lines of at most {_LONGEST_LINE} characters."
            )
        return list(dict.fromkeys(self._read(line) for line in lines))

    def has_changed(self, initial: Any, data: Any) -> bool:  # noqa: ANN401 - Django's signature
        """Whether other lines were typed than are stored."""
        return (initial or []) != [line.strip() for line in (data or "").splitlines()]


def read_suffix(line: str) -> str:
    """Read a DNS suffix: ``example.com``; a leading dot or asterisk is understood."""
    suffix = line.casefold().removeprefix("*").strip(".")
    if len(suffix) > 253 or not all(_LABEL.fullmatch(part) for part in suffix.split(".")):  # noqa: PLR2004 - RFC 1035
        raise ValidationError(f"'{line}' is no DNS name. Write a suffix such as example.com.")
    return suffix


def read_network(line: str) -> str:
    """Read an IP network, or one address."""
    try:
        return str(ipaddress.ip_network(line, strict=False))
    except ValueError:
        raise ValidationError(
            f"'{line}' is no network. Write one such as 10.20.0.0/16 or 2001:db8::/32."
        ) from None


def read_pattern(line: str) -> str:
    """Read a pattern that whole names must fit."""
    if line.strip("*") == "":
        raise ValidationError(f"'{line}' fits every name. Leave all boxes empty to allow any.")
    return line.casefold()


def read_domain(line: str) -> str:
    """Read the domain of e-mail addresses or user principal names; a leading @ is understood."""
    try:
        return read_suffix(line.removeprefix("@"))
    except ValidationError:
        raise ValidationError(f"'{line}' is no domain. Write one such as example.com.") from None
