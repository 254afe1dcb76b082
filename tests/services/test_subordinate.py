"""A CA below another one: it asks, waits, is answered, and issues."""

from __future__ import annotations

import itertools
import stat
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.utils import timezone

from enrollment import conf, keys
from enrollment.models import (
    AuditEvent,
    Authority,
    AuthorityRequest,
    CertificateRevocationList,
)
from enrollment.services import (
    authority,
    awaited,
    condition,
    delivery,
    directory,
    installation,
    keyring,
    publication,
    setup,
    subordinate,
)
from tests.ca import parents
from tests.conftest import person
from tests.services import above
from tests.services.acts import issued, read, submit

if TYPE_CHECKING:
    from enrollment.services.setup import SetupReport
    from tests.services.acts import Configure


# --- before the answer ---


def test_set_up_makes_everything_but_the_certificate(waiting: SetupReport) -> None:
    assert waiting.newest is None
    assert waiting.made_templates == 33
    assert waiting.admin_password
    assert not Authority.objects.exists()
    assert not CertificateRevocationList.objects.exists()


def test_the_request_lies_in_the_home_and_is_that_of_the_row(waiting: SetupReport) -> None:
    assert waiting.waiting is not None
    written = x509.load_pem_x509_csr((conf.current().home / awaited.REQUEST_FILE).read_bytes())

    assert written.public_bytes(Encoding.DER) == bytes(waiting.waiting.der)
    assert written.subject.rfc4514_string() == "CN=Example Issuing CA"
    assert written.is_signature_valid


def test_setting_up_again_gives_the_same_request(waiting: SetupReport) -> None:
    again = setup.run_setup(now=timezone.now())

    assert again.waiting == waiting.waiting
    assert AuthorityRequest.objects.count() == 1
    assert len(list(conf.current().keys_home.iterdir())) == 1
    assert stat.S_IMODE(next(conf.current().keys_home.iterdir()).stat().st_mode) == 0o600


def test_a_forgotten_setting_makes_no_root_beside_a_request(
    waiting: SetupReport, configure: Configure
) -> None:
    configure(CERTSRV_CA_ROLE="root")

    assert setup.run_setup(now=timezone.now()).waiting == waiting.waiting
    assert not Authority.objects.exists()


def test_whoever_needs_the_ca_is_told_the_next_step(waiting: SetupReport) -> None:
    with pytest.raises(authority.NoAuthority, match=r"manage\.py ca install FILE"):
        authority.current()
    with pytest.raises(condition.CaFault, match=r"ca-request\.pem"):
        condition.check(timezone.now())


def test_another_name_is_asked_for_with_the_same_key(
    waiting: SetupReport, configure: Configure
) -> None:
    configure(CERTSRV_CA_NAME="Another Issuing CA")

    row = above.ask()

    assert subordinate.subject_of(row).rfc4514_string() == "CN=Another Issuing CA"
    assert waiting.waiting is not None
    assert subordinate.public_key_of(row) == subordinate.public_key_of(waiting.waiting)


def test_a_new_key_is_made_when_it_is_asked_for_and_the_old_request_stays_good(
    waiting: SetupReport,
) -> None:
    """A request that was already carried to the root must not be lost by a second one."""
    assert waiting.waiting is not None
    new = above.ask(new_key=True)

    assert above.ask() == new
    assert new.key_reference != waiting.waiting.key_reference
    row = above.install(above.sign(above.root(), waiting.waiting), above.root()).row
    assert row.key_reference == waiting.waiting.key_reference


def test_a_key_that_was_lost_is_told_before_the_request_is_carried_away(
    waiting: SetupReport,
) -> None:
    next(conf.current().keys_home.iterdir()).unlink()

    with pytest.raises(subordinate.RequestRefused, match="ca request --new-key"):
        above.ask()
    assert above.ask(new_key=True).has_new_key


def test_a_key_without_its_request_is_no_hindrance(
    waiting: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process was killed after the key was made: a second try makes another."""
    AuthorityRequest.objects.all().delete()

    assert above.ask().has_new_key
    assert len(list(conf.current().keys_home.iterdir())) == 2


def test_a_home_that_cannot_be_written_is_told_and_the_request_waits(waiting: SetupReport) -> None:
    file = conf.current().home / awaited.REQUEST_FILE
    file.unlink()
    file.mkdir()

    with pytest.raises(subordinate.RequestRefused, match="cannot be written"):
        above.ask()

    file.rmdir()
    assert above.ask() == waiting.waiting


def test_a_ca_that_signs_itself_asks_nobody(site: SetupReport) -> None:
    with pytest.raises(subordinate.RequestRefused, match="CERTSRV_CA_ROLE=subordinate"):
        above.ask()


def test_a_request_is_written_down_with_its_digest(waiting: SetupReport) -> None:
    assert waiting.waiting is not None
    event = AuditEvent.objects.get(verb="ca certificate requested")

    assert event.detail == {"request": waiting.waiting.digest, "new_key": True}


# --- the answer ---


def test_an_answer_makes_the_ca_and_its_first_list(below: Authority) -> None:
    assert (below.index, below.key_index, below.name) == (0, 0, "Example Issuing CA")
    assert CertificateRevocationList.objects.filter(is_delta=False).count() == 1
    assert authority.current() == below
    assert AuthorityRequest.objects.get().authority == below
    assert not (conf.current().home / awaited.REQUEST_FILE).exists()


def test_an_installation_is_written_down_with_both_thumbprints(below: Authority) -> None:
    event = AuditEvent.objects.get(verb="ca certificate installed")

    assert event.subject == "ca 0"
    assert event.detail["request"] == AuthorityRequest.objects.get().digest
    assert event.detail["issuer"] == "CN=Example Root"
    assert len(event.detail["thumbprint"]) == len(event.detail["root"]) == 64


def test_the_same_answer_again_changes_nothing(below: Authority) -> None:
    certificate = x509.load_der_x509_certificate(bytes(below.der))

    again = above.install(certificate, above.root())

    assert again == installation.Installed(below, is_new=False)
    assert Authority.objects.count() == 1
    assert AuditEvent.objects.filter(verb="ca certificate installed").count() == 1


def test_the_chain_may_come_in_a_file_of_its_own(waiting: SetupReport) -> None:
    root = above.root()
    policy = above.policy_ca(root)
    assert waiting.waiting is not None
    certificate = above.sign(policy, waiting.waiting)

    with pytest.raises(installation.NotInstalled, match="--chain FILE"):
        above.install(certificate)
    row = above.install(certificate, chain=above.file(root, policy, name="chain.pem")).row

    subjects = [each.subject for each in installation.x509_of(authority.issuer_of(row).chain)]
    assert subjects == [policy.subject, root.subject]


def test_an_answer_is_refused_whole(waiting: SetupReport) -> None:
    """Nothing of it is stored, and the right one is taken afterwards."""
    assert waiting.waiting is not None
    root = above.root()

    with pytest.raises(installation.NotInstalled, match="CA:FALSE"):
        above.install(above.sign(root, waiting.waiting, ca=False), root)

    assert not Authority.objects.exists()
    assert above.install(above.sign(root, waiting.waiting), root).is_new


def test_a_certificate_nobody_asked_for_is_refused_with_the_next_step(below: Authority) -> None:
    root = above.root()
    other = above.sign(root, AuthorityRequest.objects.get(), begin=timezone.now() - above.DAY)

    with pytest.raises(installation.NotInstalled, match="ca request"):
        above.install(other, root)

    above.ask()
    assert above.install(other, root).row.index == 1


def test_an_answer_whose_key_is_lost_is_not_installed(waiting: SetupReport) -> None:
    assert waiting.waiting is not None
    keys.forget_signers()
    next(conf.current().keys_home.iterdir()).unlink()

    with pytest.raises(installation.NotInstalled, match="There is no private key"):
        above.install(above.sign(above.root(), waiting.waiting), above.root())
    assert not Authority.objects.exists()


def test_a_name_that_the_parent_chose_is_followed_everywhere(waiting: SetupReport) -> None:
    assert waiting.waiting is not None
    root = above.root()
    chosen = parents.name("Issuing CA 7", (x509.NameOID.ORGANIZATION_NAME, "Example"))

    installed = above.install(above.sign(root, waiting.waiting, subject=chosen), root)

    assert installed.row.name == "Issuing CA 7"
    assert "changed the name" in installed.remarks[0]
    alice = directory.requester_of(person("alice", "Enrollees"))
    leaf = issued(submit(alice))
    assert leaf.issuer == chosen
    access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert access[0].access_location.value.endswith("/CertEnroll/localhost_Issuing%20CA%207.crt")
    assert delivery.published_file("localhost_Issuing CA 7.crt", now=timezone.now())
    renewed = subordinate.subject_of(above.ask())
    assert renewed == chosen


def test_lists_that_cannot_be_made_are_told_and_the_certificate_stands(
    waiting: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise keyring.KeyProblem("The token was pulled out.")

    monkeypatch.setattr(publication, "publish", fail)
    assert waiting.waiting is not None

    with pytest.raises(installation.ListsMissing, match="crl publish"):
        above.install(above.sign(above.root(), waiting.waiting), above.root())
    assert authority.current().index == 0


# --- what it issues ---


def test_a_leaf_comes_with_the_whole_chain_in_order(below: Authority) -> None:
    alice = directory.requester_of(person("alice", "Enrollees"))
    row = submit(alice)
    assert row.certificate is not None

    chain = [x509.load_der_x509_certificate(der) for der in delivery.chain_of(row.certificate)]

    assert [each.subject.rfc4514_string() for each in chain] == [
        "CN=www.example.com", "CN=Example Issuing CA", "CN=Example Root",
    ]  # fmt: skip
    for certificate, issuer in itertools.pairwise(chain):
        certificate.verify_directly_issued_by(issuer)
    assert delivery.ca_chain(None) == delivery.chain_of(row.certificate)[1:]


def test_a_leaf_points_to_the_certificate_of_this_ca(below: Authority) -> None:
    alice = directory.requester_of(person("alice", "Enrollees"))
    leaf = issued(submit(alice))

    access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    name = access[0].access_location.value.rpartition("/")[2].replace("%20", " ")
    found = delivery.published_file(name, now=timezone.now())
    assert found is not None
    assert (read(found), found.kind) == (bytes(below.der), "crt")
