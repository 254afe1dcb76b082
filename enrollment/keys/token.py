"""One session with a PKCS #11 token per process, for one thread at a time.

python-pkcs11 initializes modules without saying that threads may call at once, so one lock guards
every call (PKCS #11 section 5.4, C_Initialize). After a fork the child has to initialize the
module itself (section 2.2 of the usage guide), and after a loss of the token everybody has to open
a new session and log in again: both are done here, and callers see neither.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from enrollment.keys.errors import (
    TokenFailed,
    TokenMissing,
    TokenModuleMissing,
    TokenPinWrong,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pkcs11.types import Session

T = TypeVar("T")
_LOOKS: Final = 4
_PAUSE_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """Which driver, which token, and how to get the PIN when it is needed."""

    module: str
    token: str
    pin: Callable[[], str] = field(repr=False, compare=False)


class _Process:
    """What a process knows of its tokens."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.sessions: dict[tuple[str, str], Session] = {}
        self.inherited: set[str] = set()

    def forked(self) -> None:
        """Forget the parent's sessions, and its lock, which a thread left behind may hold."""
        self.lock = threading.RLock()
        self.inherited |= {module for module, _ in self.sessions}
        self.sessions = {}


process: Final = _Process()
os.register_at_fork(after_in_child=process.forked)


class Token:
    """A token, reached by way of its module."""

    def __init__(self, settings: TokenSettings, name: str = "") -> None:
        """Name a token; nothing is opened before it is needed.

        Raises:
            TokenModuleMissing: no module is set.
        """
        if not settings.module:
            raise TokenModuleMissing(
                "The key is on a token, and no driver for tokens is set; set "
                "CERTSRV_PKCS11_MODULE to its PKCS #11 library, for example "
                "/usr/lib/softhsm/libsofthsm2.so."
            )
        self.name = name or settings.token
        self._settings = settings

    def use(self, act: Callable[[Session], T]) -> T:
        """Do something in the session of this process; once more in a new one when it fails.

        Raises:
            KeyProblem: the token is not to be had, or fails twice.
        """
        pkcs11 = _driver()
        with process.lock:
            try:
                return act(self._session())
            except pkcs11.PKCS11Error:
                # Lost, reset or pulled out and put back: whatever it was, a new session tells.
                self._renew()
            try:
                return act(self._session())
            except pkcs11.PKCS11Error as error:
                raise TokenFailed(
                    f"The token {self.name!r} does not do its work: {_text(error)}. Look into the "
                    "log of its driver."
                ) from error

    def _session(self) -> Session:
        """Return the session of this process; the caller holds the lock."""
        key = (self._settings.module, self.name)
        if key not in process.sessions:
            process.sessions[key] = self._open()
        return process.sessions[key]

    def _open(self) -> Session:
        pkcs11 = _driver()
        if self._settings.module in process.inherited:
            self._renew()
        module = self._module()
        try:
            token = self._find(module)
        except (pkcs11.NoSuchToken, pkcs11.MultipleTokensReturned) as error:
            known = ", ".join(repr(token.label) for token in module.get_tokens()) or "none"
            raise TokenMissing(
                f"There is no one token with the name {self.name!r}; the driver "
                f"{self._settings.module} knows these: {known}. Set CERTSRV_PKCS11_TOKEN, or plug "
                "the token in."
            ) from error
        return self._log_in(token)

    def _find(self, module: Any) -> Any:  # noqa: ANN401 - the driver's own types
        """Find the token; look again when it is not there.

        SoftHSM takes a token for an empty one while another process writes to it.
        """
        pkcs11 = _driver()
        for _ in range(_LOOKS - 1):
            with contextlib.suppress(pkcs11.NoSuchToken):
                return module.get_token(token_label=self.name)
            time.sleep(_PAUSE_SECONDS)
            self._renew()
        return module.get_token(token_label=self.name)

    def _log_in(self, token: Any) -> Session:  # noqa: ANN401 - the driver's own type
        pkcs11 = _driver()
        refusals = (
            pkcs11.PinIncorrect,
            pkcs11.PinInvalid,
            pkcs11.PinLenRange,
            pkcs11.PinLocked,
            pkcs11.PinExpired,
            pkcs11.UserPinNotInitialized,
        )
        pin = self._settings.pin()
        if not pin:
            raise TokenPinWrong(
                f"The token {self.name!r} wants a PIN; set CERTSRV_PKCS11_PIN_FILE to a file that "
                "holds it."
            )
        try:
            session: Session = token.open(user_pin=pin, rw=True)
        except refusals as error:
            # Never tried again: a token locks itself after a few wrong PINs.
            raise TokenPinWrong(
                f"The token {self.name!r} does not accept the PIN ({_text(error)}); correct "
                "CERTSRV_PKCS11_PIN or the file that CERTSRV_PKCS11_PIN_FILE names."
            ) from error
        return session

    def _module(self) -> Any:  # noqa: ANN401 - the driver's own type
        pkcs11 = _driver()
        try:
            return pkcs11.lib(self._settings.module)
        except pkcs11.PKCS11Error as error:
            raise TokenModuleMissing(
                f"The driver {self._settings.module} cannot be used: {_text(error)}. Correct "
                "CERTSRV_PKCS11_MODULE, or install the driver."
            ) from error

    def _renew(self) -> None:
        """End every session of the module and begin anew."""
        pkcs11 = _driver()
        for key in [key for key in process.sessions if key[0] == self._settings.module]:
            del process.sessions[key]
        process.inherited.discard(self._settings.module)
        module = self._module()
        # A child, or a driver that fell over, may refuse to end what it does not know.
        with contextlib.suppress(pkcs11.PKCS11Error):
            module.finalize()
        try:
            module.initialize()
        except pkcs11.PKCS11Error as error:
            raise TokenFailed(
                f"The driver {self._settings.module} does not start: {_text(error)}."
            ) from error


def _driver() -> Any:  # noqa: ANN401 - a package that may be missing
    try:
        import pkcs11  # noqa: PLC0415 - only who has a token needs it
    except ImportError as error:
        raise TokenModuleMissing(
            "The key is on a token, and the package that talks to tokens is not installed. "
            "Type: pip install -r requirements-pkcs11.txt"
        ) from error
    return pkcs11


def _text(error: Exception) -> str:
    """Return the words of the driver, or the name of its error code."""
    return str(error) or type(error).__name__
