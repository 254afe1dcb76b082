"""Sign-in by an OpenID provider: the browser goes there and comes back with a code.

What must come back unchanged (state), be answered by the token (nonce) and redeem the code (the
verifier of PKCE) stays meanwhile in a signed cookie of that browser, for ten minutes: strangers
make no rows here.

Sources: OpenID Connect Core 1.0 section 3.1, RFC 7636 (PKCE), RFC 9207 (`iss`).
"""

import base64
import hashlib
import hmac
import logging
import secrets
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings as django_settings
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from enrollment import conf
from enrollment.conf_oidc import Oidc
from enrollment.services.outside import fresh, oidc_accounts, provider
from enrollment.services.outside.told import OIDC, PersonUnknown, SourceUnavailable
from enrollment.signin import absent, session
from enrollment.signin.belief import SignedInBy
from enrollment.signin.problems import begin_again, forbidden

log = logging.getLogger("certsrv.signin")

COOKIE: Final = "oidc"
SECONDS: Final = 600
_SALT: Final = "enrollment.signin.openid"
_LONGEST: Final = 4096


def way(target: str) -> dict[str, Any]:
    """Return what the sign-in page shows of this way; nothing where there is none."""
    settings = conf.current().oidc
    if not settings.is_on:
        return {}
    address = f"{reverse('signin:oidc')}?{urlencode({'next': target})}"
    return {"elsewhere": {"label": settings.label, "address": address}}


@login_not_required  # it is for strangers
@never_cache
@require_GET
def begin(request: HttpRequest) -> HttpResponse:
    """Send a browser to the provider."""
    settings = _settings()
    try:
        with fresh.turn(OIDC):
            where = provider.describe(settings)
    except SourceUnavailable:
        return absent.answer(request, absent.PROVIDER)
    kept = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    digest = hashlib.sha256(kept["verifier"].encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": _own_address(request),
        "scope": settings.scopes,
        "state": kept["state"],
        "nonce": kept["nonce"],
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    between = "&" if "?" in where.authorization else "?"
    response = HttpResponseRedirect(f"{where.authorization}{between}{urlencode(asked)}")
    name, path = _cookie()
    response.set_cookie(
        name,
        signing.dumps(kept | {"next": _target(request)}, salt=_SALT),
        max_age=SECONDS,
        path=path,
        httponly=True,
        secure=django_settings.SESSION_COOKIE_SECURE,
        # The way back is a link of another site.
        samesite="Lax",
    )
    return response


@login_not_required  # as above
@never_cache
@require_GET
def finish(request: HttpRequest) -> HttpResponse:
    """Take a browser back from the provider, and sign its person in."""
    settings = _settings()
    response = _finish(request, settings)
    name, path = _cookie()
    response.delete_cookie(name, path=path)
    return response


def _finish(request: HttpRequest, settings: Oidc) -> HttpResponse:
    kept = _kept(request)
    if kept is None or not _is_same(request.GET.get("state", ""), kept["state"]):
        return begin_again(request)
    code = request.GET.get("code", "")
    try:
        with fresh.turn(OIDC):
            _check_answer(request, settings, code)
            user, has_two_factors = oidc_accounts.sign_in(
                code,
                verifier=kept["verifier"],
                nonce=kept["nonce"],
                redirect_uri=_own_address(request),
                now=timezone.now(),
            )
    except PersonUnknown as reason:
        log.warning("OpenID Connect was refused: %s", reason)
        return forbidden(
            request,
            "You were not signed in: there is no account here that goes with this sign-in, or the "
            "answer of the provider was not good.",
            "Try again, or ask a CA administrator; the log of the site has the reason.",
        )
    except SourceUnavailable:
        return absent.answer(request, absent.PROVIDER)
    # The setting may trust the provider to ask for two factors always, or when it says so.
    always = SignedInBy.OIDC in conf.current().second_factor.elsewhere
    by = SignedInBy.OIDC_MFA if has_two_factors and not always else SignedInBy.OIDC
    return session.begin(request, user, kept["next"], by)


def _check_answer(request: HttpRequest, settings: Oidc, code: str) -> None:
    """Refuse an answer that is of another provider, or is none.

    Raises:
        PersonUnknown: and why.
    """
    issuer = request.GET.get("iss")
    if issuer is None and provider.describe(settings).names_itself:
        raise PersonUnknown("the answer does not say which provider it is of")
    if issuer is not None and issuer != settings.issuer:
        raise PersonUnknown(f"the answer is of {issuer[:200]!r}")
    if "error" in request.GET:
        raise PersonUnknown(f"the provider says {request.GET['error'][:100]!r}")
    if not 0 < len(code) <= _LONGEST:
        raise PersonUnknown(f"a code of {len(code)} characters is none")


def _settings() -> Oidc:
    settings = conf.current().oidc
    if not settings.is_on:
        raise Http404
    return settings


def _own_address(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("signin:oidc-callback"))


def _target(request: HttpRequest) -> str:
    wanted = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        wanted, {request.get_host()}, require_https=request.is_secure()
    )
    return (
        wanted
        if is_ours and len(wanted) < _LONGEST // 2
        else str(django_settings.LOGIN_REDIRECT_URL)
    )


def _cookie() -> tuple[str, str]:
    """Return the cookie's name and path, which keep it from neighbors, where that is possible.

    Under the same domain they could plant one of their own, and sign somebody in as themselves.
    """
    is_secure = django_settings.SESSION_COOKIE_SECURE
    return (f"__Host-{COOKIE}", "/") if is_secure else (COOKIE, reverse("signin:oidc"))


def _kept(request: HttpRequest) -> dict[str, str] | None:
    try:
        kept: dict[str, str] = signing.loads(
            request.COOKIES.get(_cookie()[0], ""), salt=_SALT, max_age=SECONDS
        )
    except signing.BadSignature:
        return None
    return kept


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
