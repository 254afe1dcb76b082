"""Where a CA's certificates and lists are fetched: Microsoft's file names as addresses.

Source: ms-facts section (d.8); certsrv-contract section 1.13; MS-WCCE 3.1.1.4.1.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

_REPLACED: Final = frozenset("!\"#%&'()*+,/:;<=>?[\\]^`{|}")
_FIRST_PRINTABLE: Final = 0x20
_LAST_PRINTABLE: Final = 0x7E
_LONGEST_SHORT_NAME: Final = 51
_ESCAPE_LENGTH: Final = 5
_TOKEN: Final = re.compile(r"%(?:1[0-4]|[1-9])|<CRLPartitionIndex>")


def sanitized_name(name: str) -> str:
    """Return %3: every character that no file system or directory likes becomes ``!xxxx``."""
    return "".join(
        f"!{unit:04x}" if chr(unit) in _REPLACED or not _is_plain(unit) else chr(unit)
        for unit in _utf16_units(name)
    )


def _is_plain(unit: int) -> bool:
    return _FIRST_PRINTABLE <= unit <= _LAST_PRINTABLE


def _utf16_units(text: str) -> list[int]:
    octets = text.encode("utf-16-be")
    return [int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2)]


def short_name(name: str) -> str:
    """Return %7: the sanitized name, cut to what a directory takes, with a hash of what was cut.

    Source: MS-WCCE 3.1.1.4.1.1.
    """
    sanitized = sanitized_name(name)
    if len(sanitized) <= _LONGEST_SHORT_NAME:
        return sanitized
    kept = sanitized[:_LONGEST_SHORT_NAME]
    # An escape that the cut would split goes as a whole.
    escape = kept.rfind("!", len(kept) - _ESCAPE_LENGTH + 1)
    if escape >= 0:
        kept = kept[:escape]
    digest = 0
    for character in sanitized[len(kept) :]:
        digest = (((digest << 1) | (digest >> 15)) + ord(character)) & 0xFFFF
    return f"{kept}-{digest:05}"


def suffix(index: int) -> str:
    """Return %4 or %8: nothing for the first, ``(1)`` and so on after it."""
    return f"({index})" if index else ""


@dataclass(frozen=True, slots=True)
class Place:
    """What the tokens of an address stand for.

    Attributes:
        hostname: the DNS name of the site.
        name: the name of the CA.
        index: the index of its certificate.
        key_index: the index of the certificate at which its key first appeared.
        delta: whether a delta list is meant.
        partition: of a list; 0 is the complete one.
    """

    hostname: str
    name: str
    index: int = 0
    key_index: int = 0
    delta: bool = False
    partition: int = 0

    def tokens(self) -> dict[str, str]:
        """Return the expansion of each token, for a file name."""
        delta_class = "deltaRevocationList" if self.delta else "certificateRevocationList"
        domain = ",".join(f"DC={label}" for label in self.hostname.split(".")[1:])
        return {
            "%1": self.hostname,
            "%2": self.hostname.partition(".")[0],
            "%3": sanitized_name(self.name),
            "%4": suffix(self.index),
            "%5": domain,
            "%6": f"CN=Configuration,{domain}" if domain else "CN=Configuration",
            "%7": short_name(self.name),
            "%8": suffix(self.key_index),
            "%9": "+" if self.delta else "",
            "%10": f"?{delta_class}?base?objectClass=cRLDistributionPoint",
            "%11": "?cACertificate?base?objectClass=certificationAuthority",
            "%12": "?userCertificate?base?objectClass=*",
            "%13": "?userCertificate?one?objectClass=msPKI-PrivateKeyRecoveryAgent",
            "%14": "?crossCertificatePair?one?objectClass=certificationAuthority",
            "<CRLPartitionIndex>": f"_Partition{self.partition:05}" if self.partition else "",
        }


def expand(template: str, place: Place) -> str:
    """Return an address with its tokens replaced, in percent-encoding where it must be.

    Args:
        template: for example ``http://%1/CertEnroll/%3%8%9.crl``.
        place: what the tokens stand for.

    Source: ms-facts section (d.8).
    """
    tokens = place.tokens()
    return _TOKEN.sub(lambda found: quote(tokens[found.group()], safe="()+!?=*,"), template)


def certificate_file(place: Place) -> str:
    """Return the file name of a CA certificate, ``%1_%3%4.crt``."""
    tokens = place.tokens()
    return f"{tokens['%1']}_{tokens['%3']}{tokens['%4']}.crt"


def cross_file(place: Place, target_index: int) -> str:
    """Return the file name of a cross certificate, ``%1_%3(a-b).crt``.

    Args:
        place: of the CA certificate whose key signs, index `a`.
        target_index: of the CA certificate whose key is certified, `b`.
    """
    tokens = place.tokens()
    return f"{tokens['%1']}_{tokens['%3']}({place.index}-{target_index}).crt"


def crl_file(place: Place) -> str:
    """Return the file name of a CRL, ``%3%8%9.crl``, with its partition before the plus."""
    tokens = place.tokens()
    partition = tokens["<CRLPartitionIndex>"]
    return f"{tokens['%3']}{tokens['%8']}{partition}{tokens['%9']}.crl"
