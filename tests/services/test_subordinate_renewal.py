"""A CA below another one is renewed, and is told in time when it has to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from enrollment.services import (
    authority,
    awaited,
    ca_checks,
    delivery,
    installation,
    publication,
    rollover,
)
from tests.ca import parents
from tests.services import above

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.ca.check import Check
    from enrollment.models import Authority
    from enrollment.services.setup import SetupReport
    from tests.services.acts import Configure


def test_a_renewal_with_the_same_key_counts_the_certificate_and_keeps_the_list(
    below: Authority,
) -> None:
    asked = above.ask()

    row = above.install(above.sign(above.root(), asked)).row

    assert (row.index, row.key_index) == (1, 0)
    assert row.key_reference == below.key_reference
    assert [each.index for each in publication.ca_keys()] == [1]
    assert delivery.ca_certificate(0) == bytes(below.der)


def test_a_renewal_with_a_new_key_keeps_the_list_of_the_old_one_alive(below: Authority) -> None:
    asked = above.ask(new_key=True)

    row = above.install(above.sign(above.root(), asked), above.root()).row

    assert (row.index, row.key_index) == (1, 1)
    for name in ("Example Issuing CA.crl", "Example Issuing CA(1).crl"):
        assert delivery.published_file(name, now=timezone.now()) is not None
    _, old = rollover.generations(timezone.now())
    assert old.newest == below


def test_the_key_index_is_the_certificate_index_at_which_the_key_appeared(
    below: Authority,
) -> None:
    """ms-facts a.2: new-key, same, same, new-key give V1.1, V2.1, V3.1, V4.4."""
    rows = [
        above.install(above.sign(above.root(), above.ask(new_key=new))).row
        for new in (True, False, False, True)
    ]

    assert [(row.index, row.key_index) for row in rows] == [(1, 1), (2, 1), (3, 1), (4, 4)]


def test_the_stored_chain_stands_in_for_one_that_was_not_sent(below: Authority) -> None:
    asked = above.ask()

    assert above.install(above.sign(above.root(), asked)).row.chain == below.chain


def test_a_renewed_name_is_refused_for_a_key_that_has_signed(below: Authority) -> None:
    other = above.sign(above.root(), above.ask(), subject=parents.name("Another Name"))

    with pytest.raises(installation.NotInstalled, match="another name"):
        above.install(other)


def test_a_renewal_installed_ends_the_waiting_of_the_others(below: Authority) -> None:
    same = above.ask()
    new = above.ask(new_key=True)
    above.install(above.sign(above.root(), new))

    assert not awaited.open_requests().exists()
    with pytest.raises(installation.NotInstalled, match="No request of this CA waits"):
        above.install(above.sign(above.root(), same))


def test_a_self_signed_ca_can_be_put_below_another_with_the_key_it_has(
    site: SetupReport, configure: Configure
) -> None:
    configure(CERTSRV_CA_ROLE="subordinate")
    asked = above.ask()

    row = above.install(above.sign(above.root(), asked), above.root()).row

    assert not asked.has_new_key
    assert (row.index, row.key_index, row.key_reference) == (1, 0, site.authority.key_reference)
    assert not authority.is_root(row)


# --- is it in order? ---


def above_ours(now: datetime) -> dict[str, Check]:
    """Return what is found about the certificates above, by their subjects."""
    return {check.about: check for check in ca_checks.above(now)}


def test_a_certificate_above_that_ends_soon_is_told(below: Authority) -> None:
    now = timezone.now()
    root = above.root()
    policy = above.policy_ca(root, begin=now - 9 * parents.YEAR, end=now + 60 * above.DAY)
    assert above_ours(now)["CN=Example Root"].passed

    above.install(above.sign(policy, above.ask()), policy, root)

    found = above_ours(now)
    assert not found["CN=Example Policy CA"].passed
    assert found["CN=Example Root"].passed


def test_a_ca_that_signed_itself_has_nothing_above(site: SetupReport) -> None:
    assert above_ours(timezone.now()) == {}
