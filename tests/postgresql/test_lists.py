"""Revocation lists of two nodes: numbers never collide, and what is served is never wrong."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from tests.postgresql.conftest import node
from tests.postgresql.driver import Driver, at_once
from tests.postgresql.test_nodes import issuer, list_of, number_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live import LiveSite
    from tests.postgres import Cluster
    from tests.postgresql.conftest import Nodes

DELTA = "/certsrv/certcrl.crl?Type=delta&Renewal=-1&Enc=bin"


def load(row: dict[str, Any]) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(bytes.fromhex(row["der"]))


def watch(site: LiveSite, seen: list[tuple[int, int]], stop: threading.Event) -> None:
    """Fetch base and delta of a node again and again; keep their numbers."""
    while not stop.is_set():
        delta = x509.load_der_x509_crl(site.fetch(DELTA, name="alice"))
        seen.append((number_of(list_of(site)), number_of(delta)))


def test_numbers_never_collide_and_only_rise_when_everybody_publishes(nodes: Nodes) -> None:
    stop = threading.Event()
    seen: dict[str, list[tuple[int, int]]] = {"a": [], "b": []}
    watchers = [
        threading.Thread(target=watch, args=(site, seen[name], stop))
        for name, site in (("a", nodes.a), ("b", nodes.b))
    ]
    for watcher in watchers:
        watcher.start()

    published = [
        number
        for numbers in at_once(nodes.processes(each=2), "publish", count=9, threads=3)
        for number in numbers
    ]

    stop.set()
    for watcher in watchers:
        watcher.join()
    assert len(set(published)) == len(published) == 36
    rows = nodes.process("a").do("lists")
    begun = list(dict.fromkeys(row["number"] for row in rows))
    assert begun == sorted(begun)
    assert set(published) <= set(begun)
    for numbers in seen.values():
        assert len(numbers) > 3
        assert all(earlier <= later for earlier, later in itertools.pairwise(numbers))
        assert {base for base, _ in numbers} <= set(begun)


def test_every_list_verifies_and_tells_its_number_and_a_time_that_only_rises(nodes: Nodes) -> None:
    at_once(nodes.processes(each=2), "publish", count=6, threads=3)
    rows = nodes.process("a").do("lists")
    lists = [load(row) for row in rows]
    keys = {key: issuer(nodes.a, key).public_key() for key in {row["key"] for row in rows}}

    assert all(
        crl.is_signature_valid(keys[row["key"]])  # type: ignore[arg-type]  # a CA key verifies
        for crl, row in zip(lists, rows, strict=True)
    )
    assert [number_of(crl) for crl in lists] == [row["number"] for row in rows]
    assert len({(row["number"], row["delta"], row["key"]) for row in rows}) == len(rows)
    times = [crl.last_update_utc for crl in lists]
    assert times == sorted(times)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_base_and_delta_are_the_database_after_any_interleaving(nodes: Nodes, seed: int) -> None:
    """Two processes of each node revoke, hold, release and publish at random, on ten certificates.

    Whoever holds any base list that is still good, and fetches the newest delta, knows what the
    database knows (RFC 5280 section 5.2.4).
    """
    issued = nodes.process("a").do("issue", count=10)
    serials = [serial for _, serial in issued]
    walkers = nodes.processes(each=2)

    for number, walker in enumerate(walkers):
        walker.begin("wander", serial_numbers=serials, steps=12, seed=seed * 100 + number)
    legal = sum(walker.end() for walker in walkers)
    nodes.process("b").do("publish", count=1, threads=1)

    known = nodes.process("a").do("statuses", serial_numbers=serials)
    # After a renewal with a new key the old one has lists of its own.
    lists = nodes.process("b").do("lists")
    newest = max(row["key"] for row in lists)
    rows = [row for row in lists if row["key"] == newest]
    delta = max((row for row in rows if row["delta"]), key=lambda row: row["number"])
    bases = [row for row in rows if not row["delta"] and row["number"] >= delta["base"]]
    assert legal > 5
    assert bases
    for base in bases:
        assert combined(base, delta, serials) == known, (base["number"], delta["number"])


def test_a_change_that_is_being_committed_is_in_the_list_or_in_the_next_delta(
    cluster: Cluster, tmp_path: Path
) -> None:
    """A list of the other node must not speak of a moment that a change still in the air is before.

    Days later the delta is relative to that list; a change missed by both would never be told.
    """
    site = node(tmp_path / "a", cluster.make("in-the-air"))
    site.manage("setup")
    a, b = Driver(site), Driver(site)
    try:
        a.do("people")
        ((_, serial),) = a.do("issue", count=1)
        assert a.do("change_slowly", serial_number=serial, seconds=1) == "changed, not committed"
        between = b.do("publish_at", days=0, base=True)
        a.end()
        last = b.do("publish_at", days=2, base=False)
        rows = b.do("lists")
    finally:
        a.stop()
        b.stop()

    (base,) = (row for row in rows if row["number"] == between and not row["delta"])
    (delta,) = (row for row in rows if row["number"] == last and row["delta"])
    assert delta["base"] >= between
    assert combined(base, delta, [serial]) == {serial: 0}


def combined(base: dict[str, Any], delta: dict[str, Any], serials: list[str]) -> dict[str, Any]:
    """Return what somebody who holds these two lists believes."""
    believed = {serial: reason_on(load(base), serial) for serial in serials}
    for serial in serials:
        changed = reason_on(load(delta), serial)
        if changed is not None:
            believed[serial] = None if changed == x509.ReasonFlags.remove_from_crl else changed
    numbers = {x509.ReasonFlags.certificate_hold: 6, x509.ReasonFlags.unspecified: 0, None: None}
    return {serial: numbers[reason] for serial, reason in believed.items()}


def reason_on(crl: x509.CertificateRevocationList, serial: str) -> x509.ReasonFlags | None:
    entry = crl.get_revoked_certificate_by_serial_number(int(serial, 16))
    if entry is None:
        return None
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return x509.ReasonFlags.unspecified
