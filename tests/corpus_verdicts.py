"""What is true of every file in the corpus of published requests, and must be said of it.

Judged for template WebServer in its built-in form, asked for by `CertificateTemplate:WebServer`, by
somebody who may enroll, on a CA that knows none of the names. Each verdict was reached by looking
at the file, with OpenSSL and by hand; what our code answers is compared with it, never copied.

A reason is a regular expression that the message to the sender must match, without regard to case.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """How a file must end."""

    ISSUED = "issued"
    DENIED = "denied"  # read and proven, refused by policy
    STRANGER = "stranger"  # read and proven, but signed from outside by somebody unknown
    MALFORMED = "malformed"  # refused while reading
    BAD_SIGNATURE = "bad signature"  # read, but possession of the key is disproved
    NOT_A_REQUEST = "not a request"  # something else, which must be named


class Verdict(NamedTuple):
    """How a file must end, and what must be said; an issued one needs no words."""

    kind: Kind
    reason: str = ""


_ISSUED = """
011 027 029 038 042 043 045 048 050 051 056 061 066 072 075 076 077 079 086 092 093 098 106 111 117
118 119 120 121 123 125 131 137 145 147 148 155 156 163 166 167 174 175 176 178 180 181 185 189 195
231 245 246 247 257 262 268 269 276 277 279 282 288 289 299 300 306 319 331 332 380 424 425 426 427
432
"""
_SHA1 = "005 006 012 058 074 208 211 213 215 216 226 228 229 240 249 296"
_RSA_1024 = "007 008 059 064 067 139 140 154 161 162 204 219 255 258 293 297 328 356 361 440"
_RSA_512 = "336 338 343 344 345 346 348"
_BAD_SIGNATURE = "396 401 415 416 420 421 423"
_DSA = "021 311 315 316 317"

VERDICTS: dict[str, Verdict] = {
    **dict.fromkeys(_ISSUED.split(), Verdict(Kind.ISSUED)),
    **dict.fromkeys(_SHA1.split(), Verdict(Kind.DENIED, r"SHA-1")),
    **dict.fromkeys(_RSA_1024.split(), Verdict(Kind.DENIED, r"RSA 1024.*2048")),
    **dict.fromkeys(_RSA_512.split(), Verdict(Kind.DENIED, r"RSA 512.*2048")),
    **dict.fromkeys(_DSA.split(), Verdict(Kind.DENIED, r"DSA 1024")),
    # The request names a template of its own beside the one that was asked for.
    "015": Verdict(Kind.DENIED, r"different templates.*SubCA"),
    "019": Verdict(Kind.DENIED, r"different templates.*SubCA"),
    "278": Verdict(Kind.DENIED, r"different templates.*caIPAserviceCert"),
    "084": Verdict(Kind.DENIED, r"primes.*close.*Fermat"),
    "251": Verdict(Kind.DENIED, r"neither a subject nor a subject alternative name"),
    "323": Verdict(Kind.DENIED, r"brainpoolP256r1"),
    "354": Verdict(Kind.DENIED, r"MD5"),
    "364": Verdict(Kind.DENIED, r"GOST R 34\.10-2001"),
    "365": Verdict(Kind.DENIED, r"GOST R 34\.10-2001"),
    "367": Verdict(Kind.DENIED, r"FRP256v1"),
    "375": Verdict(Kind.DENIED, r"Diffie-Hellman"),
    "377": Verdict(Kind.DENIED, r"explicit parameters"),
    "378": Verdict(Kind.DENIED, r"explicit parameters"),
    "385": Verdict(Kind.DENIED, r"Dilithium3"),
    "388": Verdict(Kind.DENIED, r"Falcon-512"),
    "389": Verdict(Kind.DENIED, r"Falcon-512"),
    "394": Verdict(Kind.DENIED, r"SPHINCS\+"),
    "395": Verdict(Kind.DENIED, r"SPHINCS\+"),
    "418": Verdict(Kind.DENIED, r"MD4"),
    "461": Verdict(Kind.STRANGER, r"signed with a certificate that this CA did not issue"),
    "463": Verdict(Kind.STRANGER, r"signed with a certificate that this CA did not issue"),
    **dict.fromkeys(
        _BAD_SIGNATURE.split(),
        Verdict(Kind.BAD_SIGNATURE, r"signature.*does not fit"),
    ),
    "406": Verdict(Kind.MALFORMED, r"key usage.*OCTET STRING.*NULL"),
    "441": Verdict(Kind.MALFORMED, r"cut off or damaged.*octet 339"),
    "444": Verdict(Kind.MALFORMED, r"cut off or damaged.*octet 289"),
    "446": Verdict(Kind.MALFORMED, r"type of an attribute.*OBJECT IDENTIFIER"),
    "450": Verdict(Kind.MALFORMED, r"cut off or damaged.*octet 216"),
    "453": Verdict(Kind.MALFORMED, r"cut off"),
    "454": Verdict(Kind.MALFORMED, r"base64 text is damaged"),
    "465": Verdict(Kind.MALFORMED, r"no certification request"),
    "469": Verdict(Kind.NOT_A_REQUEST, r"CRMF"),
    "470": Verdict(Kind.NOT_A_REQUEST, r"CRMF"),
    "475": Verdict(Kind.NOT_A_REQUEST, r"CMP"),
    "479": Verdict(Kind.NOT_A_REQUEST, r"CMP"),
    "483": Verdict(Kind.NOT_A_REQUEST, r"SPKAC"),
    "485": Verdict(Kind.NOT_A_REQUEST, r"SPKAC"),
    "488": Verdict(Kind.NOT_A_REQUEST, r"SPKAC"),
    "490": Verdict(Kind.NOT_A_REQUEST, r"SPKAC"),
}


def verdict_for(file_name: str) -> Verdict:
    """Return the verdict for a file, which begins with its number."""
    return VERDICTS[file_name[:3]]
