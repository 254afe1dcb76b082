"""As long as NTLM is on, whoever runs the site is told so."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone

from enrollment import checks, conf
from enrollment.ca.check import Check, Severity
from enrollment.conf_clients import Clients
from enrollment.conf_ntlm import Ntlm
from enrollment.models import NtlmAccount
from enrollment.services import condition, ntlm_accounts, ntlm_checks, reports, site_certificate
from enrollment.services.condition import Scope
from tests.conftest import person

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User

FULL = Check("Disk", Severity.CRITICAL, "100 MB are free.")
STALE = Check("NTLM", Severity.WARNING, "It was on, an hour ago.")


def findings() -> str:
    return " ".join(check.finding for check in ntlm_checks.standing(timezone.now()))


@pytest.fixture
def desk(alice: User) -> Client:
    client = Client()
    client.force_login(person("otto", "Auditors"))
    return client


def shown(client: Client, address: str = "/admin/") -> str:
    return client.get(address, follow=True).content.decode()


def test_the_banner_stands_beside_whatever_else_is_wrong(desk: Client) -> None:
    reports.store({Scope.SITE: [FULL, STALE]}, timezone.now())

    page = shown(desk, "/admin/enrollment/authority/")

    assert "<strong>Disk</strong> <bdi>100 MB are free." in page
    assert "<strong>NTLM</strong> <bdi>It is on, for 1 account: alice (never used)." in page
    assert "an hour ago" not in page


def test_the_banner_stands_before_anybody_looked(desk: Client) -> None:
    assert "<strong>NTLM</strong>" in shown(desk, "/admin/enrollment/authority/")
    assert "It is on, for 1 account" in shown(desk, "/admin/condition/")


def test_the_banner_goes_with_the_setting(
    alice: User, desk: Client, configure: Callable[..., None]
) -> None:
    configure(sign_in=("basic",))
    reports.store({Scope.SITE: [STALE]}, timezone.now())
    assert "It is off, and 1 account: alice" in shown(desk, "/admin/condition/")

    ntlm_accounts.end(alice, actor="shell:test", now=timezone.now())

    assert "NTLM" not in shown(desk, "/admin/condition/")


def test_the_self_check_says_who_used_it_and_when(alice: User) -> None:
    now = timezone.now()
    ntlm_accounts.note_use(alice, now=now)
    bob = person("bob", "Enrollees")
    ntlm_accounts.allow(bob, actor="shell:test", now=now)

    found = [one for one in condition.check(now, Scope.SITE)[Scope.SITE] if one.name == "NTLM"]

    assert [one.severity for one in found] == [Severity.WARNING]
    used = f"last used {now:%Y-%m-%d %H:%M}"
    assert f"It is on, for 2 accounts: alice ({used}), bob (never used)." in found[0].finding


def test_what_was_loosened_is_said(alice: User, configure: Callable[..., None]) -> None:
    networks = (ipaddress.ip_network("10.0.0.7"),)
    configure(ntlm=Ntlm("off", plain_http=True), clients=Clients(proxies=networks))

    text = findings()

    assert "CERTSRV_NTLM_CHANNEL_BINDING is off" in text
    assert "CERTSRV_NTLM_PLAIN_HTTP is on" in text
    assert "Through the proxies of CERTSRV_TRUSTED_PROXIES nobody can use it." in text


def test_secrets_under_another_secret_of_the_site_are_named(alice: User) -> None:
    NtlmAccount.objects.update(sealed=bytes(44))

    assert "another one than when 1 account: alice" in findings()


def test_the_page_of_a_user_says_whether_they_may(alice: User, made: object) -> None:
    client = Client()
    client.force_login(person("ada", "CA Administrators"))
    bob = person("bob", "Enrollees")

    assert "by shell:test; last used: never" in shown(
        client, f"/admin/auth/user/{alice.pk}/change/"
    )
    assert "not allowed" in shown(client, f"/admin/auth/user/{bob.pk}/change/")


def test_an_administrator_who_disables_somebody_ends_it(alice: User) -> None:
    client = Client()
    client.force_login(person("ada", "CA Administrators"))
    address = f"/admin/auth/user/{alice.pk}/change/"
    page = client.get(address)
    fields = {
        name: value for form in forms(page) for name, value in form.items() if value is not None
    }
    fields.pop("is_active")

    answer = client.post(address, fields)

    assert answer.status_code == 302
    assert not NtlmAccount.objects.exists()


def forms(page: object) -> list[dict[str, object]]:
    """Return what a page of the desk would send, as it was shown."""
    context = page.context  # type: ignore[attr-defined]  # the test client's
    every = [context["adminform"].form]
    for formset in (inline.formset for inline in context["inline_admin_formsets"]):
        every += [formset.management_form, *formset.forms]
    return [
        {bound.html_name: bound.value() for bound in form if bound.value() not in (None, "")}
        for form in every
    ]


def ids() -> set[str]:
    return {str(found.id) for found in checks.check_ntlm(None)}


def test_the_start_warns_while_it_is_on(alice: User, configure: Callable[..., None]) -> None:
    assert ids() == {"enrollment.W003"}
    networks = (ipaddress.ip_network("10.0.0.7"),)
    configure(clients=Clients(proxies=networks))
    assert ids() == {"enrollment.W003", "enrollment.W004"}
    configure(sign_in=("basic",))
    assert ids() == set()
    assert "enrollment.W003" not in {found.id for found in run_checks(tags=["security"])}


def test_the_start_refuses_a_certificate_that_nobody_can_bind_to(
    alice: User, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ed25519

    from tests.signin.test_channel import certificate

    der = certificate(ed25519.Ed25519PrivateKey.generate(), None)
    monkeypatch.setattr(site_certificate, "on_disk", lambda: x509.load_der_x509_certificate(der))

    assert "enrollment.E005" in ids()
    configure(ntlm=Ntlm("when-offered"))
    assert "enrollment.E005" not in ids()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"CERTSRV_NTLM_CHANNEL_BINDING": "offered"}, "required, when-offered, off"),
        ({"CERTSRV_NTLM_PLAIN_HTTP": "yes"}, "plain HTTP has no channel to bind to"),
        ({"CERTSRV_SIGN_IN": "ntlm", "CERTSRV_HTTPS": ""}, "CERTSRV_HTTPS is empty"),
    ],
)
def test_settings_that_contradict_each_other_stop_the_start(
    values: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=sentence):
        conf.read(values)


def test_by_default_there_is_no_ntlm_and_binding_would_be_required() -> None:
    settings = conf.read({})

    assert "ntlm" not in settings.sign_in
    assert settings.ntlm == Ntlm("required", plain_http=False)
