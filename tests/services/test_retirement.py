"""An old key goes when nothing needs it: not before, with a last list, and told in the trail."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from django.utils import timezone

from enrollment import keys
from enrollment.ca.revocation import Act, Reason, RevocationRefused
from enrollment.models import AuditEvent, Authority, CrossCertificate, RetiredKey, SigningRecord
from enrollment.services import (
    crl_rows,
    cross,
    delivery,
    keyring,
    publication,
    retirement,
    revocation,
)
from tests.services.acts import read
from tests.services.generations import after, end_of_ca, issue, key_file, renew, root

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User

    from enrollment.services.setup import SetupReport


def retire(key_index: int, now: datetime, **options: bool) -> RetiredKey:
    return retirement.retire(key_index, actor="maria", now=now, **options)


def refusal(key_index: int, now: datetime, **options: bool) -> str:
    with pytest.raises(retirement.RetirementRefused) as caught:
        retire(key_index, now, **options)
    return str(caught.value)


def test_a_key_that_nothing_needs_is_retired_with_its_last_list(alice: User) -> None:
    leaf = issue(alice)
    renew()

    row = retire(0, after(leaf))

    newest = crl_rows.newest_list(0)
    assert newest is not None
    assert (newest.number, newest.next_update) == (row.last_list, end_of_ca(0))
    event = AuditEvent.objects.get(verb="ca key retired")
    assert (event.actor, event.subject, event.detail["key"]) == ("maria", "ca 0", 0)


def test_a_list_that_the_schedule_made_is_not_made_again(alice: User) -> None:
    """So the key may be away already."""
    leaf = issue(alice)
    renew()
    publication.publish_due(after(leaf) + timedelta(weeks=1))
    newest = crl_rows.newest_list(0)
    assert newest is not None
    key_file(0).unlink()

    row = retire(0, after(leaf) + timedelta(weeks=2))

    assert row.last_list == newest.number


def test_a_key_with_leaves_stays_and_the_sentence_says_until_when(alice: User) -> None:
    leaf = issue(alice)
    renew()

    sentence = refusal(0, timezone.now())

    assert "have not ended: 1." in sentence
    assert f"{leaf.not_after:%Y-%m-%d %H:%M} UTC" in sentence
    assert not RetiredKey.objects.exists()


def test_the_key_that_issues_stays(site: SetupReport) -> None:
    assert "Key 0 issues today. Renew the CA with a new key first" in refusal(0, timezone.now())


def test_an_unknown_key_is_named_with_those_there_are(site: SetupReport) -> None:
    renew()

    assert refusal(7, timezone.now()) == "There is no CA key 7. The keys are: 0, 1."


def test_a_key_is_retired_once(site: SetupReport) -> None:
    renew()
    now = timezone.now()
    retire(0, now)

    assert f"Key 0 was retired by maria on {now:%Y-%m-%d}." in refusal(0, now)


def test_a_key_that_has_still_to_sign_a_request_stays(alice: User) -> None:
    leaf = issue(alice)
    SigningRecord.objects.update(state=SigningRecord.State.COMMITTED)
    renew()

    assert "still to sign: 1. Run: python manage.py setup" in refusal(0, after(leaf))


def test_a_lost_key_is_retired_without_a_list_when_its_owner_says_so(site: SetupReport) -> None:
    renew()
    now = timezone.now()
    root(0).crls.all().delete()
    key_file(0).unlink()

    assert "--without-list" in refusal(0, now)
    assert retire(0, now, without_list=True).last_list is None


def test_a_retired_key_signs_nothing_more(alice: User) -> None:
    leaf = issue(alice)
    renew()
    now = after(leaf)
    retire(0, now)

    CrossCertificate.objects.all().delete()

    assert [row.key_index for row in publication.signing_keys(now)] == [1]
    assert cross.missing(now) == []


def test_its_list_stays_downloadable(alice: User) -> None:
    leaf = issue(alice)
    renew()
    now = after(leaf)
    retire(0, now)

    found = delivery.published_file("Example Issuing CA.crl", now=now + timedelta(days=700))

    assert found is not None
    assert x509.load_der_x509_crl(read(found)).next_update_utc == end_of_ca(0)


def test_a_status_that_no_list_can_say_any_more_does_not_change(site: SetupReport) -> None:
    renew()
    now = timezone.now()
    retire(0, now)
    (row,) = [row for row in cross.finished() if str(row) == "(0-1)"]
    assert row.certificate is not None
    manager = revocation.Revoker("maria", may_revoke=True)

    outcome = revocation.change_status(
        [row.certificate], revocation.Order(Act.REVOKE, Reason.SUPERSEDED), manager, now=now
    )

    ((_, refused),) = outcome.refused
    assert isinstance(refused, RevocationRefused)
    assert "is retired and signs no more lists" in str(refused)


def test_a_retired_key_asks_for_no_passphrase(
    site: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew()
    monkeypatch.setattr(keys.KeyRing, "needs_passphrase", lambda *_: True)
    before = keyring.locked_keys()
    retire(0, timezone.now())

    assert set(before) - set(keyring.locked_keys()) == {root(0).key_reference}


# --- destroying ---


def test_a_retired_key_is_destroyed_when_its_owner_asks(site: SetupReport) -> None:
    renew()
    now = timezone.now()
    retire(0, now)
    assert key_file(0).exists()

    row = retirement.destroy(0, actor="maria", now=now)

    assert not key_file(0).exists()
    assert row.destroyed_at == now
    assert AuditEvent.objects.get(verb="ca key destroyed").actor == "maria"
    assert key_file(1).exists()


def test_what_is_overwritten_was_the_key(
    site: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew()
    now = timezone.now()
    retire(0, now)
    secret = key_file(0).read_bytes()
    twin = key_file(0).with_suffix(".twin")
    twin.hardlink_to(key_file(0))

    retirement.destroy(0, actor="maria", now=now)

    assert len(twin.read_bytes()) == len(secret)
    assert b"PRIVATE KEY" not in twin.read_bytes()
    twin.unlink()


def test_only_a_retired_key_is_destroyed_and_once(site: SetupReport) -> None:
    renew()
    now = timezone.now()
    with pytest.raises(retirement.RetirementRefused, match="not retired"):
        retirement.destroy(0, actor="maria", now=now)
    retire(0, now)
    retirement.destroy(0, actor="maria", now=now)

    with pytest.raises(retirement.RetirementRefused, match="was destroyed on"):
        retirement.destroy(0, actor="maria", now=now)


def test_a_key_on_a_token_is_left_to_the_tokens_own_tool(site: SetupReport) -> None:
    renew()
    now = timezone.now()
    retire(0, now)
    Authority.objects.filter(index=0).update(key_reference="pkcs11:token=hsm;object=ca-0")

    with pytest.raises(retirement.RetirementRefused, match="with the token's own tool"):
        retirement.destroy(0, actor="maria", now=now)
    assert RetiredKey.objects.get().destroyed_at is None


def test_a_file_that_another_key_lies_in_is_never_deleted(site: SetupReport) -> None:
    renew()
    now = timezone.now()
    retire(0, now)
    Authority.objects.filter(index=0).update(key_reference=root(1).key_reference)

    with pytest.raises(retirement.RetirementRefused, match="same file as another key"):
        retirement.destroy(0, actor="maria", now=now)
    assert key_file(1).exists()
