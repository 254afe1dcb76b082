"""The pages of second factors: which there are, adding and removing one, recovery codes."""

from collections.abc import Callable
from functools import wraps

import segno
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.contrib.messages import error, success
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from enrollment import conf
from enrollment.services import sealing, second_factor, totp
from enrollment.signin import passkeys, session
from enrollment.signin.factor_forms import AppForm, PasskeyForm
from enrollment.signin.middleware import person_at_browser
from enrollment.signin.problems import forbidden

_PENDING = "pending_app"
_WRONG = "This is not the code of now. Look at the clock of your phone, wait for the next code."


def _of_person(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Give a view the person at the browser; refuse programs."""

    @wraps(view)
    def inner(request: HttpRequest, **arguments: int) -> HttpResponseBase:
        user = person_at_browser(request)
        return _refuse(request) if user is None else view(request, user, **arguments)

    return inner


def _proved_lately(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Have somebody prove who they are before a view that changes something."""

    @wraps(view)
    def inner(request: HttpRequest, user: User, **arguments: int) -> HttpResponseBase:
        if not session.may_change(request):
            return _ask_again(request, user)
        return view(request, user, **arguments)

    return inner


@never_cache
@require_GET
@_of_person
def page(request: HttpRequest, user: User) -> HttpResponseBase:
    """List the factors of this account, or say how to begin."""
    following = session.next_address(request, request.GET.get("next", ""))
    context = {
        "factors": second_factor.of(user),
        "codes_left": second_factor.codes_left(user),
        "is_required": second_factor.is_required(user),
        "passkeys_possible": passkeys.are_possible(request),
        "next": following,
        "query": urlencode({"next": following}),
    }
    return render(request, "signin/factors.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@_of_person
@_proved_lately
def add_app(request: HttpRequest, user: User) -> HttpResponseBase:
    """Show a secret, and take it once the app shows the right code for it."""
    form = AppForm(request.POST or None)
    secret = _pending(request, user, is_new=request.method == "GET")
    if request.method == "POST" and form.is_valid():
        sent, now = form.cleaned_data, timezone.now()
        try:
            row = second_factor.add_app(user, secret, sent["code"], sent["label"], now)
        except second_factor.FactorRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            if row is not None:
                del request.session[_PENDING]
                return _added(request, user, str(row.pk))
            form.add_error("code", _WRONG)
    address = totp.address_of(secret, user.get_username(), conf.current().ca_name)
    context = {
        "form": form,
        "picture": segno.make_qr(address, error="m").svg_data_uri(scale=5, light="#fff"),
        "key": _grouped(address),
    }
    return render(request, "signin/factor_app.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@_of_person
@_proved_lately
def add_passkey(request: HttpRequest, user: User) -> HttpResponseBase:
    """Have the browser make a passkey, and keep its public key."""
    form = PasskeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data
        try:
            made = passkeys.added(request, sent["credential"])
            row = second_factor.add_passkey(user, made, sent["label"], timezone.now())
        except passkeys.PasskeyRefused:
            form.add_error(None, "The browser's answer did not fit. Try once more.")
        except second_factor.FactorRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            return _added(request, user, str(row.pk))
    context = {
        "form": form,
        "is_possible": passkeys.are_possible(request),
        "hostname": conf.current().hostname,
        "options": passkeys.options_to_add(request, user),
    }
    return render(request, "signin/factor_passkey.html", context)


@never_cache
@require_POST
@_of_person
@_proved_lately
def remove(request: HttpRequest, user: User, factor_id: int) -> HttpResponseBase:
    """Take a factor of this account away, which wants the present one."""
    if second_factor.remove(user, factor_id, timezone.now()):
        success(request, "It is removed; sessions that it opened have no second factor any more.")
    else:
        error(request, "There is no such factor.")
    return redirect("signin:factors")


@never_cache
@require_POST
@_of_person
def make_codes(request: HttpRequest, user: User) -> HttpResponseBase:
    """Make new recovery codes, which wants the present factor."""
    if not second_factor.has_any(user):
        error(request, "Recovery codes stand in for a second factor. Add one first.")
        return redirect("signin:factors")
    if not session.may_change(request):
        return _ask_again(request, user)
    return _show_codes(request, user, is_first=False)


def _added(request: HttpRequest, user: User, proof: str) -> HttpResponse:
    is_first = not second_factor.codes_left(user)
    session.prove(request, proof)
    if is_first:
        return _show_codes(request, user, is_first=True)
    success(request, "It is added.")
    return redirect("signin:factors")


def _show_codes(request: HttpRequest, user: User, *, is_first: bool) -> HttpResponse:
    codes = second_factor.make_codes(user, timezone.now())
    session.keep_proof(request, user)
    context = {"codes": codes, "is_first": is_first, "may_enter": second_factor.is_required(user)}
    return render(request, "signin/recovery_codes.html", context)


def _pending(request: HttpRequest, user: User, *, is_new: bool) -> bytes:
    """Return the secret that is being agreed on; in the session it is sealed."""
    owner = f"pending for user {user.pk}"
    kept = request.session.get(_PENDING)
    if kept is None or is_new:
        secret = totp.new_secret()
        request.session[_PENDING] = sealing.seal(
            secret, owner, purpose=sealing.SECOND_FACTORS
        ).hex()
        return secret
    return sealing.unseal(bytes.fromhex(kept), owner, purpose=sealing.SECOND_FACTORS)


def _grouped(address: str) -> str:
    """Return the secret as it is typed into an app that has no camera."""
    key = address.partition("secret=")[2].partition("&")[0]
    return " ".join(key[at : at + 4] for at in range(0, len(key), 4))


def _ask_again(request: HttpRequest, user: User) -> HttpResponseBase:
    """Have somebody prove who they are before anything is changed."""
    following = request.path if request.method == "GET" else reverse("signin:factors")
    if second_factor.has_any(user):
        return redirect(
            f"{reverse('signin:second-factor')}?{urlencode({'next': following, 'again': '1'})}"
        )
    # Without a factor it is the password, and the session may be old, or stolen.
    logout(request)
    return redirect_to_login(following, reverse("signin:login"))


def _refuse(request: HttpRequest) -> HttpResponse:
    return forbidden(
        request,
        "Second factors belong to people at a browser.",
        "Sign in with the form at /accounts/login/.",
    )
