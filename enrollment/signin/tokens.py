"""The page on which people make and end tokens for their own programs."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.contrib.auth.models import User
from django.contrib.messages import error, success
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from enrollment import conf
from enrollment.models import ApiToken
from enrollment.services import directory, tokens
from enrollment.signin.middleware import person_at_browser
from enrollment.signin.problems import forbidden

DEFAULT_DAYS = 90
SHOWN_FOR = 20


class TokenForm(forms.Form):
    """What a new token is for."""

    label = forms.CharField(
        label="What will use it", max_length=60, help_text="For example: web server build."
    )
    days = forms.IntegerField(
        label="Days until it ends",
        min_value=1,
        max_value=tokens.LONGEST_DAYS,
        initial=DEFAULT_DAYS,
    )
    verbs = forms.MultipleChoiceField(
        label="It may",
        choices=list(tokens.VERBS.items()),
        initial=list(tokens.VERBS),
        widget=forms.CheckboxSelectMultiple,
    )
    templates = forms.MultipleChoiceField(
        label="Only for these templates",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: every template that you may enroll for, also later ones.",
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # Django's signature
        super().__init__(*args, **kwargs)
        offered = directory.templates_for(directory.requester_of(user))
        choices = [(template.name, template.display_name) for template in offered]
        self.fields["templates"].choices = choices  # type: ignore[attr-defined]  # a choice field
        if not choices:
            del self.fields["templates"]
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.add_input(Submit("make", "Make token"))


@never_cache
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """List the tokens of this account, and make one."""
    user = _person(request)
    if user is None:
        return _refuse(request)
    now = timezone.now()
    form = TokenForm(user, request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data
        wish = tokens.Wish(
            wanted["label"],
            wanted["days"],
            tuple(wanted.get("templates", ())),
            tuple(wanted["verbs"]),
        )
        try:
            _, secret = tokens.make(user, wish, actor=user.get_username(), now=now)
        except tokens.TokenRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            form = TokenForm(user)
    context = {
        "form": form,
        "secret": secret,
        "tokens": ApiToken.objects.filter(owner=user)[:SHOWN_FOR],
        "now": now,
    }
    return render(request, "signin/tokens.html", context)


@never_cache
@require_POST
def end(request: HttpRequest, token_id: int) -> HttpResponse:
    """End one token of this account."""
    user = _person(request)
    if user is None:
        return _refuse(request)
    own = ApiToken.objects.select_related("owner").filter(owner=user, pk=token_id)
    if tokens.end(own, actor=user.get_username(), now=timezone.now()):
        success(request, "The token is ended; nothing can use it any more.")
    else:
        error(request, "There is no such token, or it has ended already.")
    return redirect("signin:tokens")


def _person(request: HttpRequest) -> User | None:
    return person_at_browser(request) if _are_on() else None


def _are_on() -> bool:
    return "token" in conf.current().sign_in


def _refuse(request: HttpRequest) -> HttpResponse:
    if not _are_on():
        return forbidden(
            request,
            "This site takes no tokens.",
            "The operator switches them on with CERTSRV_SIGN_IN=basic,token.",
        )
    return forbidden(
        request,
        "Tokens are made by people, in a browser.",
        "Sign in with the form at /accounts/login/.",
    )
