"""The forms around second factors, drawn by crispy-forms like every other form of the site."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms

from enrollment.signin.passkeys import MAXIMUM_LENGTH

_LONGEST_CODE = 40


class _OneButton(forms.Form):
    button = ("send", "Send")

    def __init__(self, *args: Any, is_beside: bool = False, **kwargs: Any) -> None:  # noqa: ANN401  # Django's signature
        super().__init__(*args, **kwargs)
        button = Submit(*self.button)
        if is_beside:
            # Another button of the page is the one to press first.
            button.field_classes = "btn btn-outline"
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.add_input(button)


def _code(label: str, help_text: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        max_length=_LONGEST_CODE,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
    )


class CodeForm(_OneButton):
    """A code of an authenticator app, or a recovery code."""

    button = ("check", "Go on")
    code = _code("Code", "Six digits from your authenticator app, or one of your recovery codes.")


class AppForm(_OneButton):
    """A first code, which shows that the app and the site agree."""

    button = ("add", "Add the app")
    label = forms.CharField(label="What you call it", max_length=60, initial="Phone")
    code = _code("Code", "")


class PasskeyForm(_OneButton):
    """What the browser signed; a script fills it in."""

    button = ("passkey", "Make a passkey")
    label = forms.CharField(label="What you call it", max_length=60, initial="This device")
    credential = forms.CharField(widget=forms.HiddenInput, max_length=MAXIMUM_LENGTH)
