"""The sign-in pages for people: in, out, and a new password."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.contrib.messages import success
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse_lazy

from enrollment.services.outside.fresh import source_of
from enrollment.signin import openid, session
from enrollment.signin.forms import ChangePasswordForm, SignInForm
from enrollment.signin.problems import forbidden


class SignIn(LoginView):
    """The form, at an address of its own; open to strangers, who are whom it is for."""

    template_name = "signin/login.html"
    authentication_form = SignInForm

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Begin a session, or ask for the second factor first."""
        return session.begin(self.request, form.get_user(), self.get_success_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401  # Django's signature
        """Keep the address that was asked for; Django has checked that it is ours."""
        context = super().get_context_data(**kwargs) | {"next": self.get_redirect_url()}
        context |= openid.way(context["next"])
        # Django's idea of a site would hide ours from the page's header and footer.
        del context["site"]
        return context


class SignOut(LogoutView):
    """End the session (POST only, as Django has it)."""

    next_page = "signin:login"


class ChangePassword(PasswordChangeView):
    """A new password; other sessions and remembered credentials end with the old one."""

    template_name = "signin/password.html"
    form_class = ChangePasswordForm
    success_url = reverse_lazy("signin:password")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ANN401  # Django's signature
        """Send those whose password is kept elsewhere there, once they mean to change it."""
        if request.method == "POST" and isinstance(request.user, User) and source_of(request.user):
            return forbidden(
                request,
                "Your password is not kept here, so nothing was changed.",
                "Change it where you change it for your computer; here, the new one counts then.",
            )
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        """Tell the form from where the old password comes."""
        return super().get_form_kwargs() | {"request": self.request}

    def form_valid(self, form: Any) -> HttpResponse:  # noqa: ANN401  # Django's signature
        """Store the new password and say so."""
        success(self.request, "Your password was changed.")
        return super().form_valid(form)
