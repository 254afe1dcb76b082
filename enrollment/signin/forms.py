"""The forms of the sign-in pages, drawn by crispy-forms like every other form of the site."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from enrollment.signin.accounts import person_of
from enrollment.signin.credentials import Credentials

# One sentence for all cases: which of them it was is nobody's business.
NO_SUCH_ACCOUNT = (
    "No account has this name and password. Capital and small letters differ in passwords."
)


class SignInForm(AuthenticationForm):
    """Name and password of a person."""

    error_messages = dict.fromkeys(("invalid_login", "inactive"), NO_SUCH_ACCOUNT)

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # Django's signature
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = "User name"
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.add_input(Submit("sign_in", "Sign in"))

    def clean(self) -> dict[str, Any]:
        """Find the account, by the same door as programs: guesses are counted there.

        Raises:
            ValidationError: there is none.
            lockout.LockedOut: too many were wrong; `accounts.TooManySignIns` likewise.
        """
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if name and password and self.request is not None:
            sent = Credentials(name, password)
            self.user_cache = person_of(self.request, sent)
            if self.user_cache is None:
                raise ValidationError(NO_SUCH_ACCOUNT, code="invalid_login")
        return self.cleaned_data


class ChangePasswordForm(PasswordChangeForm):
    """The old password and, twice, the new one."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:  # noqa: ANN401  # Django's signature
        super().__init__(*args, **kwargs)
        self.request = request
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.add_input(Submit("change", "Change password"))

    def clean_old_password(self) -> str:
        """Ask for the old one as at the front door: a session left open is no place to guess.

        Raises:
            ValidationError: it is wrong.
            lockout.LockedOut: as above.
        """
        password: str = self.cleaned_data["old_password"]
        sent = Credentials(self.user.get_username(), password)
        if person_of(self.request, sent) != self.user:
            raise ValidationError(
                self.error_messages["password_incorrect"], code="password_incorrect"
            )
        return password
