"""Certificates: whom they sign in, and whom they never do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.contrib.auth.models import User
from django.utils import timezone

from enrollment.ca.client_certificate import Rule, read
from enrollment.conf_clients import Clients
from enrollment.models import Authority, Certificate, CertificateMapping, Template
from enrollment.services import client_certificates
from tests.other_ca import SERVER, OtherCA, other_ca, upn
from tests.signin.people import basic
from tests.signin.shown import HOME, METHODS, NETWORKS, PROXY, der_of, enter, header, issue, who

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from django.test import Client


@pytest.fixture(autouse=True)
def _certificates_are_on(configure: Callable[..., None]) -> None:
    configure(sign_in=METHODS, clients=Clients(proxies=NETWORKS, mapping="issued"))


# --- our own certificates ---


def test_what_was_issued_to_somebody_signs_them_in(client: Client, own: Certificate) -> None:
    assert who(client, header(bytes(own.der))) == "alice"


def test_by_default_nobody_is_signed_in_by_what_was_issued(
    client: Client, own: Certificate, configure: Callable[..., None]
) -> None:
    configure(sign_in=METHODS, clients=Clients(proxies=NETWORKS))

    assert who(client, header(bytes(own.der))) == ""


@pytest.mark.parametrize("reason", [0, 1, 6], ids=["unspecified", "key compromise", "on hold"])
def test_a_revoked_certificate_is_refused_at_once(
    client: Client, own: Certificate, reason: int
) -> None:
    assert who(client, header(bytes(own.der))) == "alice"
    Certificate.objects.filter(pk=own.pk).update(
        revoked_at=timezone.now(), revocation_reason=reason
    )

    assert who(client, header(bytes(own.der))) == ""


def test_a_released_certificate_signs_in_again(client: Client, own: Certificate) -> None:
    rows = Certificate.objects.filter(pk=own.pk)
    rows.update(revoked_at=timezone.now(), revocation_reason=6)
    rows.update(revoked_at=None, revocation_reason=None)

    assert who(client, header(bytes(own.der))) == "alice"


def test_a_disabled_account_is_refused_at_once(
    client: Client, alice: User, own: Certificate
) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert who(client, header(bytes(own.der))) == ""


def test_an_expired_certificate_is_refused(own: Certificate) -> None:
    after = own.not_after + timedelta(seconds=2)

    assert client_certificates.account_of(bytes(own.der), now=timezone.now()) is not None
    assert client_certificates.account_of(bytes(own.der), now=after) is None


def test_a_certificate_that_has_not_begun_is_refused(own: Certificate) -> None:
    before = own.not_before - timedelta(seconds=2)

    assert client_certificates.account_of(bytes(own.der), now=before) is None


def test_a_server_s_certificate_signs_nobody_in(client: Client, alice: User) -> None:
    server = issue(client, alice, "WebServer")

    assert who(client, header(bytes(server.der))) == ""


def test_a_name_from_the_request_vouches_for_nobody(client: Client, alice: User) -> None:
    """ESC1: names that the requester chose, in a certificate that is for signing in."""
    Template.objects.filter(name="User").update(subject_source="request")
    chosen = issue(client, alice, "User")

    assert who(client, header(bytes(chosen.der))) == ""


def test_one_octet_more_is_another_certificate(own: Certificate) -> None:
    Certificate.objects.filter(pk=own.pk).update(der=bytes(own.der) + b"\0")

    assert client_certificates.account_of(bytes(own.der), now=timezone.now()) is None


def test_a_good_signature_of_ours_is_not_our_record(
    client: Client, alice: User, own: Certificate, trust: Callable[..., None]
) -> None:
    """Whoever has the CA's key, but not its database; even where the operator names our own CA."""
    enter(alice, x509.load_der_x509_certificate(bytes(own.der)), Rule.EXACT)
    ca = x509.load_der_x509_certificate(bytes(Authority.objects.get().der))
    trust(ca.public_bytes(Encoding.PEM))
    assert who(client, header(bytes(own.der))) == "alice"

    Certificate.objects.filter(pk=own.pk).update(thumbprint_sha256="0" * 64)

    assert who(client, header(bytes(own.der))) == ""


def test_one_certificate_is_entered_for_an_account(
    client: Client, charlie: User, own: Certificate, configure: Callable[..., None]
) -> None:
    configure(sign_in=METHODS, clients=Clients(proxies=NETWORKS))
    enter(charlie, x509.load_der_x509_certificate(bytes(own.der)), Rule.EXACT)

    assert who(client, header(bytes(own.der))) == "charlie"


def test_two_accounts_are_none(client: Client, charlie: User, own: Certificate) -> None:
    """Issued to alice, entered for charlie: nobody guesses."""
    enter(charlie, x509.load_der_x509_certificate(bytes(own.der)), Rule.EXACT)

    assert who(client, header(bytes(own.der))) == ""


@pytest.mark.parametrize("rule", [Rule.UPN, Rule.EMAIL, Rule.SUBJECT])
def test_our_own_certificates_are_not_mapped_by_name(own: Certificate, rule: Rule) -> None:
    with pytest.raises(client_certificates.MappingRefused, match="names that its requester chose"):
        client_certificates.mapping(bytes(own.der), rule, now=timezone.now())


def test_a_rule_by_name_does_not_reach_our_own_certificates(
    client: Client, charlie: User, own: Certificate, configure: Callable[..., None]
) -> None:
    """Another CA may have had the name of ours."""
    configure(sign_in=METHODS, clients=Clients(proxies=NETWORKS))
    shown = read(bytes(own.der))
    [(rule, value)] = [claim for claim in shown.claims if claim[0] is Rule.UPN]
    CertificateMapping.objects.create(
        user=charlie, rule=rule, value=value, issuer=shown.issuer, created_at=timezone.now()
    )

    assert who(client, header(bytes(own.der))) == ""


# --- those of another CA ---

DORA = (
    upn("Dora@corp.example"),
    x509.RFC822Name("dora@corp.example"),
    x509.DNSName("pc.corp.example"),
)


@pytest.mark.parametrize("rule", list(Rule))
def test_a_certificate_of_another_ca_leads_where_it_was_entered(
    client: Client, alice: User, other: OtherCA, rule: Rule
) -> None:
    example = other.issue(names=DORA)
    enter(alice, example, rule)

    assert who(client, header(der_of(example))) == "alice"
    renewed = other.issue(names=DORA)
    assert who(client, header(der_of(renewed))) == ("" if rule is Rule.EXACT else "alice")


@pytest.mark.parametrize("rule", [Rule.UPN, Rule.EMAIL, Rule.DNS, Rule.SUBJECT])
def test_another_name_leads_nowhere(
    client: Client, alice: User, other: OtherCA, rule: Rule
) -> None:
    enter(alice, other.issue(names=DORA), rule)
    names = (
        upn("eve@corp.example"),
        x509.RFC822Name("eve@corp.example"),
        x509.DNSName("corp.example"),
    )

    assert who(client, header(der_of(other.issue("Eve", names=names)))) == ""


def test_names_that_lead_to_two_accounts_lead_to_none(
    client: Client, alice: User, charlie: User, other: OtherCA
) -> None:
    enter(alice, other.issue("A", names=[upn("a@corp.example")]), Rule.UPN)
    enter(charlie, other.issue("B", names=[upn("b@corp.example")]), Rule.UPN)
    both = other.issue("AB", names=[upn("a@corp.example"), upn("b@corp.example")])

    assert who(client, header(der_of(both))) == ""


def test_a_good_certificate_that_nobody_entered_is_nobody_s(client: Client, other: OtherCA) -> None:
    assert who(client, header(der_of(other.issue("alice")))) == ""


def test_the_same_names_of_an_unknown_ca_lead_nowhere(
    client: Client, alice: User, other: OtherCA
) -> None:
    enter(alice, other.issue(names=DORA), Rule.UPN)
    same_name = other_ca(number=44)
    below = other_ca("Below", number=45, above=other)

    assert who(client, header(der_of(same_name.issue(names=DORA)))) == ""
    assert who(client, header(der_of(other_ca("Third").issue(names=DORA)))) == ""
    assert who(client, header(der_of(below.issue(names=DORA)))) == ""


def test_a_ca_below_cannot_take_the_name_of_the_one_above(
    client: Client, alice: User, other: OtherCA
) -> None:
    enter(alice, other.issue(names=DORA), Rule.UPN)
    pretender = other_ca("Other CA", number=45, above=other)

    assert who(client, header(der_of(pretender.issue(names=DORA)))) == ""


SPOILED = {
    "for servers": {"usages": [SERVER]},
    "for nothing": {"usages": None},
    "for everything": {"usages": [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]},
    "expired": {"days": (-30, -1)},
    "of tomorrow": {"days": (1, 30)},
    "of a CA": {"extensions": [(x509.BasicConstraints(ca=True, path_length=None), True)]},
    "unknown and critical": {
        "extensions": [
            (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)
        ]
    },
}


@pytest.mark.parametrize("spoiled", SPOILED.values(), ids=SPOILED)
def test_what_is_wrong_with_it_matters_however_it_is_entered(
    client: Client, alice: User, other: OtherCA, spoiled: dict[str, object]
) -> None:
    enter(alice, other.issue(names=DORA), Rule.UPN)
    shown = der_of(other.issue(names=DORA, **spoiled))  # type: ignore[arg-type]  # a test's words
    CertificateMapping.objects.create(
        user=alice,
        rule="exact",
        value=read(shown).thumbprint,
        created_at=timezone.now(),
    )

    assert who(client, header(shown)) == ""


def test_an_expired_ca_vouches_for_nobody(
    client: Client, alice: User, other: OtherCA, tmp_path: Path
) -> None:
    enter(alice, other.issue(names=DORA), Rule.UPN)
    (tmp_path / "cas.pem").write_bytes(other_ca(days=-1).pem)

    assert who(client, header(der_of(other.issue(names=DORA)))) == ""


def test_a_ca_that_is_taken_out_of_the_file_vouches_no_more(
    client: Client, alice: User, other: OtherCA, tmp_path: Path
) -> None:
    example = other.issue(names=DORA)
    enter(alice, example, Rule.UPN)
    (tmp_path / "cas.pem").write_bytes(other_ca("Third", number=44).pem)

    assert who(client, header(der_of(example))) == ""


@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_a_file_that_cannot_be_read_trusts_nobody(
    client: Client, alice: User, other: OtherCA, tmp_path: Path, content: bytes | None
) -> None:
    example = other.issue(names=DORA)
    enter(alice, example, Rule.UPN)
    file = tmp_path / "cas.pem"
    file.unlink() if content is None else file.write_bytes(content)

    assert who(client, header(der_of(example))) == ""
    assert client.get(HOME, headers=basic("alice"), REMOTE_ADDR=PROXY).status_code == 200


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        (x509.DNSName("*.corp.example"), Rule.DNS),
        (upn("do\u212aa@corp.example"), Rule.UPN),
        (x509.RFC822Name("dora@corp.example"), Rule.UPN),
    ],
)
def test_names_that_are_not_one_person_s_cannot_be_entered(
    other: OtherCA, name: x509.GeneralName, rule: Rule
) -> None:
    with pytest.raises(client_certificates.MappingRefused, match="no names of this kind"):
        client_certificates.mapping(der_of(other.issue(names=[name])), rule, now=timezone.now())


def test_an_empty_subject_is_nobody_s(other: OtherCA) -> None:
    empty = other.issue(None, names=[x509.DNSName("pc.corp.example")])

    with pytest.raises(client_certificates.MappingRefused, match="no names of this kind"):
        client_certificates.mapping(der_of(empty), Rule.SUBJECT, now=timezone.now())


def test_a_manager_comes_to_the_desk_with_a_certificate(
    client: Client, manager: User, other: OtherCA
) -> None:
    example = other.issue(names=DORA)
    enter(manager, example, Rule.EXACT)
    headers = {"Client-Cert": header(der_of(example))}

    assert client.get("/admin/", headers=headers, REMOTE_ADDR=PROXY).status_code == 200
    manager.groups.clear()
    assert client.get("/admin/", headers=headers, REMOTE_ADDR=PROXY).status_code != 200
