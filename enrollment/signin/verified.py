"""A short-lived record of credentials that were found to be right.

Programs send their password with every request, and a password hash is slow on purpose: without
this record it would cost more than the certificate. What is kept is a keyed digest, never the
password; the key is random, lives in this process only, and dies with it.

The record answers "was this password right for that hash?", nothing else. The caller reads the
account's row on every request and compares its present hash and its present state, so a changed
password or a disabled account ends the matter at once, in every process.
"""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

LIFETIME_SECONDS = 300.0
CAPACITY = 4096


@dataclass(frozen=True)
class _Entry:
    password: bytes
    password_hash: str
    expires_at: float


class VerifiedCredentials:
    """A bounded map from a name and an address to the password that was right, and its hash.

    What was right from one address says nothing at another: otherwise whoever has to wait there
    could go on guessing here.
    """

    def __init__(self, clock: Callable[[], float], capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._capacity = capacity
        self._key = secrets.token_bytes(32)
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def holds(self, name: str, address: str, password: str, password_hash: str) -> bool:
        """Tell whether this password was lately found right for exactly this hash, from there."""
        digest = self._digest(name, password)
        with self._lock:
            entry = self._entries.get((name, address))
            if entry is None:
                return False
            if entry.expires_at <= self._clock() or entry.password_hash != password_hash:
                del self._entries[name, address]
                return False
            return hmac.compare_digest(entry.password, digest)

    def remember(
        self,
        name: str,
        address: str,
        password: str,
        password_hash: str,
        *,
        lifetime: float = LIFETIME_SECONDS,
    ) -> None:
        """Note that the password was right; wrong ones are never noted.

        Args:
            name: of the account.
            address: from where it came.
            password: as sent.
            password_hash: what is stored of it. Where it is kept elsewhere, what is stored stays
                the same for a while after it was changed; hence the lifetime.
            lifetime: seconds for which it is noted, at most.
        """
        digest = self._digest(name, password)
        entry = _Entry(digest, password_hash, self._clock() + min(lifetime, LIFETIME_SECONDS))
        with self._lock:
            self._entries[name, address] = entry
            self._entries.move_to_end((name, address))
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)

    def forget(self, name: str, address: str) -> None:
        """Have the next password of this account from there checked anew."""
        with self._lock:
            self._entries.pop((name, address), None)

    def forget_all(self) -> None:
        """Begin anew; every password is checked again."""
        with self._lock:
            self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)

    def _digest(self, name: str, password: str) -> bytes:
        # The length keeps ("ab", "c") and ("a", "bc") apart.
        message = f"{len(name)}:{name}{password}".encode()
        return hmac.digest(self._key, message, hashlib.sha256)
