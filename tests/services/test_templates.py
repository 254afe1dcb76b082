"""What CA administrators do with templates leaves its differences, and nothing dangerous."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from enrollment.models import AuditEvent, Authority, CertificateRevocationList, Template
from enrollment.services import templates

if TYPE_CHECKING:
    from enrollment.services.setup import SetupReport


@pytest.fixture
def web_server(site: SetupReport) -> Template:
    """The template everybody uses."""
    return Template.objects.get(name="WebServer")


def save(row: Template) -> None:
    groups = list(Group.objects.filter(name="Enrollees"))
    templates.save(row, groups, actor="ada", now=timezone.now())


def test_a_change_raises_the_minor_version_and_tells_what_was_before(web_server: Template) -> None:
    web_server.validity_days = 90
    before = web_server.minor_version

    save(web_server)

    event = AuditEvent.objects.get(verb="template changed")
    assert Template.objects.get(pk=web_server.pk).minor_version == before + 1
    assert event.actor == "ada"
    assert event.detail["changes"]["validity_days"] == [730, 90]


def test_saving_without_a_change_leaves_no_event_and_no_version(web_server: Template) -> None:
    before = web_server.minor_version

    save(web_server)

    assert not AuditEvent.objects.filter(verb="template changed").exists()
    assert Template.objects.get(pk=web_server.pk).minor_version == before


def test_publishing_is_no_change_of_content(web_server: Template) -> None:
    before = web_server.minor_version

    templates.publish(web_server, published=False, actor="ada", now=timezone.now())

    stored = Template.objects.get(pk=web_server.pk)
    assert not stored.published
    assert stored.minor_version == before


def test_a_dangerous_template_is_refused_and_not_stored(web_server: Template) -> None:
    web_server.extended_key_usages = ["1.3.6.1.5.5.7.3.2"]

    with pytest.raises(templates.TemplateRefused, match="ESC1"):
        save(web_server)

    assert Template.objects.get(pk=web_server.pk).extended_key_usages == ["1.3.6.1.5.5.7.3.1"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("allowed_keys", ["rsa", "enigma"]),
        ("key_usages", ["everything"]),
        ("allowed_ip_networks", ["10.0.0.0/64"]),
        ("approval", "perhaps"),
    ],
)
def test_a_word_nobody_knows_is_refused_by_name(
    web_server: Template, column: str, value: object
) -> None:
    setattr(web_server, column, value)

    with pytest.raises(templates.TemplateRefused, match="a word nobody knows"):
        save(web_server)


def test_a_new_template_gets_a_number_below_our_own_arc(web_server: Template) -> None:
    """Two more random arcs, each within 32 bits, as a forest makes them."""
    made = Template.objects.get(pk=web_server.pk)
    made.pk, made.name, made.oid = None, "WebServer2", ""
    made._state.adding = True  # noqa: SLF001 - a copy that was not stored yet

    save(made)

    own = web_server.oid.split(".")[:-2]
    arcs = Template.objects.get(name="WebServer2").oid.split(".")
    assert arcs[: len(own)] == own
    assert all(0 < int(arc) <= 2**24 for arc in arcs[len(own) :])
    assert (made.major_version, made.minor_version) == (100, 0)


def test_templates_can_be_judged_before_there_is_a_ca(web_server: Template) -> None:
    CertificateRevocationList.objects.all().delete()
    Authority.objects.all().delete()
    groups = list(web_server.enroll_groups.all())

    assert templates.judge(web_server, groups, now=timezone.now()) == ()
