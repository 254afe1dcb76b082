"""Words and marks of the enrollment pages; no rule is decided here."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from django import template
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from enrollment.ca.names import visible as make_visible
from enrollment.protocols.web import recipes

if TYPE_CHECKING:
    from collections.abc import Mapping

register = template.Library()

_STROKE: Final = (
    '<svg class="{}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
    'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{}</svg>'
)
# Drawn here; each pair of shapes also differs without color.
_SHAPES: Final[Mapping[str, SafeString]] = MappingProxyType(
    {
        "good": SafeString('<circle cx="12" cy="12" r="10"/><path d="m7.500 12.500 3 3 6-6.500"/>'),
        "wait": SafeString('<circle cx="12" cy="12" r="10"/><path d="M12 6.500V12l3.500 2.500"/>'),
        "bad": SafeString('<path d="M8 2h8l6 6v8l-6 6H8l-6-6V8z"/><path d="m9 9 6 6m0-6-6 6"/>'),
        "info": SafeString('<circle cx="12" cy="12" r="10"/><path d="M12 11v6m0-10v.01"/>'),
    }
)


@register.filter
def grouped(hexadecimal: str) -> str:
    """Set a serial number or thumbprint in groups of four."""
    return " ".join(hexadecimal[start : start + 4] for start in range(0, len(hexadecimal), 4))


@register.filter
def visible(text: object) -> str:
    """Show characters that hide or reorder text by their numbers."""
    return make_visible(str(text))


@register.filter
def wire(text: object) -> SafeString:
    """Escape text that clients read back out of the page.

    Clients take what stands between double quotes or up to the line end, and do not decode
    entities: so quotes become apostrophes, which need no entity in text, and no line ends stay.

    Source: certsrv-contract section 2.3.
    """
    line = make_visible(" ".join(str(text).splitlines())).replace('"', "'")
    escaped = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return mark_safe(escaped)  # noqa: S308 - every character that opens markup is escaped above


@register.simple_tag
def icon(name: str, css_class: str = "outcome-icon") -> SafeString:
    """Draw the mark of an outcome; the word stands beside it."""
    return format_html(_STROKE, css_class, _SHAPES[name])


@register.simple_tag
def wire_label(label: str, value: object) -> SafeString:
    """Write one line of the Error page: label, CRLF, two tabs, value, CRLF (contract rule 16)."""
    return format_html("<P class=wire-line><B>{}:</B>\r\n\t\t{}\r\n</P>", label, wire(value))


@register.inclusion_tag("certsrv/sign_out.html", takes_context=True)
def sign_out(context: template.Context) -> dict[str, object]:
    """Offer to sign out to those who signed in on a page; a password sent each time has no end."""
    by = str(getattr(context.get("request"), "signed_in_by", ""))
    try:
        address = reverse("signin:logout") if by != "basic" else ""
    except NoReverseMatch:
        address = ""
    return {"address": address, "csrf_token": context.get("csrf_token", "")}


@register.simple_tag
def install_recipes() -> SafeString:
    """Draw how to install a certificate; always the same, so drawn once per process."""
    return _recipes("server")


@register.simple_tag
def trust_recipes() -> SafeString:
    """Draw how to trust the CA; always the same, so drawn once per process."""
    return _recipes("trust")


@register.simple_tag
def trust_recipes_of_root() -> SafeString:
    """Draw how to trust the root above the CA, as `trust_recipes` does the CA itself."""
    return _recipes("root")


@lru_cache(maxsize=3)
def _recipes(kind: str) -> SafeString:
    found = {
        "server": recipes.SERVER_RECIPES,
        "trust": recipes.TRUST_RECIPES,
        "root": recipes.ROOT_RECIPES,
    }[kind]
    return render_to_string("certsrv/recipes.html", {"recipes": found})
