"""A key that fails after something was decided: what is done is said, and nothing is said twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment.ca.disposition import Disposition
from enrollment.models import Authority, Certificate, SigningRecord
from tests.admin.conftest import submit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from enrollment.models import EnrollmentRequest
    from tests.commands.conftest import Shell

pytestmark = pytest.mark.django_db


def lose_the_key() -> None:
    Authority.objects.update(key_reference="keys/lost.pem")


def test_a_revocation_stands_although_no_list_can_be_published(alice: User, shell: Shell) -> None:
    row = submit(alice, template="WebServer").certificate
    assert row is not None
    lose_the_key()

    sentence = shell.refused(
        "certificates", "revoke", row.serial_number, "--reason", "key-compromise"
    )

    assert "is revoked, but no CRL could be published" in sentence
    assert "lost.pem" in sentence
    assert Certificate.objects.get().revoked_at is not None


def test_an_approval_that_cannot_be_signed_is_finished_later(
    waiting: EnrollmentRequest, shell: Shell
) -> None:
    digest = shell.json("requests", "show", str(waiting.pk))["digest"]
    lose_the_key()

    sentence = shell.refused("requests", "approve", str(waiting.pk), "--digest", digest)

    assert "is approved but could not be signed" in sentence
    assert SigningRecord.objects.get().state == SigningRecord.State.COMMITTED
    waiting.refresh_from_db()
    assert waiting.state is Disposition.UNDER_SUBMISSION


def test_a_renewal_whose_lists_fail_is_a_renewal_and_is_not_made_again(
    alice: User, shell: Shell
) -> None:
    """The old key is lost: that is when a CA is renewed with a new one."""
    lose_the_key()

    sentence = shell.refused("ca", "renew", "--new-key")

    assert "The CA is renewed: certificate 1, key 1." in sentence
    assert "crl publish" in sentence
    assert Authority.objects.count() == 2
