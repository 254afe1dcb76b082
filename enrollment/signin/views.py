"""The sign-in pages for people: in, out, and a new password."""

from typing import Any

from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.contrib.messages import success
from django.http import HttpResponse
from django.urls import reverse_lazy

from enrollment.signin.forms import ChangePasswordForm, SignInForm


class SignIn(LoginView):
    """The form, at an address of its own; open to strangers, who are whom it is for."""

    template_name = "signin/login.html"
    authentication_form = SignInForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401  # Django's signature
        """Keep the address that was asked for; Django has checked that it is ours."""
        context = super().get_context_data(**kwargs) | {"next": self.get_redirect_url()}
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

    def get_form_kwargs(self) -> dict[str, Any]:
        """Tell the form from where the old password comes."""
        return super().get_form_kwargs() | {"request": self.request}

    def form_valid(self, form: Any) -> HttpResponse:  # noqa: ANN401  # Django's signature
        """Store the new password and say so."""
        success(self.request, "Your password was changed.")
        return super().form_valid(form)
