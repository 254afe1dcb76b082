"""What is asked of an OpenID provider: where its parts are, its keys, and the token for a code.

The addresses come from the settings and from the provider's own description, never from a request.

Sources: OpenID Connect Discovery 1.0, RFC 6749 section 4.1.3, RFC 7636.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from django.core.exceptions import ImproperlyConfigured

from enrollment.conf_oidc import is_safe
from enrollment.services.fetch import Fault, Fetch, NotFetched, fetch
from enrollment.services.outside.told import PersonUnknown, SourceDown, SourceUnavailable

if TYPE_CHECKING:
    from enrollment.conf_oidc import Oidc

SECONDS: Final = 5.0
MOST_OCTETS: Final = 256 * 1024
# For so long what the provider says of itself is not asked again; keys sooner, when one is new.
KEPT_SECONDS: Final = 600.0
_KEYS_AT_MOST_EVERY: Final = 10.0
_MOST_KEPT: Final = 4
_WELL_KNOWN: Final = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Description:
    """Where the parts of a provider are."""

    authorization: str
    token: str
    keys: str
    takes_basic: bool
    names_itself: bool


class _Kept:
    """What was fetched a short while ago, by its address."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[float, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def get(self, url: str, settings: Oidc, *, seconds: float) -> dict[str, Any]:
        with self._lock:
            at, found = self._found.get(url, (0.0, {}))
        if found and time.monotonic() - at < seconds:
            return found
        found = _json(Fetch(url, **_bounds(settings)))
        with self._lock:
            self._found[url] = (time.monotonic(), found)
            while len(self._found) > _MOST_KEPT:
                del self._found[next(iter(self._found))]
        return found

    def forget_all(self) -> None:
        with self._lock:
            self._found.clear()


kept: Final = _Kept()


def describe(settings: Oidc) -> Description:
    """Return where the parts of the provider are.

    Raises:
        SourceUnavailable: it does not say, or says something else than the settings.
    """
    url = settings.issuer.rstrip("/") + _WELL_KNOWN
    found = kept.get(url, settings, seconds=KEPT_SECONDS)
    if found.get("issuer") != settings.issuer:
        raise SourceUnavailable(
            f"{url} is of the issuer '{found.get('issuer')}', not of CERTSRV_OIDC_ISSUER"
        )
    methods = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Description(
        authorization=_address(found, "authorization_endpoint"),
        token=_address(found, "token_endpoint"),
        keys=_address(found, "jwks_uri"),
        takes_basic="client_secret_basic" in methods,
        names_itself=found.get("authorization_response_iss_parameter_supported") is True,
    )


def _address(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not is_safe(value):
        raise SourceUnavailable(f"the provider says that its {name} is '{value}': no https address")
    return value


def keys(settings: Oidc, key_id: str | None) -> list[dict[str, Any]]:
    """Return the public keys of the provider that may have signed under an id.

    Raises:
        SourceUnavailable: they cannot be fetched.
    """
    url = describe(settings).keys
    for seconds in (KEPT_SECONDS, _KEYS_AT_MOST_EVERY):
        listed = kept.get(url, settings, seconds=seconds).get("keys")
        found = [
            one
            for one in (listed if isinstance(listed, list) else [])
            if isinstance(one, dict)
            and one.get("use", "sig") == "sig"
            and (key_id is None or one.get("kid") == key_id)
        ]
        if found:
            return found
    return []


def redeem(settings: Oidc, code: str, *, verifier: str, redirect_uri: str) -> str:
    """Return the ID token that the provider gives for a code, as it came.

    Raises:
        PersonUnknown: it gives none: the code is wrong, old, or was used before.
        SourceUnavailable: it cannot be asked.
    """
    where = describe(settings)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
        "client_id": settings.client_id,
    }
    secret = _secret(settings)
    authorization = ""
    if secret and where.takes_basic:
        # Source: RFC 6749 section 2.3.1: both are encoded as in a form first.
        pair = f"{quote(settings.client_id, safe='')}:{quote(secret, safe='')}"
        authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
    elif secret:
        form["client_secret"] = secret
    wanted = Fetch(
        where.token,
        post=urlencode(form).encode(),
        media_type="application/x-www-form-urlencoded",
        authorization=authorization,
        **_bounds(settings),
    )
    try:
        answer = _json(wanted)
    except _Status as refusal:
        raise PersonUnknown(f"the provider gives no token for the code: {refusal}") from refusal
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise PersonUnknown("the provider gave no ID token; is openid among the scopes?")
    return token


class _Status(SourceUnavailable):
    """It answered with another status than 200."""


def _json(wanted: Fetch) -> dict[str, Any]:
    try:
        found = json.loads(fetch(wanted))
    except NotFetched as error:
        text = f"{wanted.url}: {error.detail}"
        if error.fault is Fault.STATUS:
            raise _Status(text) from error
        raise SourceDown(text) from error
    except (ValueError, RecursionError) as error:
        raise SourceUnavailable(f"{wanted.url} is no JSON") from error
    if not isinstance(found, dict):
        raise SourceUnavailable(f"{wanted.url} is no JSON object")
    return found


def _bounds(settings: Oidc) -> dict[str, Any]:
    return {
        "trusted": _authorities(settings.ca_file),
        "seconds": SECONDS,
        "most_octets": MOST_OCTETS,
        "redirects": 0,
    }


def _authorities(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii") if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SourceUnavailable(f"CERTSRV_OIDC_CA_FILE cannot be read: {error}") from error


def _secret(settings: Oidc) -> str:
    try:
        return settings.client_secret.read()
    except ImproperlyConfigured as error:
        raise SourceUnavailable(str(error)) from error
