"""Set-up makes what is missing and changes nothing that is there."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from enrollment import conf, keys
from enrollment.ca import errors
from enrollment.models import Authority, CertificateRevocationList, Template
from enrollment.services import authority, directory, setup
from tests.conftest import person

if TYPE_CHECKING:
    from enrollment.services.setup import SetupReport
    from tests.services.acts import Configure


def test_the_first_run_makes_groups_templates_a_ca_a_list_and_an_admin(
    site: SetupReport,
) -> None:
    assert site.made_authority
    assert site.made_templates == Template.objects.count() == 33
    assert Group.objects.count() == 6
    assert CertificateRevocationList.objects.filter(is_delta=False).count() == 1
    assert User.objects.get().username == "admin"


def test_the_first_admin_is_in_every_group_and_gets_a_long_password(site: SetupReport) -> None:
    admin = User.objects.get()

    assert site.admin_password is not None
    assert len(site.admin_password) >= 20
    assert admin.check_password(site.admin_password)
    assert admin.groups.count() == 6
    assert admin.is_staff
    assert not admin.is_superuser


def test_the_password_of_the_first_admin_can_be_chosen(db: None, configure: Configure) -> None:
    configure(CERTSRV_ADMIN_PASSWORD="correct horse")

    report = setup.run_setup(now=timezone.now())

    assert report.admin_password == "correct horse"


def test_a_second_run_changes_nothing(site: SetupReport) -> None:
    oid = Template.objects.values_list("oid", flat=True).first()

    again = setup.run_setup(now=timezone.now())

    assert again.authority == site.authority
    assert not again.made_authority
    assert again.made_templates == 0
    assert again.made_groups == ()
    assert again.admin_password is None
    assert Template.objects.values_list("oid", flat=True).first() == oid
    assert Authority.objects.count() == 1


def test_what_an_administrator_changed_stays_changed(site: SetupReport) -> None:
    Template.objects.filter(name="User").delete()
    Group.objects.get(name="Auditors").permissions.clear()

    setup.run_setup(now=timezone.now())

    assert not Template.objects.filter(name="User").exists()
    assert not Group.objects.get(name="Auditors").permissions.exists()


def test_every_installation_has_template_identifiers_of_its_own(site: SetupReport) -> None:
    """ms-facts a.2: six random numbers, each within 32 bits, or Windows clients break."""
    oids = list(Template.objects.values_list("oid", flat=True))

    arcs = [int(arc) for arc in oids[0].split(".")[9:-2]]
    assert len(arcs) == 6
    assert all(0 < arc < 2**24 for arc in arcs)
    assert len(set(oids)) == 33


def test_the_key_of_the_ca_is_readable_by_its_owner_alone(site: SetupReport) -> None:
    key = conf.current().home / site.authority.key_reference

    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "problem",
    [
        keys.KeyProblem("The disk is full."),
        errors.LintRefused("The name is wrong.", remedy="Choose another."),
    ],
    ids=lambda problem: type(problem).__name__,
)
def test_a_ca_that_cannot_be_made_is_told_in_a_sentence(
    db: None, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def fail(*_: object) -> None:
        raise problem

    monkeypatch.setattr(authority, "create_self_signed", fail)

    with pytest.raises(setup.SetupFailed, match=str(problem)):
        setup.run_setup(now=timezone.now())


def test_without_set_up_there_is_no_ca(db: None) -> None:
    with pytest.raises(authority.NoAuthority, match=r"manage\.py setup"):
        authority.current()


# --- what the groups may do ---


@pytest.mark.parametrize(
    ("group", "may", "may_not"),
    [
        ("Enrollees", (), ("view_enrollmentrequest", "review_enrollmentrequest")),
        (
            "Certificate Managers",
            ("review_enrollmentrequest", "view_certificate", "revoke_certificate"),
            ("change_template", "change_user"),
        ),
        (
            "Certificate Revokers",
            ("revoke_certificate", "view_certificate"),
            ("review_enrollmentrequest", "view_enrollmentrequest", "change_template"),
        ),
        (
            "CA Administrators",
            ("change_template", "add_user"),
            ("review_enrollmentrequest", "revoke_certificate"),
        ),
        (
            "Auditors",
            ("view_auditevent", "view_enrollmentrequest"),
            ("review_enrollmentrequest", "change_template"),
        ),
        ("Operators", ("view_authority",), ("view_enrollmentrequest", "view_auditevent")),
    ],
)
def test_each_role_has_its_rights_and_no_others(
    site: SetupReport, group: str, may: tuple[str, ...], may_not: tuple[str, ...]
) -> None:
    """Who approves does not write the rules, and who writes the rules does not approve."""
    somebody = person("somebody", group)

    assert all(somebody.has_perm(f"{_app(name)}.{name}") for name in may)
    assert not any(somebody.has_perm(f"{_app(name)}.{name}") for name in may_not)


def _app(codename: str) -> str:
    return "auth" if codename.endswith(("_user", "_group")) else "enrollment"


def test_nobody_may_edit_requests_certificates_or_events(site: SetupReport) -> None:
    everything = person("all", *Group.objects.values_list("name", flat=True))

    for model in ("enrollmentrequest", "certificate", "auditevent", "authority", "signingrecord"):
        for act in ("add", "change", "delete"):
            assert not everything.has_perm(f"enrollment.{act}_{model}")


# --- the directory ---


def test_a_template_survives_the_way_through_its_row(site: SetupReport) -> None:
    for row in Template.objects.all():
        value = directory.to_value(row)
        back = directory.to_row(value)
        assert directory.to_value(back, row.enroll_groups.all()) == value


def test_an_inactive_user_is_nobody(site: SetupReport) -> None:
    alice = person("alice", "Enrollees")
    alice.is_active = False

    assert directory.requester_of(alice) == directory.ANONYMOUS


def test_a_requester_is_offered_what_is_published_for_their_groups(site: SetupReport) -> None:
    enrollee = directory.requester_of(person("alice", "Enrollees"))
    other = directory.requester_of(person("bob"))

    assert {t.name for t in directory.templates_for(enrollee)} == {
        "WebServer", "User", "Machine", "CodeSigning", "SubCA",
    }  # fmt: skip
    assert directory.templates_for(other) == []


def test_a_template_is_found_by_its_identifier_too(site: SetupReport) -> None:
    row = Template.objects.get(name="WebServer")

    found = directory.template(row.oid)

    assert found is not None
    assert found.name == "WebServer"
