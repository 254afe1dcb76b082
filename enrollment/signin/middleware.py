"""Nobody passes unless they said who they are, or the address is open to everybody.

A view is closed unless it says `@login_not_required`, and says why. A few can also be reached with
a token of the settings; see `service_token`.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from enrollment import conf
from enrollment.services.lockout import LockedOut
from enrollment.services.outside.told import SourceUnavailable
from enrollment.signin import absent, gate, later, methods, outside, service_token
from enrollment.signin.accounts import TooManySignIns
from enrollment.signin.belief import Believed, CredentialsRefused, GoOn, Seen, SignedInBy
from enrollment.signin.challenge import go_on, unauthorized
from enrollment.signin.methods import ntlm, token
from enrollment.signin.problems import forbidden

# The pages that a stand-alone CA opens to people without an account (DESIGN, section 5).
OPEN_WHEN_STANDALONE = "enrollment.protocols.web"


class SignInMiddleware:
    """Find out who asks; refuse strangers everywhere but at open addresses.

    Sets `request.user` and `request.signed_in_by`. Stands behind Django's own authentication,
    which knows session cookies only.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Believe or refuse credentials, then pass the request on."""
        try:
            seen = None if service_token.is_shown(request) else _look(request)
        except CredentialsRefused:
            return unauthorized(request, refused=True)
        except (LockedOut, TooManySignIns) as reason:
            return later.answer(request, reason)
        except SourceUnavailable:
            return absent.answer(request)
        if isinstance(seen, GoOn):
            return go_on(request, seen.line)
        if seen is not None:
            request.user = seen.user
            request.signed_in_by = seen.by  # type: ignore[attr-defined]  # ours, see class
        response = self.get_response(request)
        if seen is not None and seen.line:
            response["WWW-Authenticate"] = seen.line
        if response.status_code == 404 and request.resolver_match is None:  # noqa: PLR2004  # HTTP
            # A stranger learns nothing from addresses that do not exist, either.
            return response if _may_pass(request) else unauthorized(request)
        return response

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        _args: tuple[Any, ...],
        _kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        """Refuse a stranger unless the view is open to everybody."""
        if not getattr(view, "login_required", True):
            return None
        if _may_pass(request):
            return _judge(request, view)
        if _open_when_standalone(view) or service_token.is_shown(request):
            return None
        if getattr(request, "is_source_away", False):
            return absent.answer(request)
        return unauthorized(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for the forms that ask for a password, as for programs."""
        if isinstance(exception, LockedOut | TooManySignIns):
            return later.answer(request, exception)
        return absent.answer(request) if isinstance(exception, SourceUnavailable) else None


def _look(request: HttpRequest) -> Seen:
    """Find out who asks, and whether those who have the account elsewhere still have it there."""
    seen = methods.look(request)
    if isinstance(seen, Believed):
        if not outside.still_counts(seen.user):
            raise CredentialsRefused
    elif seen is None and settings.SESSION_COOKIE_NAME in request.COOKIES:
        _look_at_session(request)
    return seen


def _look_at_session(request: HttpRequest) -> None:
    """Make a stranger of somebody whose session has outlived the account.

    While the directory is away they are a stranger too, and told why at pages that want somebody:
    the sign-in page stays open to those whose accounts are kept here.
    """
    user = request.user
    if not isinstance(user, User):
        return
    password = user.password
    try:
        if outside.still_counts(user, request.session) and user.password == password:
            return
    except SourceUnavailable:
        request.is_source_away = True  # type: ignore[attr-defined]  # ours, read above
        request.user = AnonymousUser()
        return
    logout(request)


def signed_in_by(request: HttpRequest) -> SignedInBy:
    """Tell how the asker made themselves known, if at all."""
    known: SignedInBy | None = getattr(request, "signed_in_by", None)
    if known is not None:
        return known
    return SignedInBy.SESSION if request.user.is_authenticated else SignedInBy.NOTHING


def person_at_browser(request: HttpRequest) -> User | None:
    """Return whose session this is: nothing else shows a factor, or makes itself a secret."""
    user = request.user
    return user if isinstance(user, User) and signed_in_by(request) is SignedInBy.SESSION else None


def _judge(request: HttpRequest, view: Callable[..., HttpResponse]) -> HttpResponseBase | None:
    """Let somebody we know through, as far as the way they signed in reaches."""
    by = signed_in_by(request)
    if by is SignedInBy.TOKEN:
        return None if token.may_reach(request, view) else _beyond_token(request)
    if by is SignedInBy.NTLM and not ntlm.may_reach(view):
        return _beyond_ntlm(request)
    return gate.judge(request, by)


def _may_pass(request: HttpRequest) -> bool:
    return request.user.is_authenticated


def _open_when_standalone(view: Callable[..., HttpResponse]) -> bool:
    return conf.current().ca_type == "standalone" and view.__module__.startswith(
        OPEN_WHEN_STANDALONE
    )


def _beyond_token(request: HttpRequest) -> HttpResponse:
    return forbidden(
        request,
        "This token is not for that.",
        "Make one that is, at /accounts/tokens/, or sign in as the person.",
    )


def _beyond_ntlm(request: HttpRequest) -> HttpResponse:
    return forbidden(
        request,
        "NTLM opens the request pages, and nothing else.",
        "Sign in with the form at /accounts/login/.",
    )
