"""The certificates an account signs in with, on the page of the user: entered by example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.serialization import Encoding
from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone

from enrollment.ca.answer_errors import AnswerRefused
from enrollment.ca.certificate_file import read_certificates
from enrollment.ca.client_certificate import Rule
from enrollment.models import CertificateMapping
from enrollment.services import client_certificates

if TYPE_CHECKING:
    from django.http import HttpRequest

_FILLED: Final = ("value", "issuer", "issuer_name", "subject", "created_at")


class MappingForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """What shall count, and a certificate in which it stands; nobody types a name."""

    example = forms.CharField(
        label="the certificate, or one like it (PEM)",
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 66}),
    )

    class Meta:
        model = CertificateMapping
        fields = ("rule",)

    def clean(self) -> dict[str, Any]:
        """Take the value from the certificate, when it would be believed."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            found = read_certificates(cleaned["example"].encode(), "The text")
            if len(found) != 1:
                raise ValidationError({"example": "Paste one certificate, without its chain."})
            der = found[0].public_bytes(Encoding.DER)
            made = client_certificates.mapping(der, Rule(cleaned["rule"]), now=timezone.now())
        except AnswerRefused as error:
            raise ValidationError({"example": error.detail}) from error
        except client_certificates.MappingRefused as refusal:
            raise ValidationError({"example": str(refusal)}) from refusal
        for name in _FILLED:
            setattr(self.instance, name, getattr(made, name))
        return cleaned


class MappingFormSet(forms.BaseInlineFormSet[CertificateMapping, User, MappingForm]):
    """All that was entered at once."""

    def clean(self) -> None:
        """Refuse the same entry twice; one by one, neither is there yet."""
        super().clean()
        made = [
            (form.instance.rule, form.instance.value, form.instance.issuer)
            for form in self.forms
            if form.instance.value and form not in self.deleted_forms
        ]
        if len(made) != len(set(made)):
            raise ValidationError("The same certificate or name stands here twice.")


class MappingInline(admin.TabularInline[CertificateMapping, User]):
    """Entries are made and ended, never changed."""

    model = CertificateMapping
    form = MappingForm
    formset = MappingFormSet  # type: ignore[assignment]  # of its own form
    extra = 1
    fields = ("rule", "leads_here", "example")
    readonly_fields = ("leads_here",)
    verbose_name = "certificate"
    verbose_name_plural = "Certificates to sign in with"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401 - Django's signature
        return False

    @admin.display(description="entered")
    def leads_here(self, row: CertificateMapping) -> str:
        return str(row) if row.pk else ""
