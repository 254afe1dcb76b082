"""The certificate of our own TLS listener renews itself."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.utils import timezone

from enrollment import keys
from enrollment.ca.revocation import Act
from enrollment.models import AuditEvent, Authority, EnrollmentRequest
from enrollment.services import own_certificates, revocation, setup, site_certificate
from enrollment.services.revocation import Order, Revoker
from tests import make
from tests.services.strangers import certificate_of_a_strange_ca

if TYPE_CHECKING:
    from pathlib import Path

    from enrollment.services.site_certificate import SiteCertificate
    from tests.services.acts import Configure


@pytest.fixture
def home(db: None, configure: Configure, tmp_path: Path) -> Path:
    """A site in a home of its own."""
    configure(CERTSRV_HOME=str(tmp_path), CERTSRV_HOSTNAME="ca.example.com")
    setup.run_setup(now=timezone.now())
    return tmp_path


def leaf(site: SiteCertificate) -> x509.Certificate:
    return x509.load_pem_x509_certificates(site.certificate.read_bytes())[0]


def loads(site: SiteCertificate) -> bool:
    """Whether a TLS server takes certificate and key together."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(site.certificate, site.key)
    except ssl.SSLError:
        return False
    return True


def test_the_ca_issues_a_certificate_for_the_names_of_its_site(home: Path) -> None:
    made = site_certificate.ensure(timezone.now())

    names = leaf(made).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["ca.example.com", "localhost"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]
    assert loads(made)


def test_a_ca_that_cannot_sign_leaves_no_key_and_no_request_behind(home: Path) -> None:
    Authority.objects.update(key_reference="keys/lost.pem")

    for _ in range(2):
        with pytest.raises(keys.KeyFileMissing):
            site_certificate.ensure(timezone.now())

    assert list((home / "tls").iterdir()) == []
    assert not EnrollmentRequest.objects.exists()


def test_it_takes_the_way_of_every_certificate(home: Path) -> None:
    site_certificate.ensure(timezone.now())

    row = EnrollmentRequest.objects.get(requester="site")
    assert row.certificate is not None
    assert AuditEvent.objects.filter(verb="site certificate renewed").count() == 1


def test_a_certificate_that_still_serves_is_kept(home: Path) -> None:
    now = timezone.now()
    first = leaf(site_certificate.ensure(now))

    again = leaf(site_certificate.ensure(now + timedelta(days=240)))

    assert again == first


def test_it_is_renewed_with_a_new_key_when_a_third_of_its_life_is_left(home: Path) -> None:
    now = timezone.now()
    first = leaf(site_certificate.ensure(now))

    made = site_certificate.ensure(now + timedelta(days=244))

    assert leaf(made).serial_number != first.serial_number
    assert leaf(made).public_key() != first.public_key()
    assert loads(made)


def test_it_is_renewed_when_the_names_of_the_site_change(home: Path, configure: Configure) -> None:
    now = timezone.now()
    site_certificate.ensure(now)
    configure(CERTSRV_HOSTNAME="pki.example.com")

    names = leaf(site_certificate.ensure(now)).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )

    assert "pki.example.com" in names.value.get_values_for_type(x509.DNSName)


def test_a_certificate_of_another_ca_does_not_serve(home: Path) -> None:
    """A restored file of another installation."""
    now = timezone.now()
    made = site_certificate.ensure(now)
    strange = certificate_of_a_strange_ca("ca.example.com")
    made.certificate.write_bytes(strange.public_bytes(Encoding.PEM))

    assert leaf(site_certificate.ensure(now)) != strange


@pytest.mark.parametrize("damage", ["certificate gone", "key gone", "rubbish", "another key"])
def test_whatever_is_wrong_with_the_files_a_pair_that_fits_is_made(home: Path, damage: str) -> None:
    """A crash between the two renames leaves a new key beside the old certificate."""
    now = timezone.now()
    made = site_certificate.ensure(now)
    if damage == "certificate gone":
        made.certificate.unlink()
    elif damage == "key gone":
        made.key.unlink()
    elif damage == "rubbish":
        made.certificate.write_text("rubbish")
    else:
        made.key.unlink()
        keys.generate("ec:p256", made.key)

    assert loads(site_certificate.ensure(now))


def test_keys_that_are_no_longer_used_do_not_pile_up(home: Path) -> None:
    now = timezone.now()
    for days in (0, 300, 600):
        site_certificate.ensure(now + timedelta(days=days))

    assert [file.name for file in (home / "tls").iterdir() if file.suffix == ".key"] == ["site.key"]


@pytest.mark.parametrize(
    ("listener", "names"),
    [
        ("0.0.0.0:8443", ["ca.example.com"]),
        ("[::1]:8443", ["ca.example.com", "::1", "localhost"]),
        ("localhost:8443", ["ca.example.com", "localhost"]),
        ("10.0.0.5:8443", ["ca.example.com", "10.0.0.5"]),
        ("", ["ca.example.com"]),
    ],
)
def test_it_names_what_the_site_listens_on(
    home: Path, configure: Configure, listener: str, names: list[str]
) -> None:
    configure(CERTSRV_HTTPS=listener)

    found = leaf(site_certificate.ensure(timezone.now())).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )

    assert [str(name.value) for name in found.value] == names


def test_a_name_that_no_certificate_may_hold_is_told_with_the_setting_to_change(
    home: Path, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_certificate, "_names", lambda: [x509.DNSName("-bad..example.com")])

    with pytest.raises(own_certificates.OwnCertificateRefused, match="CERTSRV_HOSTNAME"):
        site_certificate.ensure(timezone.now())


def test_a_subordinate_ca_sends_its_chain_without_the_root(home: Path) -> None:
    above, _ = make.authority()
    Authority.objects.update(chain=above.certificate.public_bytes(Encoding.PEM).decode())

    made = site_certificate.ensure(timezone.now())

    sent = x509.load_pem_x509_certificates(made.certificate.read_bytes())
    assert len(sent) == 2
    assert above.certificate not in sent


@pytest.mark.parametrize("act", [Act.REVOKE, Act.HOLD])
def test_one_that_was_taken_back_is_replaced(home: Path, act: Act) -> None:
    """Clients that check refuse it, and nobody comes by to make a new one."""
    now = timezone.now()
    before = leaf(site_certificate.ensure(now))
    row = revocation.find(f"{before.serial_number:x}")
    revocation.change_status([row], Order(act), Revoker("maria", may_revoke=True), now=now)

    after = leaf(site_certificate.ensure(now))

    assert after.serial_number != before.serial_number
    assert after.public_key() != before.public_key()
