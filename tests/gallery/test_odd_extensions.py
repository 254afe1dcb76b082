"""A request that a library cannot read to the end still has its page at the desk."""

from __future__ import annotations

import pytest
from django.utils import timezone

from enrollment.ca import der
from enrollment.services import directory, enroll
from tests import messages
from tests.conftest import person
from tests.fuzz import mutate
from tests.gallery.scene import client_of
from tests.undone import undone

X400 = der.sequence(der.tlv(0xA3, der.sequence()))
ODD = {
    "an issuer's name of X.400": messages.extension("2.5.29.18", X400),
    "a bare integer for names": messages.extension("2.5.29.18", der.integer(1)),
    "policies that are none": messages.extension("2.5.29.32", der.sequence(der.integer(1))),
}


@pytest.mark.parametrize("what", ODD)
def test_it_can_be_reviewed(served: None, what: str) -> None:
    with undone():
        alice, manager = person("alice", "Enrollees"), person("otto", "Certificate Managers")
        raw = mutate.request(
            messages.common_name("www.example.com"), messages.extension_request(ODD[what])
        )
        submission = enroll.Submission(
            raw, "CertificateTemplate:SubCA", directory.requester_of(alice), "web"
        )
        row = enroll.enroll(submission, now=timezone.now())

        page = client_of(manager).get(f"/admin/enrollment/enrollmentrequest/{row.pk}/change/")

    assert page.status_code == 200
    assert "www.example.com" in page.content.decode()
