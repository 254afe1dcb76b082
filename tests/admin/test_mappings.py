"""The certificates of an account, entered at the desk by example."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from django.contrib.auth.models import User

from enrollment import conf
from enrollment.conf_clients import Clients
from enrollment.models import AuditEvent, CertificateMapping
from tests.admin.test_users import change
from tests.other_ca import SERVER, OtherCA, other_ca, upn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from django.test import Client

    SignIn = Callable[[User], Client]

pytestmark = pytest.mark.django_db
DORA = (upn("dora@corp.example"),)


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OtherCA:
    """Another CA that is trusted."""
    found = other_ca()
    file = tmp_path / "cas.pem"
    file.write_bytes(found.pem)
    changed = dataclasses.replace(conf.current(), clients=Clients(ca_file=str(file)))
    monkeypatch.setattr(conf, "current", lambda: changed)
    return found


@pytest.fixture
def office(administrator: User, signed_in: SignIn) -> Client:
    return signed_in(administrator)


def entries(user: User, *made: tuple[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {"certificate_mappings-TOTAL_FORMS": str(len(made))}
    for number, (rule, example) in enumerate(made):
        start = f"certificate_mappings-{number}"
        fields |= {f"{start}-rule": rule, f"{start}-example": example, f"{start}-user": user.pk}
    return fields


def pem(certificate: Any) -> str:
    return str(certificate.public_bytes(Encoding.PEM).decode())


def test_an_administrator_enters_a_certificate_and_that_is_recorded(
    alice: User, office: Client, other: OtherCA
) -> None:
    change(office, alice, **entries(alice, ("upn", pem(other.issue(names=DORA)))))

    row = CertificateMapping.objects.get()
    assert (row.user, row.rule, row.value) == (alice, "upn", "dora@corp.example")
    event = AuditEvent.objects.get(subject="user alice", verb="user changed")
    assert event.detail["changes"]["signs_in_with"] == [
        [],
        ["upn 'dora@corp.example' by CN=Other CA"],
    ]


def test_the_page_shows_what_was_entered_and_ends_it(
    alice: User, office: Client, other: OtherCA
) -> None:
    change(office, alice, **entries(alice, ("exact", pem(other.issue()))))
    row = CertificateMapping.objects.get()

    page = office.get(f"/admin/auth/user/{alice.pk}/change/").content.decode()
    assert f"certificate {row.value} (CN=Dora)" in page
    change(office, alice, **{
        "certificate_mappings-TOTAL_FORMS": "1",
        "certificate_mappings-INITIAL_FORMS": "1",
        "certificate_mappings-0-id": row.pk,
        "certificate_mappings-0-user": alice.pk,
        "certificate_mappings-0-DELETE": "on",
    })  # fmt: skip

    assert not CertificateMapping.objects.exists()
    newest = AuditEvent.objects.filter(subject="user alice").latest("pk")
    assert newest.detail["changes"]["signs_in_with"][1] == []


def test_an_entry_cannot_be_turned_into_another(
    alice: User, office: Client, other: OtherCA
) -> None:
    change(office, alice, **entries(alice, ("exact", pem(other.issue()))))
    row = CertificateMapping.objects.get()
    changed = entries(alice, ("upn", pem(other.issue(names=DORA))))

    change(office, alice, **changed | {
        "certificate_mappings-INITIAL_FORMS": "1", "certificate_mappings-0-id": row.pk,
    })  # fmt: skip

    assert CertificateMapping.objects.get().value == row.value


@pytest.mark.parametrize(
    "case",
    [
        ("exact", {"usages": [SERVER]}, "It is not for signing in"),
        ("exact", {"days": (-9, -1)}, "and not now"),
        ("email", {}, "has no names of this kind"),
        ("cn", {}, "is not one of the available choices"),
    ],
)
def test_what_would_sign_nobody_in_is_refused_with_the_reason(
    alice: User, office: Client, other: OtherCA, case: tuple[str, dict[str, Any], str]
) -> None:
    rule, spoiled, told = case
    answer = change(office, alice, **entries(alice, (rule, pem(other.issue(**spoiled)))))

    assert told in answer.content.decode()
    assert not CertificateMapping.objects.exists()


def test_a_certificate_of_a_ca_nobody_trusts_is_refused(
    alice: User, office: Client, other: OtherCA
) -> None:
    stranger = other_ca("Third", number=44).issue()
    answer = change(office, alice, **entries(alice, ("exact", pem(stranger))))

    assert "No CA that is trusted here issued it" in answer.content.decode()
    assert not CertificateMapping.objects.exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nonsense", "holds no certificate"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "holds a private key"),
        ("", "This field is required"),
    ],
)
def test_what_is_no_certificate_is_refused_with_a_sentence(
    alice: User, office: Client, other: OtherCA, text: str, told: str
) -> None:
    answer = change(office, alice, **entries(alice, ("upn", text)))

    assert told in answer.content.decode()


def test_nobody_is_entered_twice(
    alice: User, charlie: User, office: Client, other: OtherCA
) -> None:
    example = pem(other.issue(names=DORA))
    twice = change(office, alice, **entries(alice, ("upn", example), ("upn", example)))
    assert "stands here twice" in twice.content.decode()
    assert not CertificateMapping.objects.exists()

    change(office, alice, **entries(alice, ("upn", example)))
    answer = change(office, charlie, **entries(charlie, ("upn", example)))

    assert "leads to the account &#x27;alice&#x27; already" in answer.content.decode()


def test_a_manager_enters_nothing(
    alice: User, manager: User, signed_in: SignIn, other: OtherCA
) -> None:
    change(signed_in(manager), alice, **entries(alice, ("exact", pem(other.issue()))))

    assert not CertificateMapping.objects.exists()


def test_an_administrator_gives_no_superuser_a_certificate(
    alice: User, office: Client, other: OtherCA
) -> None:
    User.objects.filter(pk=alice.pk).update(is_superuser=True)

    change(office, alice, **entries(alice, ("exact", pem(other.issue()))))

    assert not CertificateMapping.objects.exists()
