"""Keys of the right size that can be broken all the same.

Each check answers with a sentence that names the weakness, or None. All of them together cost less
than a tenth of a millisecond for RSA 2048, so every request pays for all of them.

Source: CA/Browser Forum baseline requirements section 6.1.1.3; Nemec and others, "The Return of
Coppersmith's Attack" (2017) for the ROCA fingerprint; RFC 8017 section 3.1.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ed448, ed25519, rsa

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

_ROCA_GENERATOR: Final = 65_537
_ROCA_LARGEST_PRIME: Final = 167
_SMALL_PRIME_LIMIT: Final = 2_000
_FERMAT_ROUNDS: Final = 100
_MAX_EXPONENT_BITS: Final = 256


def _primes_below(limit: int) -> list[int]:
    sieve = bytearray([1]) * limit
    sieve[:2] = b"\x00\x00"
    for number in range(2, math.isqrt(limit) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, limit, number)))
    return [number for number, prime in enumerate(sieve) if prime]


def _powers_of_generator(prime: int) -> int:
    """Return a bit mask of the residues that 65537 generates modulo `prime`."""
    mask, residue = 0, 1
    while not mask >> residue & 1:
        mask |= 1 << residue
        residue = residue * _ROCA_GENERATOR % prime
    return mask


_PRIMES: Final = _primes_below(_SMALL_PRIME_LIMIT)
_PRIMORIAL: Final = math.prod(_PRIMES[1:])
_ROCA_PRIMES: Final = [prime for prime in _PRIMES[1:] if prime <= _ROCA_LARGEST_PRIME]
_ROCA_PRODUCT: Final = math.prod(_ROCA_PRIMES)
_ROCA_MASKS: Final = [(prime, _powers_of_generator(prime)) for prime in _ROCA_PRIMES]

# A square has few residues; two look-ups spare most of the square roots.
_SQUARES_64: Final = frozenset(number * number % 64 for number in range(64))
_SQUARE_MODULUS: Final = 9 * 5 * 7 * 11
_SQUARES: Final = frozenset(number * number % _SQUARE_MODULUS for number in range(_SQUARE_MODULUS))

# The second coordinates of the points whose order divides the cofactor: signatures that anybody can
# make verify under such a key. Libraries reduce a coordinate that is not reduced, and take any sign
# beside it (RFC 8032 sections 5.1.3 and 5.2.3 do not), so it is the number that is looked at.
_P25519: Final = 2**255 - 19
_ORDER_EIGHT: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_LOW_ORDER_ED25519: Final = frozenset({0, 1, _P25519 - 1, _ORDER_EIGHT, _P25519 - _ORDER_EIGHT})
_P448: Final = 2**448 - 2**224 - 1
_LOW_ORDER_ED448: Final = frozenset({0, 1, _P448 - 1})


def weakness(public_key: object, *, known_weak: AbstractSet[str] = frozenset()) -> str | None:
    """Say why `public_key` can be broken, or None.

    Args:
        public_key: a loaded key; loading has already checked that an EC point lies on its curve.
        known_weak: fingerprints of published keys, as `fingerprint` makes them (Debian's list).
    """
    if isinstance(public_key, rsa.RSAPublicKey):
        numbers = public_key.public_numbers()
        return rsa_weakness(numbers.n, numbers.e, known_weak=known_weak)
    if isinstance(public_key, ed25519.Ed25519PublicKey):
        second = int.from_bytes(public_key.public_bytes_raw(), "little") % 2**255 % _P25519
        if second in _LOW_ORDER_ED25519:
            return "the Ed25519 key is a point of small order, which every signature fits"
    if isinstance(public_key, ed448.Ed448PublicKey):
        second = int.from_bytes(public_key.public_bytes_raw()[:-1], "little") % _P448
        if second in _LOW_ORDER_ED448:
            return "the Ed448 key is a point of small order, which every signature fits"
    return None


def rsa_weakness(
    modulus: int, exponent: int, *, known_weak: AbstractSet[str] = frozenset()
) -> str | None:
    """Say why an RSA key can be broken, or None.

    The caller has bounded the size of both numbers (`keys.describe_public_key`).
    """
    return next(_findings(modulus, exponent, known_weak), None)


def _findings(modulus: int, exponent: int, known_weak: AbstractSet[str]) -> Iterator[str]:
    """Yield what is wrong, the cheapest to find first."""
    if not modulus & 1:
        yield "the RSA modulus is even"
    if exponent == 1:
        yield "the RSA public exponent is 1, so nothing is encrypted and anybody can sign"
    if not exponent & 1:
        yield f"the RSA public exponent is even ({exponent:#x})"
    if exponent.bit_length() > _MAX_EXPONENT_BITS:
        yield "the RSA public exponent has more than 256 bits"
    if math.gcd(modulus, _PRIMORIAL) != 1:
        yield f"the RSA modulus is divisible by a prime below {_SMALL_PRIME_LIMIT:,}"
    if has_roca_fingerprint(modulus):
        yield "the RSA key was made by a faulty Infineon library (ROCA, CVE-2017-15361)"
    if _has_close_primes(modulus):
        yield "the two primes of the RSA key lie close together, so Fermat's method factors it"
    if known_weak and fingerprint(modulus) in known_weak:
        yield "the RSA key is on the list of keys made by Debian's broken generator of 2006"


def has_roca_fingerprint(modulus: int) -> bool:
    """Whether `modulus` is a power of 65537 modulo every prime up to 167.

    Infineon's primes are k * M + (65537^a mod M) with M a product of small primes, so the modulus
    lies in the same small subgroup. A random modulus does with probability below 2^-27.

    Source: Nemec and others 2017, section 2.2.
    """
    residue = modulus % _ROCA_PRODUCT
    return all(mask >> (residue % prime) & 1 for prime, mask in _ROCA_MASKS)


def fingerprint(modulus: int) -> str:
    """Return what the Debian lists of weak keys hold: 20 hexadecimal digits.

    The last half of SHA-1 over the line that `openssl rsa -modulus` prints.
    """
    line = f"Modulus={modulus:X}\n".encode("ascii")
    return hashlib.sha1(line, usedforsecurity=False).hexdigest()[20:]


def _has_close_primes(modulus: int) -> bool:
    """Look for n = a*a - b*b with the smallest a, as Fermat did."""
    root = math.isqrt(modulus)
    if root * root == modulus:
        return True
    root += 1
    square = root * root - modulus
    step = 2 * root + 1
    for _ in range(_FERMAT_ROUNDS):
        if (
            square & 63 in _SQUARES_64
            and square % _SQUARE_MODULUS in _SQUARES
            and math.isqrt(square) ** 2 == square
        ):
            return True
        square += step
        step += 2
    return False
