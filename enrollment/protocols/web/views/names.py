"""certrqma.asp and certrqbi.asp: from typed names to the command that makes a key and request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.views.decorators.http import require_safe

from enrollment.protocols.web import commands
from enrollment.protocols.web.answers import page
from enrollment.protocols.web.forms import NamesForm
from enrollment.protocols.web.wire import query
from enrollment.protocols.web.wording import wording

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
def certrqma(request: HttpRequest) -> HttpResponse:
    """Show commands for the names typed; browsers no longer make keys."""
    fields = query(request)
    words = wording(fields.text("flow"))
    form = NamesForm(fields if "names" in fields else None, initial={"flow": words.flow.value})
    found: tuple[commands.Command, ...] = ()
    if form.is_valid():
        found = commands.commands_for(
            form.cleaned_data["names"],
            organization=form.cleaned_data["organization"],
            key=form.cleaned_data["key"] or commands.RSA,
        )
    return page(request, "commands", words, form=form, commands=found)
