"""Exact commands that make a key and a request, for the names a person typed.

Pure. Names are checked before they come near a command line: what is not a host name, an address
or an e-mail address is refused, so nothing here needs quoting rules of three shells.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from enrollment.ca.names import is_dns_name, visible

_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}", re.ASCII)
_ORGANIZATION: Final = re.compile(r"(?:[^\W_]|[ .()-]){0,64}")
_MOST_NAMES: Final = 50

RSA: Final = "rsa"
EC: Final = "ec"


class NameUnusable(ValueError):
    """A typed name that no certificate could hold; the text says so."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to type into one tool."""

    tool: str
    note: str
    text: str


@dataclass(frozen=True, slots=True)
class TypedName:
    """A name with the words the tools use for its kind."""

    kind: str
    value: str


def typed_name(text: str) -> TypedName:
    """Tell what kind of name `text` is.

    Raises:
        NameUnusable: it is none.
    """
    # With a zone behind a percent sign, Python takes any text for an address (RFC 4007 section 11).
    if "%" not in text:
        with contextlib.suppress(ValueError):
            return TypedName("ip", str(ipaddress.ip_address(text)))
    if is_dns_name(text) and text.isascii():
        return TypedName("dns", text.casefold())
    if _EMAIL.fullmatch(text):
        return TypedName("email", text)
    raise NameUnusable(
        f"'{visible(text[:80])}' is not a host name, an address or an e-mail address."
    )


def typed_names(text: str) -> tuple[TypedName, ...]:
    """Read names parted by blanks, commas, semicolons or line ends; each counts once.

    Raises:
        NameUnusable: one of them is no name, or there are too many.
    """
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    if len(words) > _MOST_NAMES:
        raise NameUnusable(f"These are {len(words)} names; up to {_MOST_NAMES} fit here.")
    return tuple(dict.fromkeys(typed_name(word) for word in words))


def organization(text: str) -> str:
    """Return an organization that needs no quoting.

    Raises:
        NameUnusable: it holds a character that a shell or a subject would read otherwise.
    """
    if not _ORGANIZATION.fullmatch(text):
        raise NameUnusable("Use letters, digits, blanks, points, hyphens and brackets only.")
    return text.strip()


def commands_for(
    names: tuple[TypedName, ...], *, organization: str = "", key: str = RSA
) -> tuple[Command, ...]:
    """Return one command for each tool; the first name becomes the common name."""
    return (
        _openssl(names, organization, key),
        _certreq(names, organization, key),
        _keytool(names, organization, key),
    )


def openssl_for(values: list[str]) -> tuple[Command, ...]:
    """Return the OpenSSL command for names of a refused request, leaving out what is no name."""
    usable: list[TypedName] = []
    for value in values[:_MOST_NAMES]:
        try:
            usable.append(typed_name(value))
        except NameUnusable:
            continue
    names = tuple(dict.fromkeys(usable))
    return (_openssl(names, "", RSA),) if names else ()


def _openssl(names: tuple[TypedName, ...], organization: str, key: str) -> Command:
    words = {"dns": "DNS", "ip": "IP", "email": "email"}
    alternative = ",".join(f"{words[name.kind]}:{name.value}" for name in names)
    subject = f"/O={organization}" if organization else ""
    new_key = "rsa:3072" if key == RSA else "ec -pkeyopt ec_paramgen_curve:P-256"
    return Command(
        tool="OpenSSL",
        note="Linux, macOS, appliances with a shell. OpenSSL 1.1.1 or later.",
        text=(
            f"openssl req -new -utf8 -newkey {new_key} -nodes -sha256 \\\n"
            f"  -keyout private.key -out request.req \\\n"
            f'  -subj "{subject}/CN={names[0].value}" \\\n'
            f'  -addext "subjectAltName={alternative}"'
        ),
    )


def _certreq(names: tuple[TypedName, ...], organization: str, key: str) -> Command:
    words = {"dns": "dns", "ip": "ipaddress", "email": "email"}
    subject = f"CN={names[0].value}" + (f", O={organization}" if organization else "")
    algorithm = (
        "KeyAlgorithm = RSA\nKeyLength = 3072" if key == RSA else "KeyAlgorithm = ECDSA_P256"
    )
    alternative = "\n".join(f'_continue_ = "{words[name.kind]}={name.value}&"' for name in names)
    return Command(
        tool="certreq (Windows)",
        note=(
            "Save as request.inf, then run in an elevated prompt: "
            "certreq -new request.inf request.req"
        ),
        text=(
            '[Version]\nSignature = "$Windows NT$"\n\n[NewRequest]\n'
            f'Subject = "{subject}"\n{algorithm}\nHashAlgorithm = SHA256\n'
            "MachineKeySet = TRUE\nExportable = FALSE\nRequestType = PKCS10\n"
            'ProviderName = "Microsoft Software Key Storage Provider"\n\n'
            f'[Extensions]\n2.5.29.17 = "{{text}}"\n{alternative}'
        ),
    )


def _keytool(names: tuple[TypedName, ...], organization: str, key: str) -> Command:
    alternative = ",".join(f"{name.kind}:{name.value}" for name in names)
    subject = f"CN={names[0].value}" + (f", O={organization}" if organization else "")
    algorithm = "-keyalg RSA -keysize 3072" if key == RSA else "-keyalg EC -groupname secp256r1"
    return Command(
        tool="keytool (Java, Tomcat)",
        note="Java 17 or later; it asks for a password for the key store.",
        text=(
            f"keytool -genkeypair -alias server {algorithm} \\\n"
            f'  -dname "{subject}" -storetype PKCS12 -keystore keystore.p12\n'
            "keytool -certreq -alias server -keystore keystore.p12 \\\n"
            f'  -ext "SAN={alternative}" -file request.req'
        ),
    )


def renewal_command() -> str:
    """Return the command that asks again with the key at hand and the names of the old one."""
    return (
        "openssl x509 -in certnew.cer -signkey private.key -x509toreq \\\n"
        "  -copy_extensions copy -out request.req"
    )
