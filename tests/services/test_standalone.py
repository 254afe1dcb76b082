"""A stand-alone CA: no templates, anybody may ask, a manager decides everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from django.utils import timezone

from enrollment.ca.content import TEMPLATE_INFORMATION, TEMPLATE_NAME
from enrollment.ca.disposition import Disposition
from enrollment.models import Authority, EnrollmentRequest
from enrollment.services import delivery, directory, setup
from enrollment.services.directory import ANONYMOUS
from tests.services.acts import approve, issued, submit

if TYPE_CHECKING:
    from tests.services.acts import Configure


@pytest.fixture(autouse=True)
def standalone(db: None, configure: Configure) -> None:
    """Set the site up as a stand-alone CA."""
    configure(CERTSRV_CA_TYPE="standalone")
    setup.run_setup(now=timezone.now())


def test_anybody_may_ask_and_everything_waits() -> None:
    row = submit(ANONYMOUS, template="")

    assert row.state is Disposition.UNDER_SUBMISSION
    assert row.requester == "anonymous"
    assert row.account is None


@pytest.mark.parametrize("name", ["WebServer", "SubCA", "NoSuch"])
def test_a_template_that_is_named_changes_nothing(name: str) -> None:
    row = submit(ANONYMOUS, template=name)

    assert row.state is Disposition.UNDER_SUBMISSION
    assert row.template_name == ""


def test_what_a_manager_approves_is_issued_without_a_template() -> None:
    row = submit(ANONYMOUS, template="")

    approve(row)

    found = {extension.oid.dotted_string for extension in issued(row).extensions}
    assert not found & {TEMPLATE_NAME, TEMPLATE_INFORMATION}
    assert x509.SubjectAlternativeName.oid.dotted_string in found


def test_no_template_is_offered_and_none_can_be_found() -> None:
    assert directory.templates_for(ANONYMOUS) == []
    found = directory.template("WebServer")
    assert found is not None
    assert found.name == ""


def test_an_anonymous_requester_comes_back_by_request_id() -> None:
    row = submit(ANONYMOUS, template="")

    found = delivery.find(row.pk, ANONYMOUS)

    assert found == row
    assert EnrollmentRequest.objects.count() == 1


def test_the_root_of_a_stand_alone_ca_names_no_template() -> None:
    certificate = x509.load_der_x509_certificate(bytes(Authority.objects.get().der))

    with pytest.raises(x509.ExtensionNotFound):
        certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(TEMPLATE_NAME))
