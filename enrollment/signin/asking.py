"""The page that asks for a second factor: to sign in, to reach the desk, to change a factor."""

from dataclasses import dataclass

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from enrollment.services import second_factor
from enrollment.signin import passkeys, session
from enrollment.signin.factor_forms import CodeForm
from enrollment.signin.middleware import person_at_browser

_WRONG = "This code is not right, or was used already. Codes of an app change every 30 seconds."
_REFUSED = "This passkey did not fit. Try once more, or use another factor."


@dataclass(frozen=True, slots=True)
class _Asked:
    user: User
    half: session.Half | None


@never_cache
@login_not_required  # a right password has come before, and gives nothing but this page
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponseBase:
    """Ask, and lead on to where somebody wanted to go."""
    asked = _asked(request)
    if asked is None:
        return redirect("signin:login")
    following = session.next_address(request, request.GET.get("next", ""))
    is_beside = passkeys.has_any(request, asked.user)
    form = CodeForm(is_beside=is_beside)
    if request.method == "POST":
        form = CodeForm(request.POST, is_beside=is_beside)
        proof = _proof(request, asked.user, form)
        if proof and asked.half is not None:
            return session.complete(request, asked.half, proof)
        if proof:
            session.prove(request, proof)
            return session.lead_on(following)
    elif asked.half is None and session.has_passed(request) and "again" not in request.GET:
        return session.lead_on(following)
    context = {
        "form": form,
        "person": asked.user,
        "is_again": "again" in request.GET,
        "options": passkeys.options_to_use(request, asked.user),
    }
    return render(request, "signin/second_factor.html", context)


def _asked(request: HttpRequest) -> _Asked | None:
    half = session.half(request)
    if half is not None:
        return _Asked(half.user, half)
    user = person_at_browser(request)
    return _Asked(user, None) if user is not None and second_factor.has_any(user) else None


def _proof(request: HttpRequest, user: User, form: CodeForm) -> str | None:
    now = timezone.now()
    signed = request.POST.get("credential", "")
    if signed:
        form.errors.clear()
        try:
            proof = passkeys.used(request, user, signed, now)
        except passkeys.PasskeyRefused:
            proof = None
        if proof is None:
            form.add_error(None, _REFUSED)
        return proof
    if not form.is_valid():
        return None
    proof = second_factor.check_code(user, form.cleaned_data["code"], now)
    if proof is None:
        form.add_error("code", _WRONG)
    return proof
