"""Who fails too often has to wait: guessed passwords, walks over request ids, floods of requests.

What succeeds is not counted, but for requests for certificates, so that no program that works
meets a limit (ADR 0029). Nothing here asks the database.
"""

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from enrollment import conf
from enrollment.conf_web import OFF, REPORT, Limits, Rate
from enrollment.protocols.web.answers import UNKNOWN_ID
from enrollment.serving import limited
from enrollment.serving.allowances import Allowances
from enrollment.signin import addresses
from enrollment.signin.challenge import REFUSED
from enrollment.signin.credentials import parse_basic

# Public data, asked for by everybody, and what supervisors ask: not looked at, unless a password
# comes along. OCSP is answered before it comes here.
_OPEN: Final = ("/certenroll/", "/ocsp", "/healthz", "/readyz")
_SIGN_IN: Final = "enrollment.signin."
# Who is signed in already may type a password there, too: another's, or in a session left open.
_FORM: Final = "signin:login"
_CHANGE: Final = "signin:password"
_SUBMITTING: Final = frozenset({"web:certfnsh", "web:preview"})
_OUR_FAULT: Final = 500
_UNAUTHORIZED: Final = frozenset({401, 404})
# What a sign-in form answers when it does not lead on: itself, or a page that says why.
_NOT_ON: Final = frozenset({200, 401, 403})
_LOCKED: Final = 429
# Kerberos needs one answer "sign in" before a request, NTLM two: whoever signs in after them is no
# stranger, so they are paid back, and more.
_PAID_BACK: Final = 4
_LONGEST_NAME: Final = 256

_CLAIMED: Final = "certsrv.claimed_name"
_TYPED: Final = "certsrv.typed_password"
_STOPPED: Final = "certsrv.stopped"

# Made when the application is loaded, which is before the workers are forked.
allowances = Allowances()


class LimitsMiddleware:
    """Answer 429 to who failed too often; count who fails.

    Stands before sessions and sign-in, so that a password that will not be believed is not hashed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass a request on, unless its credentials would be one guess too many."""
        limits = conf.current().web.limits
        if limits.mode == OFF or _is_open(request):
            return self.get_response(request)
        asked = _Asked(request, limits)
        if "HTTP_AUTHORIZATION" in request.META:
            refused = asked.guesses(_name_of_basic(request))
            if refused is not None:
                return refused
        return asked.judged(self.get_response(request))

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., Any],
        _args: tuple[Any, ...],
        _kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        """Look at what depends on who asks: by now, the account is known."""
        limits = conf.current().web.limits
        if limits.mode == OFF or _is_open(request):
            return None
        asked, match = _Asked(request, limits), request.resolver_match
        if request.method == "POST":
            name = match.view_name if match is not None else ""
            if is_sign_in(request, view) or name in (_FORM, _CHANGE):
                return asked.types(_name_of_form(request))
            return asked.submits() if name in _SUBMITTING and _may_submit(request) else None
        return asked.looks() if is_sign_in(request, view) else None


def is_sign_in(request: HttpRequest, view: Callable[..., Any]) -> bool:
    """Tell whether a stranger is at a page of signing in."""
    return view.__module__.startswith(_SIGN_IN) and not request.user.is_authenticated


class _Asked:
    """One request, and what its address and its account may still do."""

    def __init__(self, request: HttpRequest, limits: Limits) -> None:
        self._request = request
        self._limits = limits
        self._place, is_shared = addresses.place(request)
        # An unnamed proxy on this machine speaks for everybody: who comes through it has no
        # allowance as an address.
        self._address = "" if is_shared else self._place

    def guesses(self, name: str) -> HttpResponse | None:
        """Refuse credentials when too many from here were wrong."""
        self._request.META[_CLAIMED] = name
        return self._wait("passwords", self._named(name)) or self._wait("names", self._address)

    def types(self, name: str) -> HttpResponse | None:
        """Refuse what was typed into a form likewise."""
        self._request.META[_TYPED] = True
        return self.guesses(name)

    def looks(self) -> HttpResponse | None:
        """Count a look at a page that is drawn for strangers."""
        return self._counted("strangers", self._address)

    def submits(self) -> HttpResponse | None:
        """Count a request or a preview; refuse it when there were too many."""
        kind = "submissions" if self._request.user.is_authenticated else "open_submissions"
        refused = self._wait(kind, self._whose())
        if refused is None:
            self._count(kind, self._whose())
        return refused

    def judged(self, response: HttpResponseBase) -> HttpResponseBase:
        """Count what failed; answer a stranger who failed too often with nothing else."""
        meta = self._request.META
        if response.status_code >= _OUR_FAULT or meta.get(_STOPPED):
            return response
        if meta.get(UNKNOWN_ID):
            return self._counted("ids", self._whose()) or response
        if meta.get(REFUSED) or self._is_guess_refused(response):
            self._count("passwords", self._named(meta.get(_CLAIMED, "")))
            self._count("names", self._address)
        elif not self._is_known():
            if response.status_code in _UNAUTHORIZED:
                return self._counted("strangers", self._address) or response
        elif self._limits.strangers is not None and self._address:
            key = f"strangers {self._address}"
            allowances.pay_back(key, self._limits.strangers, _PAID_BACK)
        return response

    def _is_known(self) -> bool:
        user = getattr(self._request, "user", None)
        return user is not None and user.is_authenticated

    def _is_guess_refused(self, response: HttpResponseBase) -> bool:
        """Whether a form led nowhere, or nothing was looked at, as the account has to wait.

        A form that is right leads on to another page.
        """
        if _CLAIMED not in self._request.META:
            return False
        is_form = _TYPED in self._request.META
        return response.status_code == _LOCKED or (is_form and response.status_code in _NOT_ON)

    def _named(self, name: str) -> str:
        """Return the key for one name at one address; without a name there is none."""
        return f"{self._place} {name}" if name and self._place else ""

    def _whose(self) -> str:
        user = self._request.user
        return f"account {user.pk}" if user.is_authenticated else self._address

    def _counted(self, kind: str, key: str) -> HttpResponse | None:
        refused = self._wait(kind, key)
        self._count(kind, key)
        return refused

    def _count(self, kind: str, key: str) -> None:
        rate: Rate | None = getattr(self._limits, kind)
        if rate is not None and key:
            allowances.charge(f"{kind} {key}", rate)

    def _wait(self, kind: str, key: str) -> HttpResponse | None:
        """Return the answer "wait", if that is what there is to do."""
        rate: Rate | None = getattr(self._limits, kind)
        # Of whom nothing is known, nothing is counted.
        if rate is None or not key:
            return None
        seconds = allowances.wait(f"{kind} {key}", rate)
        if not seconds:
            return None
        # Not the name: people type passwords into the field for it.
        limited.note(kind, self._place if kind == "passwords" else key, rate)
        if self._limits.mode == REPORT:
            return None
        self._request.META[_STOPPED] = True
        return limited.answer(self._request, kind, seconds)


def _is_open(request: HttpRequest) -> bool:
    is_public = request.path_info.casefold().startswith(_OPEN)
    return is_public and "HTTP_AUTHORIZATION" not in request.META


def _may_submit(request: HttpRequest) -> bool:
    """Whether a request would be taken in; else it is a stranger who is asked to sign in first."""
    return request.user.is_authenticated or not conf.current().is_enterprise


def _name_of_basic(request: HttpRequest) -> str:
    credentials = parse_basic(request.META["HTTP_AUTHORIZATION"])
    return _folded(credentials.name) if credentials is not None else ""


def _name_of_form(request: HttpRequest) -> str:
    typed = request.POST.get("username", "")
    is_own = not typed and request.user.is_authenticated
    return _folded(request.user.get_username() if is_own else typed)


def _folded(name: str) -> str:
    """Return the account that is meant, whatever domain stands beside it."""
    bare = name.rpartition("\\")[2].partition("@")[0]
    return bare[:_LONGEST_NAME].casefold()
