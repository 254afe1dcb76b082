"""The forms of the sign-in pages, drawn by crispy-forms like every other form of the site."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.http import HttpRequest

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


class ChangePasswordForm(PasswordChangeForm):
    """The old password and, twice, the new one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # Django's signature
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.add_input(Submit("change", "Change password"))
