"""Lists of weak keys that the machine may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.utils import timezone

from enrollment.ca.disposition import Disposition
from enrollment.ca.weakkeys import fingerprint
from enrollment.services import directory, enroll, weak_keys
from tests import make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from django.contrib.auth.models import User

    from enrollment.models import EnrollmentRequest


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(weak_keys, "FOLDER", tmp_path)
    weak_keys.known.cache_clear()
    yield tmp_path
    weak_keys.known.cache_clear()


def submit(user: User) -> EnrollmentRequest:
    submission = enroll.Submission(
        make.request_pem(number=55),
        "CertificateTemplate:WebServer",
        directory.requester_of(user),
        "web",
    )
    return enroll.enroll(submission, now=timezone.now())


def test_a_key_on_debians_list_is_refused(lists: Path, alice: User) -> None:
    key = make.key("rsa:2048", 55)
    assert isinstance(key, rsa.RSAPrivateKey)
    line = fingerprint(key.public_key().public_numbers().n)
    (lists / "blacklist.RSA-2048").write_text(f"# a comment\n{line}\n")

    row = submit(alice)

    assert row.state is Disposition.DENIED
    assert "Debian" in row.detail


def test_without_the_lists_the_same_key_is_taken(lists: Path, alice: User) -> None:
    assert submit(alice).state is Disposition.ISSUED
