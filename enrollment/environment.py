"""Reading settings out of variables: texts, numbers, flags, secrets, each with its sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

_YES: Final = ("1", "true", "yes", "on")
_NO: Final = ("0", "false", "no", "off", "")
_HIGHEST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class Listener:
    """An address to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Secret:
    """What opens a key: read when it is needed, so that most processes never know it."""

    name: str
    value: str = field(repr=False)
    path: str | None

    def read(self) -> str:
        """Return the variable, or the content of the file that NAME_FILE names.

        Raises:
            ImproperlyConfigured: there is no such file, or it holds no text.
        """
        if self.path is None:
            return self.value
        try:
            return Path(self.path).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise ImproperlyConfigured(
                f"{self.name}_FILE names a file that cannot be read ({reason}). "
                f"Name a readable file, or set {self.name}."
            ) from error


class Environment:
    """Reads variables; a wrong value raises a sentence that says what to type."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.shown: dict[str, str] = {}

    def text(self, name: str, default: str) -> str:
        """Return a text without blanks around it."""
        return self._plain(name, default).strip()

    def _plain(self, name: str, default: str) -> str:
        """Return what is no secret, and remember that it was set."""
        value = self._values.get(name)
        if value is None:
            return default
        self.shown[name] = value
        return value

    def secret(self, name: str) -> str:
        """Return the variable, or the content of the file that NAME_FILE names."""
        return self.later(name).read()

    def later(self, name: str) -> Secret:
        """Return a secret that is not read yet."""
        path = self._plain(file, "") if (file := f"{name}_FILE") in self._values else None
        return Secret(name, self._values.get(name, ""), path)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return whether a flag is set."""
        raw = self._plain(name, _YES[0] if default else _NO[0])
        if raw.strip().casefold() in _YES:
            return True
        if raw.strip().casefold() in _NO:
            return False
        raise ImproperlyConfigured(f"{name} is '{raw}'. Write yes or no.")

    def number(self, name: str, default: int, *, least: int, most: int) -> int:
        """Return a whole number between two bounds."""
        raw = self.text(name, str(default))
        if not raw.isdecimal() or not least <= int(raw) <= most:
            raise ImproperlyConfigured(
                f"{name} is '{raw}'. Write a whole number from {least} to {most}."
            )
        return int(raw)

    def kib(self, name: str, default: int, *, least: int, most: int) -> int:
        """Return octets of a number of KiB."""
        return self.number(name, default, least=least, most=most) * 1024

    def seconds(self, name: str, default: int, *, least: int, most: int) -> timedelta:
        """Return a span of seconds."""
        return timedelta(seconds=self.number(name, default, least=least, most=most))

    def minutes(self, name: str, default: int, *, least: int, most: int) -> timedelta:
        """Return a span of minutes."""
        return timedelta(minutes=self.number(name, default, least=least, most=most))

    def hours(self, name: str, default: int, *, least: int, most: int) -> timedelta:
        """Return a span of hours."""
        return timedelta(hours=self.number(name, default, least=least, most=most))

    def days(self, name: str, default: int, *, least: int, most: int) -> timedelta:
        """Return a span of days."""
        return timedelta(days=self.number(name, default, least=least, most=most))

    def choice(self, name: str, default: str, legal: tuple[str, ...]) -> str:
        """Return one of the legal words, in lower case."""
        raw = self.text(name, default).casefold()
        if raw not in legal:
            raise ImproperlyConfigured(f"{name} is '{raw}'. Write one of: {', '.join(legal)}.")
        return raw

    def listener(self, name: str, default: str) -> Listener | None:
        """Return an address to listen on; None where it is switched off."""
        raw = self.text(name, default)
        if not raw:
            return None
        host, _, port = raw.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) <= _HIGHEST_PORT:
            raise ImproperlyConfigured(
                f"{name} is '{raw}'. Write ADDRESS:PORT, for example {default}, or leave it "
                "empty to switch the listener off."
            )
        return Listener(host.strip("[]"), int(port))
