"""My requests: state, expiry and Renew; and that one look-up fetches a whole page of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from enrollment.ca.revocation import Act, Reason
from enrollment.models import EnrollmentRequest
from enrollment.services import revocation
from enrollment.services.revocation import Order, Revoker
from tests import make

if TYPE_CHECKING:
    from tests.web.conftest import Visitor

PEM = make.request_pem("mine.example.com", dns=("mine.example.com",))


def newest() -> EnrollmentRequest:
    return EnrollmentRequest.objects.latest("pk")


@pytest.mark.parametrize(
    ("template", "word", "links_to_renew"),
    [("WebServer", "Issued", 1), ("CodeSigning", "Waiting", 0), ("X", "Denied", 0)],
)
def test_a_request_is_listed_with_its_state(
    program: Visitor, template: str, word: str, links_to_renew: int
) -> None:
    program.submit(PEM, template)

    text = program.get("requests").content.decode()

    assert f"</svg>{word}</span>" in text
    assert text.count(f"certrqxt.asp?renews={newest().pk}") == links_to_renew


def test_nobody_sees_the_requests_of_others(program: Visitor, stranger: Visitor) -> None:
    program.submit(PEM)

    assert b"mine.example.com" not in stranger.get("requests").content


def test_a_long_list_comes_in_pages(program: Visitor) -> None:
    program.submit(PEM, "CodeSigning")
    row = newest()
    for _ in range(30):
        row.pk = None
        row._state.adding = True  # noqa: SLF001 - Django's way to copy a row
        row.save()

    first = program.get("requests").content.decode()
    older = re.search(r'href="requests\?before=(\d+)"', first)

    assert first.count("status?id=") == 25
    assert older is not None
    assert program.get(f"requests?before={older[1]}").content.decode().count("status?id=") == 6


def test_a_list_costs_no_more_queries_than_a_line(program: Visitor) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            program.get("requests")
        return len(captured)

    program.submit(PEM)
    one = queries()
    for _ in range(4):
        program.submit(PEM)

    assert queries() == one


def test_a_revoked_certificate_is_not_offered_again(program: Visitor) -> None:
    program.submit(PEM)
    row = newest()
    order = Order(Act.REVOKE, Reason.KEY_COMPROMISE)
    assert row.certificate is not None
    revocation.change_status(
        [row.certificate], order, Revoker("maria", may_revoke=True), now=timezone.now()
    )

    page = program.get(f"status?id={row.pk}").content.decode()
    listed = program.get("requests").content.decode()

    assert "The certificate was issued, and is revoked since " in page
    assert "(key compromise)" in page
    assert "locDownloadCert3" not in page
    assert "Revoked</span>" in listed
    assert "UTC (key compromise)" in listed
    assert f"renews={row.pk}" not in listed


def test_a_certificate_on_hold_says_so_and_not_that_it_is_revoked(program: Visitor) -> None:
    program.submit(PEM)
    row = newest()
    assert row.certificate is not None
    maria = Revoker("maria", may_revoke=True)
    revocation.change_status([row.certificate], Order(Act.HOLD), maria, now=timezone.now())

    page = program.get(f"status?id={row.pk}").content.decode()
    listed = program.get("requests").content.decode()

    assert "The certificate was issued, and is on hold since " in page
    assert "released, it is good again" in page
    assert "On hold</span>" in listed
    assert "Revoked</span>" not in listed


def test_what_waited_for_a_manager_once_does_not_say_so_when_it_is_revoked(
    program: Visitor,
) -> None:
    program.submit(PEM)
    row = newest()
    EnrollmentRequest.objects.filter(pk=row.pk).update(detail="Template needs approval.")
    assert row.certificate is not None
    maria = Revoker("maria", may_revoke=True)
    revocation.change_status([row.certificate], Order(Act.REVOKE), maria, now=timezone.now())

    assert "Template needs approval." not in program.get("requests").content.decode()


def test_a_revoked_certificate_is_replaced_and_not_renewed_with_its_key(
    program: Visitor,
) -> None:
    program.submit(PEM)
    row = newest()
    before = program.get(f"certrqxt.asp?renews={row.pk}").content.decode()
    assert row.certificate is not None
    maria = Revoker("maria", may_revoke=True)
    revocation.change_status([row.certificate], Order(Act.REVOKE), maria, now=timezone.now())

    after = program.get(f"certrqxt.asp?renews={row.pk}").content.decode()

    assert "x509toreq" in before
    assert "x509toreq" not in after


def test_the_link_to_come_back_by_leads_to_the_request(program: Visitor) -> None:
    text = program.submit(PEM, "CodeSigning").content.decode()
    match = re.search(r'href="http://testserver(/certsrv/status\?id=\d+)"', text)

    assert match is not None
    assert "still pending" in program.visit(match[1]).content.decode()
