"""What a person says with Revoke, Hold or Release: why, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone
from django.utils.html import format_html

from enrollment.ca.revocation import (
    REVOCATION_REASONS,
    Act,
    Reason,
    RevocationRefused,
    check_invalidity,
)
from enrollment.services.revocation import Order

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def _choices() -> list[tuple[int, str]]:
    """Return each reason with its meaning, the most urgent first."""
    urgent = (Reason.KEY_COMPROMISE, Reason.CA_COMPROMISE)
    usual = [one for one in REVOCATION_REASONS if one not in (*urgent, Reason.UNSPECIFIED)]
    return [
        (
            one.value,
            format_html(
                '<strong>{}</strong> <span class="desk-small">{}</span>',
                one.label[:1].upper() + one.label[1:],
                one.meaning,
            ),
        )
        for one in (*urgent, *usual, Reason.UNSPECIFIED)
    ]


class StatusForm(forms.Form):
    """A release says nothing more; a hold may say since when; a revocation also why."""

    reason = forms.TypedChoiceField(
        label="Why",
        widget=forms.RadioSelect,
        coerce=lambda value: Reason(int(value)),
        error_messages={"required": "Choose why: the list and OCSP say it to everybody."},
    )
    invalid_since = forms.DateTimeField(
        label="Not to be trusted since (UTC), if that was earlier",
        required=False,
        widget=forms.DateTimeInput(
            format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local", "autocomplete": "off"}
        ),
        error_messages={
            "invalid": "This is no date and time. Write it like 2026-11-20 14:30, or leave it out."
        },
    )

    def __init__(self, act: Act, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, label_suffix="", use_required_attribute=False)
        self._act = act
        self.fields["reason"].choices = _choices()  # type: ignore[attr-defined]  # a choice field
        if act is not Act.REVOKE:
            del self.fields["reason"]
        if act is Act.RELEASE:
            del self.fields["invalid_since"]

    def clean_invalid_since(self) -> datetime | None:
        """Say at the field what the core would refuse for every certificate."""
        moment: datetime | None = self.cleaned_data["invalid_since"]
        try:
            check_invalidity(moment, now=timezone.now())
        except RevocationRefused as error:
            raise forms.ValidationError(str(error)) from error
        return moment

    def order(self) -> Order:
        """Return what was asked for."""
        return Order(
            self._act,
            self.cleaned_data.get("reason"),
            self.cleaned_data.get("invalid_since"),
        )
