"""ESC1 and ESC17: the enrollee names somebody else, and signs in or serves as them."""

from __future__ import annotations

import ipaddress

import pytest
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier
from django.utils import timezone

from enrollment.ca import der, hresult
from enrollment.models import Account, Certificate, EnrollmentRequest, Template
from tests import make, messages, renewals
from tests.attacks.playing import AT_ONCE, BOB_SID, PUBLISHED, Attacker, names_in
from tests.other_ca import upn

UPN = "1.3.6.1.4.1.311.20.2.3"
SID_URL = "tag:microsoft.com,2022-09-14:sid:"


def other(oid: str, value: bytes) -> x509.OtherName:
    return x509.OtherName(ObjectIdentifier(oid), value)


def principal() -> bytes:
    """Return Bob as Kerberos writes him into certificates (RFC 4556 section 3.2.2)."""
    name = der.sequence(
        der.explicit(0, der.integer(1)),
        der.explicit(1, der.sequence(der.tlv(0x1B, b"bob"))),
    )
    return der.sequence(der.explicit(0, der.tlv(0x1B, b"EXAMPLE.COM")), der.explicit(1, name))


CLAIMS = {
    "UPN": upn("bob@corp.example.com"),
    "UPN in capitals": upn("BOB@CORP.EXAMPLE.COM"),
    "UPN of a domain we know nothing of": upn("administrator@elsewhere.example.org"),
    "UPN as another kind of text": other(UPN, der.ia5_string("bob@corp.example.com")),
    "UPN too long to be compared": upn(f"{'bob' * 50}@corp.example.com"),
    "e-mail": x509.RFC822Name("bob@example.com"),
    "e-mail in capitals": x509.RFC822Name("BOB@example.com"),
    "DNS": x509.DNSName("bob-pc.example.com"),
    "DNS in capitals": x509.DNSName("BOB-PC.EXAMPLE.COM"),
    "Kerberos principal": other("1.3.6.1.5.2.2", principal()),
    "GUID of a domain controller": other("1.3.6.1.4.1.311.25.1", der.octet_string(b"0" * 16)),
}
SIDS = {
    "SID as URL": x509.UniformResourceIdentifier(f"{SID_URL}{BOB_SID}"),
    "SID as URL, escaped": x509.UniformResourceIdentifier(
        f"TAG:microsoft.com%2C2022-09-14:sid:{BOB_SID}"
    ),
    "SID as other name": other("1.3.6.1.4.1.311.25.2.1", der.octet_string(BOB_SID.encode())),
}


def test_these_are_all_templates_that_a_new_site_offers(alice: Attacker) -> None:
    offered = Template.objects.filter(published=True).values_list("name", flat=True)

    assert set(offered) == set(PUBLISHED)


@pytest.mark.parametrize("claim", [*CLAIMS, *SIDS])
@pytest.mark.parametrize("template", AT_ONCE)
def test_what_is_issued_at_once_never_names_another(
    alice: Attacker, template: str, claim: str
) -> None:
    name = (CLAIMS | SIDS)[claim]

    answer = alice.ask(template, names=[x509.DNSName("mine.example.com"), name])

    if template == "WebServer":
        assert not answer.is_issued
    else:
        # These name the account from the directory, whatever the request says.
        assert name not in names_in(answer.certificate)
        assert not any("bob" in str(each).casefold() for each in names_in(answer.certificate))


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_manager_decides_who_is_who(alice: Attacker, claim: str) -> None:
    answer = alice.ask("WebServer", names=[x509.DNSName("mine.example.com"), CLAIMS[claim]])

    assert answer.waits
    assert "manager decides" in answer.row.detail
    # Who that is, is nothing that Alice is told.
    assert "'bob'" not in answer.row.detail


@pytest.mark.parametrize("claim", SIDS)
def test_a_security_identifier_passes_no_manager_either(alice: Attacker, claim: str) -> None:
    answer = alice.ask("WebServer", names=[x509.DNSName("mine.example.com"), SIDS[claim]])

    assert answer.row.status_code == hresult.BAD_REQUEST_SUBJECT
    assert "directory only" in answer.row.detail


@pytest.mark.parametrize("template", ["CodeSigning", "SubCA"])
def test_what_could_do_more_waits_whatever_it_names(alice: Attacker, template: str) -> None:
    answer = alice.ask(template, names=[CLAIMS["UPN"]])

    assert answer.waits
    if template == "CodeSigning":
        issued = answer.approved().certificate
        assert CLAIMS["UPN"] not in names_in(issued)
        assert upn("alice@localhost") in names_in(issued)


def test_a_host_in_the_common_name_alone_is_judged_as_one(alice: Attacker) -> None:
    answer = alice.ask("WebServer", raw=make.request_pem("bob-pc.example.com", kind="ec:p256"))

    assert answer.waits


@pytest.mark.parametrize(
    "written", ["bob_pc.example.com", "bob_pc.example.com.", " bob_PC.example.com"]
)
def test_a_host_with_an_underscore_is_somebody_s_too(alice: Attacker, written: str) -> None:
    """In no host's name stand underscores, and programs connect to them and match them."""
    Account.objects.filter(user__username="bob").update(dns_name="bob_pc.example.com")

    answer = alice.ask("WebServer", raw=make.request_pem(written, kind="ec:p256"))

    assert answer.waits


@pytest.mark.parametrize(
    "name",
    [
        x509.UniformResourceIdentifier("https://Bob-PC.example.com:8443/login"),
        x509.UniformResourceIdentifier("sip:pbx@bob-pc.example.com;transport=tls"),
        other("1.3.6.1.5.5.7.8.7", der.ia5_string("_ldap.bob-pc.example.com")),
    ],
    ids=["URI", "SIP", "SRV"],
)
def test_a_host_within_another_name_is_somebody_s_too(
    alice: Attacker, name: x509.GeneralName
) -> None:
    own = x509.DNSName("mine.example.com")

    assert alice.ask("WebServer", names=[own, name]).waits
    Account.objects.filter(user__username="bob").update(dns_name="")
    assert alice.ask("WebServer", names=[own, name]).is_issued


@pytest.mark.parametrize(
    "written",
    [
        "bob@example.com ",
        "Bob <bob@example.com>",
        '"bob"@example.com',
        "bob(at home)@example.com",
        "BOB@example.com",
    ],
)
def test_an_address_in_the_subject_is_judged_as_mail_programs_read_it(
    alice: Attacker, written: str
) -> None:
    subject = messages.name(
        ("2.5.4.3", der.utf8_string("mine.example.com")),
        ("1.2.840.113549.1.9.1", der.ia5_string(written)),
    )
    names = [messages.extension_request(messages.dns_names("mine.example.com"))]
    raw = renewals.pem(messages.pkcs10(make.key("ec:p256"), subject, names))

    assert alice.ask("WebServer", raw=raw).waits


def test_a_upn_that_only_folds_to_one_s_own_is_not_one_s_own(alice: Attacker) -> None:
    Account.objects.filter(user__username="alice").update(upn="fiona@example.com")
    own, other = x509.DNSName("mine.example.com"), upn("\ufb01ona@example.com")

    assert alice.ask("WebServer", names=[own, upn("Fiona@example.com")]).is_issued
    assert alice.ask("WebServer", names=[own, other]).waits


@pytest.mark.parametrize("template", AT_ONCE)
def test_the_same_request_without_the_name_of_another_is_issued(
    alice: Attacker, template: str
) -> None:
    assert alice.ask(template, names=[x509.DNSName("mine.example.com")]).is_issued


def test_names_of_one_s_own_account_are_issued(alice: Attacker) -> None:
    own = [
        upn("alice@localhost"),
        x509.RFC822Name("alice@example.com"),
        x509.DNSName("alice-pc.example.com"),
    ]

    answer = alice.ask("WebServer", names=own)

    assert answer.is_issued
    assert names_in(answer.certificate) == own


def test_names_that_an_administrator_allows_are_issued(alice: Attacker) -> None:
    Template.objects.filter(name="WebServer").update(
        allowed_dns_suffixes=["example.com"], allowed_upn_suffixes=["svc.example.com"]
    )

    assert alice.ask(
        "WebServer", names=[x509.DNSName("mine.example.com"), upn("web@svc.example.com")]
    ).is_issued


EVERY_HOST = x509.DNSName("*.example.com")


def bob_has(host: str) -> None:
    request = make.request_pem(host, kind="ec:p256", dns=[host])
    assert Attacker("bob").ask("WebServer", raw=request).is_issued


def test_a_wildcard_over_the_machine_of_somebody_else_waits(alice: Attacker) -> None:
    """Bob's machine is among the hosts it stands for: the directory says so."""
    answer = alice.ask("WebServer", names=[EVERY_HOST])

    assert answer.waits
    assert "hosts of others" in answer.row.detail
    assert "bob" not in answer.row.detail


def test_a_wildcard_over_a_certificate_of_somebody_else_waits(alice: Attacker) -> None:
    bob_has("shop.example.org")

    assert alice.ask("WebServer", names=[x509.DNSName("*.example.org")]).waits


BESIDE = [
    x509.RFC822Name("alice@example.com"),
    x509.UniformResourceIdentifier("https://mine.example.com/"),
    x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
]


@pytest.mark.parametrize("beside", BESIDE, ids=["e-mail", "URI", "address"])
def test_a_wildcard_in_the_common_name_waits_beside_a_name_that_is_no_host(
    alice: Attacker, beside: x509.GeneralName
) -> None:
    """Without a host in the SAN, OpenSSL takes the common name: it would serve as Bob's machine."""
    names = [(x509.SubjectAlternativeName([beside]), False)]

    answer = alice.ask(
        "WebServer", raw=make.request_pem("*.example.com", kind="ec:p256", extensions=names)
    )

    assert answer.waits
    assert "hosts of others" in answer.row.detail
    harmless = make.request_pem("*.example.net", kind="ec:p256", extensions=names)
    assert alice.ask("WebServer", raw=harmless).is_issued


@pytest.mark.parametrize("name", ["b*.example.com", "*pc.example.com", "b*c.example.com"])
def test_a_star_within_the_first_label_of_a_common_name_waits(alice: Attacker, name: str) -> None:
    """OpenSSL matches it with a part of a label, where it is not told otherwise."""
    assert alice.ask("WebServer", raw=make.request_pem(name, kind="ec:p256")).waits


@pytest.mark.parametrize(
    "held", ["a.b.example.org", "example.org", "shop-example.org", "*.a.example.org"]
)
def test_a_wildcard_over_nobody_s_host_is_issued(held: str, alice: Attacker) -> None:
    """It stands for one label (RFC 9525 section 6.3)."""
    bob_has(held)
    assert alice.ask("WebServer", names=[x509.DNSName("hers.example.org")]).is_issued

    answer = alice.ask("WebServer", names=[x509.DNSName("*.example.org")])
    assert answer.is_issued, (answer.row.detail, answer.row.names)


def test_more_wildcards_than_anybody_needs_wait(alice: Attacker) -> None:
    many = [x509.DNSName(f"*.zone{number}.example.org") for number in range(21)]

    assert alice.ask("WebServer", names=many[:20]).is_issued
    assert alice.ask("WebServer", names=many).is_issued
    assert alice.ask(
        "WebServer", names=[x509.DNSName(f"*.{n}.example.net") for n in range(21)]
    ).waits


def test_a_wildcard_that_a_manager_gave_is_renewed_without_one(alice: Attacker) -> None:
    alice.ask("WebServer", names=[EVERY_HOST]).approved()

    assert alice.ask("WebServer", names=[EVERY_HOST]).is_issued
    Certificate.objects.update(revoked_at=timezone.now())
    assert alice.ask("WebServer", names=[EVERY_HOST]).waits


def test_a_wildcard_that_somebody_else_was_given_is_not_one_s_own(alice: Attacker) -> None:
    Attacker("bob").ask("WebServer", names=[EVERY_HOST]).approved()

    assert alice.ask("WebServer", names=[EVERY_HOST]).waits
    Template.objects.filter(name="WebServer").update(held_names="report")
    held, wildcard = alice.ask("WebServer", names=[EVERY_HOST]).row.remarks
    assert "somebody else holds" in held
    assert "hosts of others" in wildcard


def test_a_wildcard_that_an_administrator_allows_is_issued(alice: Attacker) -> None:
    Template.objects.filter(name="WebServer").update(allowed_dns_suffixes=["example.com"])

    assert alice.ask("WebServer", names=[EVERY_HOST]).is_issued


def test_a_site_that_ran_before_is_told_first(alice: Attacker) -> None:
    """The dry run: issued, with a remark at the request for whoever looks."""
    Template.objects.filter(name="WebServer").update(held_names="report")

    names = [x509.DNSName("bob-pc.example.com"), CLAIMS["UPN"], EVERY_HOST]
    answer = alice.ask("WebServer", names=names)

    assert answer.is_issued
    assert len(answer.row.remarks) == len(names)
    remarks = EnrollmentRequest.objects.get(pk=answer.row.pk).remarks
    assert any("gives this name to another account" in remark for remark in remarks)
    assert any("signs in an account" in remark for remark in remarks)
