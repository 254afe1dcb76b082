"""Lists are fresh when somebody asks, and their numbers only rise."""

from __future__ import annotations

import fcntl
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from django.db import connection
from django.utils import timezone

from enrollment import conf
from enrollment.ca import root
from enrollment.keys import FileSigner, KeyFileMissing
from enrollment.models import AuditEvent, Authority, CertificateRevocationList
from enrollment.services import authority, delivery, locks, publication
from tests import make
from tests.services.acts import read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from enrollment.services.setup import SetupReport
    from tests.services.acts import Configure

WEEK = timedelta(weeks=1)


def load(octets: bytes | None) -> x509.CertificateRevocationList:
    assert octets is not None
    return x509.load_der_x509_crl(octets)


def number_of(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def current(now: datetime, *, delta: bool = False, partition: int = 0) -> int:
    octets = publication.current_crl(authority.current(), now=now, delta=delta, partition=partition)
    return number_of(load(octets))


def test_a_new_site_has_an_empty_list_signed_by_its_ca(site: SetupReport) -> None:
    crl = load(publication.current_crl(site.authority, now=timezone.now()))

    issuer = authority.issuer_of(site.authority)
    assert len(crl) == 0
    assert crl.issuer == issuer.certificate.subject
    assert crl.is_signature_valid(issuer.public_key)  # type: ignore[arg-type]  # a CA key verifies
    assert number_of(crl) == 1


def test_a_list_that_is_not_due_is_served_again(site: SetupReport) -> None:
    now = timezone.now()

    assert current(now) == current(now + timedelta(days=6)) == 1


def test_a_list_with_a_higher_number_is_never_older(site: SetupReport) -> None:
    """Who waited for another publisher, or whose clock is a little behind, is not believed."""
    now = timezone.now() + timedelta(minutes=5)
    publication.publish(now=now, actor="test")

    publication.publish(now=now - timedelta(seconds=30), actor="test")

    times = CertificateRevocationList.objects.order_by("number").values_list("this_update", "as_of")
    assert list(times) == sorted(times)


def test_a_clock_that_was_far_ahead_once_does_not_set_the_time_for_all(site: SetupReport) -> None:
    now = timezone.now()
    publication.publish(now=now + WEEK, actor="test")

    publication.publish(now=now, actor="test")

    assert CertificateRevocationList.objects.order_by("-number")[0].as_of == now


def test_whoever_asks_first_after_the_publishing_time_makes_the_next_list(
    site: SetupReport,
) -> None:
    """No scheduler is needed."""
    now = timezone.now()

    assert current(now + WEEK + timedelta(minutes=1)) == 2
    assert current(now + WEEK + timedelta(minutes=2)) == 2
    assert current(now + 2 * WEEK + timedelta(minutes=3)) == 3


def test_a_list_is_still_good_while_the_next_is_made(site: SetupReport) -> None:
    """NextUpdate lies behind the publishing time, or relying parties would fail in between."""
    (newest,) = CertificateRevocationList.objects.filter(is_delta=False)

    assert newest.next_update - newest.next_publish == timedelta(hours=12, minutes=10)
    assert newest.this_update < newest.as_of < newest.next_publish


def test_numbers_rise_with_every_publication_and_base_and_delta_share_them(
    site: SetupReport,
) -> None:
    """ms-facts d.7: one counter for all lists of all keys."""
    now = timezone.now()
    second = publication.publish(now=now, actor="maria")
    third = publication.publish(now=now, actor="maria", base=False)
    fourth = publication.publish(now=now, actor="maria")

    assert (second, third, fourth) == (2, 3, 4)
    assert current(now) == 4
    assert current(now, delta=True) == 4


def test_a_publication_leaves_an_audit_event(site: SetupReport) -> None:
    number = publication.publish(now=timezone.now(), actor="maria")

    event = AuditEvent.objects.get(subject=f"crl {number}")
    assert (event.verb, event.actor) == ("crl published", "maria")


def test_a_schedule_that_comes_second_finds_the_work_done(site: SetupReport) -> None:
    now = timezone.now()

    assert publication.publish_due(now) == 1
    assert CertificateRevocationList.objects.filter(is_delta=False).count() == 1


def test_a_list_that_failed_half_way_is_never_served_and_its_number_not_used_again(
    site: SetupReport,
) -> None:
    now = timezone.now()
    Authority.objects.update(key_reference="keys/lost.pem")
    with pytest.raises(KeyFileMissing):
        publication.publish(now=now, actor="maria")
    Authority.objects.update(key_reference=site.authority.key_reference)

    assert current(now) == 1
    assert publication.publish(now=now, actor="maria") == 3
    assert 2 not in {crl.number for crl in publication.lists()}


def test_a_new_list_that_cannot_be_made_leaves_the_one_before_in_place(
    site: SetupReport,
) -> None:
    """It is good for the overlap; a download must not fail because a key does."""
    Authority.objects.update(key_reference="keys/lost.pem")
    later = timezone.now() + timedelta(days=7, minutes=1)

    assert current(later) == 1


def test_strangers_do_not_make_a_failing_key_try_again_and_again(site: SetupReport) -> None:
    Authority.objects.update(key_reference="keys/lost.pem")
    later = timezone.now() + timedelta(days=7, minutes=1)
    current(later)
    rows = CertificateRevocationList.objects.count()

    current(later)

    assert CertificateRevocationList.objects.count() == rows


def test_the_lists_of_a_key_that_works_do_not_wait_for_one_that_does_not(
    site: SetupReport,
) -> None:
    """The new key's list is made, told in the audit trail, and not made again."""
    newer = Authority.objects.get()
    newer.pk, newer.index, newer.key_index = None, 1, 1
    newer.save(force_insert=True)
    Authority.objects.filter(key_index=0).update(key_reference="keys/lost.pem")
    later = timezone.now() + timedelta(days=7, minutes=1)

    first = publication.current_crl(newer, now=later)
    second = publication.current_crl(newer, now=later)

    assert first == second
    assert number_of(load(first)) == 2
    assert AuditEvent.objects.filter(subject="crl 2").exists()


def test_a_person_who_is_called_like_the_schedule_publishes_nevertheless(
    site: SetupReport,
) -> None:
    assert publication.publish(now=timezone.now(), actor=publication.SCHEDULE) == 2


def test_who_asks_while_the_next_list_is_made_gets_the_one_before_at_once(
    site: SetupReport,
) -> None:
    """A long list takes seconds; every thread of the site would wait for it."""
    later = timezone.now() + timedelta(days=7, minutes=1)
    with somebody_publishes():
        assert current(later) == 1

    assert current(later) == 2


def test_who_asks_after_the_end_of_the_last_list_waits_for_the_next(
    site: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has ended is of no use to anybody."""
    waited = []
    exclusive = locks.exclusive

    def noted(name: str, *, wait: bool = True) -> AbstractContextManager[bool]:
        waited.append(wait)
        return exclusive(name, wait=wait)

    monkeypatch.setattr(locks, "exclusive", noted)
    current(timezone.now() + timedelta(days=7, minutes=1))
    current(timezone.now() + timedelta(days=30))

    assert waited == [False, True]


@contextmanager
def somebody_publishes() -> Iterator[None]:
    """Hold the lock of publishers as another process would."""
    if connection.vendor == "postgresql":
        pytest.skip("on PostgreSQL the lock belongs to another session")
    folder = conf.current().home / "locks"
    folder.mkdir(exist_ok=True)
    with (folder / "crl").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_a_ca_that_has_ended_makes_no_lists_and_serves_its_last(site: SetupReport) -> None:
    after = authority.issuer_of(site.authority).not_after + timedelta(days=1)

    assert current(after) == 1


def test_published_lists_are_shown_newest_first(site: SetupReport) -> None:
    publication.publish(now=timezone.now(), actor="maria")

    numbers = [crl.number for crl in publication.lists()]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] == 2


# --- deltas ---


def test_a_delta_names_the_base_it_belongs_to(site: SetupReport) -> None:
    crl = load(publication.current_crl(site.authority, now=timezone.now(), delta=True))

    indicator = crl.extensions.get_extension_for_class(x509.DeltaCRLIndicator)
    assert indicator.critical
    assert indicator.value.crl_number == 1


def test_a_delta_is_due_every_day_and_leaves_the_base_alone(site: SetupReport) -> None:
    tomorrow = timezone.now() + timedelta(days=1, minutes=1)

    assert current(tomorrow, delta=True) == 2
    assert current(tomorrow) == 1


def test_a_site_without_deltas_makes_none(site: SetupReport, configure: Configure) -> None:
    configure(CERTSRV_DELTA_PERIOD_HOURS="0")
    CertificateRevocationList.objects.all().delete()

    publication.publish(now=timezone.now(), actor="maria")

    assert not CertificateRevocationList.objects.filter(is_delta=True).exists()
    crl = load(publication.current_crl(site.authority, now=timezone.now()))
    with pytest.raises(x509.ExtensionNotFound):
        crl.extensions.get_extension_for_class(x509.FreshestCRL)


# --- partitions and keys ---


def test_a_partition_that_is_switched_on_has_its_list_when_it_is_asked_for(
    site: SetupReport, configure: Configure
) -> None:
    configure(CERTSRV_CRL_PARTITIONS="2")

    crl = load(publication.current_crl(site.authority, now=timezone.now(), partition=2))

    point = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert point.critical
    assert "_Partition00002" in str(point.value.full_name)


def test_whoever_asks_for_the_delta_of_a_new_partition_first_gets_one(
    site: SetupReport, configure: Configure
) -> None:
    """Its base is made with it; otherwise everybody who asks would publish in vain."""
    configure(CERTSRV_CRL_PARTITIONS="2")

    octets = publication.current_crl(site.authority, now=timezone.now(), delta=True, partition=2)

    assert number_of(load(octets)) == 2


def test_a_partition_that_does_not_exist_has_no_list(
    site: SetupReport, configure: Configure
) -> None:
    configure(CERTSRV_CRL_PARTITIONS="2")

    assert publication.current_crl(site.authority, now=timezone.now(), partition=3) is None


def test_a_setting_that_is_lowered_leaves_the_lists_that_certificates_name(
    site: SetupReport, configure: Configure
) -> None:
    """The partition of a certificate is fixed for its life; its list must go on."""
    configure(CERTSRV_CRL_PARTITIONS="3")
    publication.publish(now=timezone.now(), actor="maria")
    configure(CERTSRV_CRL_PARTITIONS="1")

    later = timezone.now() + timedelta(days=8)

    assert current(later, partition=3) == current(later, partition=2) == current(later) == 3
    found = delivery.published_file("example issuing ca_partition00003+.crl", now=later)
    assert found is not None
    assert number_of(load(read(found))) == 3


def test_a_partition_is_found_by_its_file_name_and_only_by_that(
    site: SetupReport, configure: Configure
) -> None:
    configure(CERTSRV_CRL_PARTITIONS="2", CERTSRV_CA_NAME="CA_Partition00001")
    publication.publish(now=timezone.now(), actor="maria")
    Authority.objects.update(name="CA_Partition00001")
    now = timezone.now()

    def points(name: str) -> str | None:
        found = delivery.published_file(name, now=now)
        if found is None:
            return None
        try:
            extensions = load(read(found)).extensions
            point = extensions.get_extension_for_class(x509.IssuingDistributionPoint)
        except x509.ExtensionNotFound:
            return "everything"
        return str(point.value.full_name)

    assert points("CA_Partition00001.crl") == "everything"
    assert "_Partition00002" in str(points("CA_Partition00001_Partition00002.crl"))
    assert points("CA_Partition00001_Partition00003.crl") is None
    assert points("CA_Partition00001_Partition2.crl") is None


def test_a_renewed_certificate_with_the_same_key_shares_the_list(site: SetupReport) -> None:
    """One CRL per CA key, not per CA certificate."""
    renewed = Authority.objects.get()
    renewed.pk, renewed.index = None, 1
    renewed.save(force_insert=True)

    assert publication.ca_keys() == [renewed]
    assert current(timezone.now()) == 1


def test_an_ended_key_does_not_keep_a_partition_from_its_first_list(
    site: SetupReport, configure: Configure
) -> None:
    """An old key whose list can never be renewed must not end the search for what is due."""
    configure(CERTSRV_CRL_PARTITIONS="1")
    old = Authority.objects.get()
    current_row = Authority.objects.get()
    current_row.pk, current_row.index, current_row.key_index = None, 1, 1
    current_row.save(force_insert=True)
    Authority.objects.filter(pk=old.pk).update(der=_ended_certificate(), index=0)
    now = timezone.now() + timedelta(days=8)
    publication.publish(now=now, actor="maria")
    CertificateRevocationList.objects.filter(partition=1).delete()

    assert publication.current_crl(current_row, now=now, partition=1) is not None


def _ended_certificate() -> bytes:
    return root.self_signed(
        "Example Issuing CA",
        FileSigner(make.key("ec:p256", 97)),
        serial_number=3,
        now=timezone.now().replace(microsecond=0) - timedelta(days=20),
        backdate=timedelta(0),
        lifetime=timedelta(days=10),
        is_enterprise=True,
    )
