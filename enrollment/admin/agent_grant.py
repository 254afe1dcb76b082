"""Enrollment agents: who may ask on behalf of whom, granted and ended, never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils import timezone

from enrollment.admin.titled import TitledAdmin
from enrollment.models import AgentGrant, Template
from enrollment.services import agent_grants, agents

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.forms import ModelForm
    from django.http import HttpRequest


class AgentGrantForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """An agent, templates, and the groups of those the agent may ask for."""

    # Who adds the grant; `AgentGrantAdmin.get_form` says it.
    actor = ""
    account = forms.CharField(
        label="Agent", required=False, max_length=150, help_text="The name of an account."
    )

    class Meta:
        model = AgentGrant
        fields = ("account", "agent_group", "templates", "target_groups")
        widgets: ClassVar = {
            "templates": forms.CheckboxSelectMultiple,
            "target_groups": forms.CheckboxSelectMultiple,
        }

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        super().__init__(*arguments, **options)
        # The usages are JSON, which SQLite cannot look into; there are some thirty templates.
        open_to_agents = [
            row.pk for row in Template.objects.all() if agent_grants.may_be_granted(row)
        ]
        offered = Template.objects.filter(pk__in=open_to_agents)
        if "templates" in self.fields:
            self.fields["templates"].queryset = offered.order_by(  # type: ignore[attr-defined]  # a model field
                "-published", "display_name"
            )
            # A template is made with care, not in a window beside a grant.
            self.fields["templates"].widget.can_add_related = False

    def clean_account(self) -> str:
        """Find the account; it must be there already."""
        name = str(self.cleaned_data["account"]).strip()
        self.instance.agent = agents.account(name) if name else None
        if name and self.instance.agent is None:
            raise ValidationError(f"There is no account '{name}'.")
        return name

    def clean(self) -> dict[str, Any]:
        """Ask the service before anything is stored."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            self.instance.agent_group = cleaned["agent_group"]
            problem = agent_grants.refusal(
                self.instance, cleaned["templates"], cleaned["target_groups"], actor=self.actor
            )
            if problem:
                raise ValidationError(problem)
        return cleaned


@admin.register(AgentGrant)
class AgentGrantAdmin(TitledAdmin[AgentGrant]):
    """Without a row here nobody asks for anybody else."""

    form = AgentGrantForm
    list_display = ("agent_shown", "by", "whom")
    ordering = ("pk",)
    list_per_page = 100
    actions = None
    show_facets = admin.ShowFacets.NEVER

    def get_queryset(self, request: HttpRequest) -> QuerySet[AgentGrant]:
        rows = super().get_queryset(request).select_related("agent", "agent_group")
        return rows.prefetch_related("templates", "target_groups")

    def get_form(
        self,
        request: HttpRequest,
        obj: AgentGrant | None = None,
        change: bool = False,  # noqa: FBT002 - Django's signature
        **options: Any,  # noqa: ANN401 - Django's signature
    ) -> type[ModelForm[AgentGrant]]:
        """Tell the form who fills it in."""
        form = super().get_form(request, obj, change, **options)
        form.actor = request.user.get_username()  # type: ignore[attr-defined]  # of our form
        return form

    def get_fields(self, request: HttpRequest, obj: AgentGrant | None = None) -> tuple[str, ...]:
        """Whoever reads a grant sees its agent as the row has it."""
        first = "account" if obj is None else "agent"
        return (first, "agent_group", "templates", "target_groups")

    def has_change_permission(self, request: HttpRequest, obj: AgentGrant | None = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: AgentGrant, form: ModelForm[AgentGrant], change: bool
    ) -> None:
        """Hand the grant to the service, which records it."""
        agent_grants.add(
            obj,
            list(form.cleaned_data["templates"]),
            list(form.cleaned_data["target_groups"]),
            actor=request.user.get_username(),
            now=timezone.now(),
        )

    def delete_model(self, request: HttpRequest, obj: AgentGrant) -> None:
        """Hand the end of a grant to the service, too."""
        agent_grants.end(obj, actor=request.user.get_username(), now=timezone.now())

    @admin.display(description="agent")
    def agent_shown(self, row: AgentGrant) -> str:
        return str(row)

    @admin.display(description="asks with")
    def by(self, row: AgentGrant) -> str:
        return ", ".join(str(template) for template in row.templates.all()) or "nothing"

    @admin.display(description="on behalf of the members of")
    def whom(self, row: AgentGrant) -> str:
        return ", ".join(str(group) for group in row.target_groups.all()) or "no group"
