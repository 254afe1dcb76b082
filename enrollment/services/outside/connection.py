"""Connections to the servers of a directory, made within a bounded time.

The system's library bounds the connecting and the waiting for answers, but not, in versions before
2.6, the TLS handshake: a server that takes a connection and then says nothing would hold its asker
for good. So connections are made in a thread that can be left behind. It ends when that server
ends, and only so many are left behind at a time.
"""

from __future__ import annotations

import ssl
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ImproperlyConfigured

from enrollment.services.outside.told import SourceUnavailable
from enrollment.services.pause import Pause

if TYPE_CHECKING:
    from enrollment.conf_ldap import Ldap

MOST_LEFT_BEHIND: Final = 4
_TLS_1_2: Final = 0x303

# A server that failed is asked after the others for a while.
resting: Final = Pause(30.0)
_left_behind: Final[set[threading.Thread]] = set()


def connect(settings: Ldap) -> Any:  # noqa: ANN401  # the package has no types
    """Return a connection to the first server that answers, bound as who looks people up.

    Raises:
        SourceUnavailable: the settings hold no password for that.
        ldap.LDAPError: no server answered, or one refused.
    """
    import ldap  # noqa: PLC0415  # only where it is wanted

    password = _password(settings)
    fault: Exception = ldap.SERVER_DOWN("there is no server")
    for url in sorted(settings.urls, key=lambda one: resting.fault(one) is not None):
        try:
            return _Attempt(url, settings, password).result()
        except down() as error:
            resting.begin(url, error)
            fault = error
    raise fault


def down() -> tuple[type[Exception], ...]:
    """Return the failures that are the server's or the network's: another server may do better."""
    import ldap  # noqa: PLC0415  # as above

    return (ldap.SERVER_DOWN, ldap.CONNECT_ERROR, ldap.TIMEOUT, ldap.UNAVAILABLE, ldap.BUSY)


def close(connection: Any) -> None:  # noqa: ANN401  # as above
    """End a connection, however it is."""
    import ldap  # noqa: PLC0415  # as above

    with suppress(ldap.LDAPError):
        connection.unbind_s()


class _Attempt:
    """One connection in the making."""

    def __init__(self, url: str, settings: Ldap, password: str) -> None:
        self._url, self._settings, self._password = url, settings, password
        self._lock = threading.Lock()
        self._is_left = False
        self._made: Any = None
        self._fault: Exception | None = None

    def result(self) -> Any:  # noqa: ANN401  # as above
        """Return the connection, or raise what it failed with, within the time allowed."""
        import ldap  # noqa: PLC0415  # as above

        _left_behind.difference_update([one for one in _left_behind if not one.is_alive()])
        if len(_left_behind) >= MOST_LEFT_BEHIND:
            raise ldap.TIMEOUT(f"{MOST_LEFT_BEHIND} connections hang already")
        thread = threading.Thread(target=self._make, name="directory", daemon=True)
        thread.start()
        thread.join(self._settings.timeout)
        with self._lock:
            if thread.is_alive() and self._made is None and self._fault is None:
                self._is_left = True
                _left_behind.add(thread)
                raise ldap.TIMEOUT(f"{self._url} took the connection and said nothing")
        if self._fault is not None:
            raise self._fault
        return self._made

    def _make(self) -> None:
        try:
            made, fault = _open(self._url, self._settings, self._password), None
        except Exception as error:  # noqa: BLE001  # raised again in the thread that waits
            made, fault = None, error
        with self._lock:
            self._made, self._fault = made, fault
            if self._is_left and made is not None:
                close(made)


def _open(url: str, settings: Ldap, password: str) -> Any:  # noqa: ANN401  # as above
    import ldap  # noqa: PLC0415  # as above

    connection = ldap.initialize(url, bytes_mode=False)
    # For what waits for an answer; the options are for what connects.
    connection.timeout = settings.timeout
    authorities = settings.ca_file or ssl.get_default_verify_paths().cafile
    options = {
        ldap.OPT_PROTOCOL_VERSION: ldap.VERSION3,
        ldap.OPT_REFERRALS: 0,
        ldap.OPT_NETWORK_TIMEOUT: settings.timeout,
        ldap.OPT_TIMEOUT: settings.timeout,
        # Over whatever the machine's own ldap.conf, or a variable, says.
        ldap.OPT_X_TLS_REQUIRE_CERT: ldap.OPT_X_TLS_DEMAND,
        ldap.OPT_X_TLS_PROTOCOL_MIN: _TLS_1_2,
        **({ldap.OPT_X_TLS_CACERTFILE: authorities} if authorities else {}),
        # The last: the others count from here on.
        ldap.OPT_X_TLS_NEWCTX: 0,
    }
    try:
        for option, value in options.items():
            connection.set_option(option, value)
    except ValueError as error:
        raise SourceUnavailable(
            f"the certificates in '{authorities}' cannot be used (CERTSRV_LDAP_CA_FILE)"
        ) from error
    if settings.start_tls:
        connection.start_tls_s()
    connection.simple_bind_s(settings.bind_dn, password)
    return connection


def _password(settings: Ldap) -> str:
    if not settings.bind_dn:
        return ""
    try:
        password = settings.bind_password.read()
    except ImproperlyConfigured as error:
        raise SourceUnavailable(str(error)) from error
    if not password:
        # The directory might call that a success, and then show nobody.
        raise SourceUnavailable("CERTSRV_LDAP_BIND_PASSWORD is empty")
    return password
