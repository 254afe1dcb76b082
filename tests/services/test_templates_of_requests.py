"""Which template a submission means, from end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from enrollment.ca import der, hresult
from enrollment.ca.content import TEMPLATE_INFORMATION, TEMPLATE_NAME
from enrollment.ca.disposition import Disposition
from enrollment.models import Template
from enrollment.services import directory
from tests.conftest import person
from tests.services.acts import change_template, submit

if TYPE_CHECKING:
    from enrollment.ca.policy import Requester
    from enrollment.services.setup import SetupReport


def named(name: str) -> list[tuple[x509.ExtensionType, bool]]:
    """Ask for a template by the extension of the first generation."""
    oid = x509.ObjectIdentifier(TEMPLATE_NAME)
    return [(x509.UnrecognizedExtension(oid, der.bmp_string(name)), False)]


def numbered(oid: str, major: int, minor: int) -> list[tuple[x509.ExtensionType, bool]]:
    """Ask for a template by the extension of the later generations."""
    value = der.sequence(der.oid(oid), der.integer(major), der.integer(minor))
    kind = x509.ObjectIdentifier(TEMPLATE_INFORMATION)
    return [(x509.UnrecognizedExtension(kind, value), False)]


@pytest.fixture
def second_generation(requester: Requester) -> Template:
    """The web server template, as if copied to version 2, revision 100.3."""
    change_template("WebServer", schema_version=2, major_version=100, minor_version=3)
    return Template.objects.get(name="WebServer")


def test_a_template_may_be_named_by_the_request_itself(requester: Requester) -> None:
    row = submit(requester, template="", extensions=named("WebServer"))

    assert row.state is Disposition.ISSUED
    assert row.template_name == "WebServer"


def test_a_template_may_be_named_by_its_identifier(
    requester: Requester, second_generation: Template
) -> None:
    row = submit(requester, template="", extensions=numbered(second_generation.oid, 100, 3))

    assert row.template_name == "WebServer"


def test_attribute_and_request_may_agree(requester: Requester) -> None:
    row = submit(requester, template="webserver", extensions=named("WebServer"))

    assert row.state is Disposition.ISSUED


def test_attribute_and_request_must_not_differ(requester: Requester) -> None:
    row = submit(requester, template="WebServer", extensions=named("User"))

    assert row.state is Disposition.DENIED
    assert row.status_code == hresult.TEMPLATE_CONFLICT


def test_an_identifier_of_another_template_is_a_conflict(
    requester: Requester, second_generation: Template
) -> None:
    row = submit(requester, extensions=numbered("1.3.6.1.4.1.311.21.8.9.9", 1, 0))

    assert row.status_code == hresult.TEMPLATE_CONFLICT


def test_a_request_for_a_later_revision_is_denied(
    requester: Requester, second_generation: Template
) -> None:
    row = submit(requester, extensions=numbered(second_generation.oid, 100, 4))

    assert row.status_code == hresult.BAD_TEMPLATE_VERSION


def test_a_template_that_is_edited_counts_from_the_next_request_on(requester: Requester) -> None:
    """Values of templates are kept in memory, and never longer than their rows are the same."""
    assert submit(requester).state is Disposition.ISSUED

    change_template("WebServer", approval="always")

    assert submit(requester).state is Disposition.UNDER_SUBMISSION


def test_a_group_that_is_taken_off_a_template_counts_at_once(requester: Requester) -> None:
    assert submit(requester).state is Disposition.ISSUED

    Template.objects.get(name="WebServer").enroll_groups.clear()

    assert submit(requester).status_code == hresult.TEMPLATE_DENIED


def test_a_template_that_is_withdrawn_is_unknown_at_once(requester: Requester) -> None:
    assert submit(requester).state is Disposition.ISSUED

    change_template("WebServer", published=False)

    assert submit(requester).status_code == hresult.UNSUPPORTED_CERT_TYPE


def test_what_is_offered_is_what_may_be_had(site: SetupReport) -> None:
    bob = directory.requester_of(person("bob"))

    row = submit(bob, template="NoSuch")

    assert row.remedy.endswith("offers you: none.")
