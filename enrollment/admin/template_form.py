"""The form of a certificate template: lists as lines, words as choices, rules from the core."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from enrollment.admin import facts
from enrollment.admin.lines import Lines, read_domain, read_network, read_pattern, read_suffix
from enrollment.ca.keys import KeyKind
from enrollment.ca.template import DEFAULT_KEY_KINDS, KeyUsage
from enrollment.models import Template
from enrollment.services import templates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from enrollment.ca.template_rules import Problem

_OID: Final = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,18})){1,30}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# Attributes of the core's value whose column has another name.
_COLUMNS: Final = {"validity": "validity_days", "renewal_period": "renewal_days"}


class Words(forms.MultipleChoiceField):
    """A JSON list of known words, ticked one by one."""

    def __init__(self, words: Iterable[tuple[str, str]], **options: Any) -> None:  # noqa: ANN401 - Django's signature
        super().__init__(
            choices=list(words), widget=forms.CheckboxSelectMultiple, required=False, **options
        )


def read_purpose(line: str) -> str:
    """Read an extended key usage: its number, or its name as we show it."""
    first = line.split(maxsplit=1)[0]
    if _OID.fullmatch(first):
        return first
    number = facts.purpose_number(line)
    if number is None:
        raise ValidationError(
            f"'{line}' is no purpose we know. Write its object identifier, such as "
            "1.3.6.1.5.5.7.3.1 for server authentication."
        )
    return number


class TemplateForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Everything an administrator may change about a template."""

    extended_key_usages = Lines(
        read_purpose,
        label="Purposes",
        help_text="Extended key usages, one a line: a number, or a name such as "
        "server authentication.",
    )
    key_usages = Words(
        [(usage.value, usage.value.replace("_", " ")) for usage in KeyUsage], label="Key usage"
    )
    allowed_keys = Words(
        [(kind.value, kind.value) for kind in KeyKind if kind in DEFAULT_KEY_KINDS],
        label="Kinds of key",
    )
    directory_subject = forms.ChoiceField(
        label="Subject from the directory",
        required=False,
        choices=[
            ("", "–"),  # noqa: RUF001 - a dash for a person
            ("person", "person: full name and e-mail"),
            ("name", "name: full name"),
            ("host", "host: DNS name"),
            ("none", "none: empty subject"),
        ],
    )
    directory_alternative_names = Words(
        [("dns", "DNS name"), ("upn", "user principal name"), ("email", "e-mail address")],
        label="Alternative names from the directory",
    )
    allowed_dns_suffixes = Lines(
        read_suffix,
        label="Allowed DNS suffixes",
        help_text="One a line; example.com allows itself and everything below. All boxes of "
        "allowed names empty: any name.",
    )
    allowed_ip_networks = Lines(
        read_network, label="Allowed IP networks", help_text="One a line, such as 10.20.0.0/16."
    )
    allowed_name_patterns = Lines(
        read_pattern,
        label="Allowed patterns",
        help_text="One a line, such as web-*.example.com; * stands for anything, ? for one "
        "character. What is no host, address, e-mail or user principal name fits these only.",
    )
    allowed_email_domains = Lines(
        read_domain,
        label="Allowed e-mail domains",
        help_text="One a line; example.com allows its addresses and those of domains below it.",
    )
    allowed_upn_suffixes = Lines(
        read_domain,
        label="Allowed UPN suffixes",
        help_text="What may stand behind the @ of a user principal name, one a line.",
    )

    class Meta:
        model = Template
        fields = "__all__"  # noqa: DJ007 - the fieldsets choose
        labels: ClassVar = {"minimum_rsa_bits": "Least bits of an RSA key"}
        help_texts: ClassVar = {
            "published": "Offered to those who may enroll.",
            "validity_days": "A certificate never outlives its CA, whatever stands here.",
            "renewal_days": "How long before its end a certificate is due for renewal.",
            "names_beyond": "Applies to the names above and to the name grants of groups.",
            "approvals_needed": "For requests that wait: so many people, none of them the "
            "requester.",
            "held_names": "A valid certificate with the name was issued to another account.",
            "ra_signatures": "Then nobody asks for themselves; agents need a grant, too.",
            "ra_application_policy": "An object identifier, beside that of enrollment agents; "
            "empty: that one alone.",
            "include_sid": "From the directory entry of the account, never from a request; only "
            "where the subject is built from the directory.",
            "limit_per_requester": "Certificates of this template; 0: no limit.",
            "limit_per_name": "For one name, whoever asks; 0: no limit.",
            "limit_in_all": "0: no limit.",
            "key_usage_narrowing": "A request may ask for fewer usages, never for more.",
        }

    def clean_name(self) -> str:
        """Return the name clients send; it stands in attribute lines, so it has no blanks."""
        name = str(self.cleaned_data["name"])
        if not _NAME.fullmatch(name):
            raise ValidationError("Write letters, digits, dots, dashes and underscores only.")
        return name

    def clean_ra_application_policy(self) -> str:
        """Return the purpose as a number; it may be written by its name."""
        line = str(self.cleaned_data["ra_application_policy"]).strip()
        return read_purpose(line) if line else ""

    def _post_clean(self) -> None:
        """Ask the core once every field is right by itself."""
        super()._post_clean()  # type: ignore[misc]  # the stubs do not know it
        self.advice: tuple[Problem, ...] = ()
        if self.errors:
            return
        found = templates.judge(
            self.instance, self.cleaned_data["enroll_groups"], now=timezone.now()
        )
        for problem in found:
            if problem.blocks:
                column = _COLUMNS.get(problem.field, problem.field)
                self.add_error(column if column in self.fields else None, str(problem))
        self.advice = tuple(problem for problem in found if not problem.blocks)
