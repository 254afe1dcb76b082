"""What people type: the paste page and the names page. Fields keep the wire's spelling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Field, Layout
from django import forms
from django.template.loader import render_to_string

from enrollment.protocols.web import commands

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.utils.safestring import SafeString

    from enrollment.ca.template import CertificateTemplate
    from enrollment.protocols.web.wording import Wording

_PLACEHOLDER: Final = (
    "-----BEGIN NEW CERTIFICATE REQUEST-----\n…\n-----END NEW CERTIFICATE REQUEST-----"
)


class TemplateList(forms.Select):
    """The list of templates, line by line as clients read it (contract section 1.3)."""

    def __init__(self, templates: Sequence[CertificateTemplate]) -> None:
        super().__init__()
        self.templates = templates

    def id_for_label(self, id_: str, index: str = "0") -> str:
        """Return the id of the contract, whatever Django would call it."""
        del id_, index
        return "lbCertTemplateID"

    def render(
        self, name: str, value: object, attrs: object = None, renderer: object = None
    ) -> SafeString:
        """Draw it from our own template: names, case and line breaks are the contract."""
        del name, attrs, renderer
        return render_to_string(
            "certsrv/template_list.html", {"templates": self.templates, "chosen": value or ""}
        )


class SubmitForm(forms.Form):
    """certrqxt.asp: a request to paste, drop or choose.

    Only drawn from here: `certfnsh.asp` takes what programs send, and they fill no form of ours.
    """

    CertRequest = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={
                "id": "locTaRequest",
                "rows": 12,
                "cols": 64,
                "spellcheck": "false",
                "autocomplete": "off",
                "autocapitalize": "off",
                "wrap": "off",
                "placeholder": _PLACEHOLDER,
            }
        ),
        help_text=(
            "Base-64-encoded certificate request (CMC or PKCS #10) or renewal request (PKCS #7)."
        ),
    )
    CertFile = forms.FileField(
        required=False,
        label="Or choose its file",
        widget=forms.FileInput(
            attrs={"id": "locFile", "accept": ".req,.csr,.txt,.pem,.p10,.der,.p7b,.p7c,.cmc"}
        ),
    )
    lbCertTemplate = forms.CharField(required=False, label="Certificate Template")
    CertAttrib = forms.CharField(
        required=False,
        strip=False,
        label="Additional Attributes",
        widget=forms.Textarea(
            attrs={"id": "locTaAttrib", "rows": 2, "cols": 64, "spellcheck": "false", "wrap": "off"}
        ),
        help_text="One Name:Value on a line. Most requests need none.",
    )
    Mode = forms.CharField(initial="newreq", widget=forms.HiddenInput)
    FriendlyType = forms.CharField(initial="Saved-Request Certificate", widget=forms.HiddenInput)
    TargetStoreFlags = forms.CharField(initial="0", widget=forms.HiddenInput)
    SaveCert = forms.CharField(initial="yes", widget=forms.HiddenInput)
    flow = forms.CharField(widget=forms.HiddenInput)

    def __init__(
        self,
        *,
        wording: Wording,
        templates: Sequence[CertificateTemplate],
        initial: Mapping[str, Any],
    ) -> None:
        super().__init__(initial={"flow": wording.flow.value, **initial}, auto_id="id_%s")
        self.fields["CertRequest"].label = wording.box_label
        if templates:
            self.fields["lbCertTemplate"].widget = TemplateList(templates)
        else:
            del self.fields["lbCertTemplate"]
        self.helper = _helper(
            Layout(
                Field("CertRequest"),
                Field("CertFile"),
                *(["lbCertTemplate"] if templates else []),
                Div(
                    HTML("<details class='mb-2'><summary>Additional Attributes</summary>"),
                    Field("CertAttrib"),
                    HTML("</details>"),
                ),
                "Mode",
                "FriendlyType",
                "TargetStoreFlags",
                "SaveCert",
                "flow",
            )
        )


class NamesForm(forms.Form):
    """certrqma.asp: the names a request shall hold."""

    names = forms.CharField(
        label="Names",
        max_length=8192,
        widget=forms.Textarea(
            attrs={"rows": 3, "placeholder": "www.example.com\nexample.com", "spellcheck": "false"}
        ),
        help_text="Host names, addresses or e-mail addresses; the first is the main one.",
    )
    organization = forms.CharField(label="Organization", required=False, max_length=64)
    key = forms.ChoiceField(
        label="Key",
        required=False,
        choices=(
            (commands.RSA, "RSA 3072 (works everywhere)"),
            (commands.EC, "ECDSA P-256 (small and fast)"),
        ),
    )
    flow = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any] | None = None, **options: Any) -> None:  # noqa: ANN401 - Django's arguments
        super().__init__(data, **options)
        self.helper = _helper(Layout("names", "organization", "key", "flow"))

    def clean_names(self) -> tuple[commands.TypedName, ...]:
        """Return the names, each known by kind."""
        try:
            return commands.typed_names(self.cleaned_data["names"])
        except commands.NameUnusable as error:
            raise forms.ValidationError(str(error)) from error

    def clean_organization(self) -> str:
        """Return an organization that needs no quoting."""
        try:
            return commands.organization(self.cleaned_data["organization"])
        except commands.NameUnusable as error:
            raise forms.ValidationError(str(error)) from error


def _helper(layout: Layout) -> FormHelper:
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    helper.layout = layout
    return helper
