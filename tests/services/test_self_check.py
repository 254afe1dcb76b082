"""The CA looks at itself from outside.

What the site would serve comes from its own services here; a site that is really served, and asked
over sockets, is in tests/server/test_self_check_live.py.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID
from django.utils import timezone

from enrollment import conf
from enrollment.ca.check import Severity
from enrollment.ca.relying_ocsp import Status
from enrollment.ca.revocation import Status as Revocation
from enrollment.services import (
    ca_life,
    delivery,
    ocsp,
    own_addresses,
    publication,
    self_check,
)
from enrollment.services.fetch import Fault, Fetch, NotFetched
from tests import make
from tests.loopback import serving
from tests.services.acts import read, submit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from enrollment.ca.policy import Requester
    from enrollment.services.setup import SetupReport
    from tests.loopback import Handler
    from tests.services.acts import Configure

    Spoil = Callable[[str, bytes], bytes]


class Web:
    """What everybody can fetch: by default what this site serves. Remembers who was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now = timezone.now()
        self.spoil: dict[str, Callable[[bytes], bytes]] = {}

    def __call__(self, wanted: Fetch) -> bytes:
        """Answer a fetch."""
        self.asked.append(wanted.url)
        body = self._body(wanted)
        for part, spoil in self.spoil.items():
            if part in wanted.url:
                body = spoil(body)
        return body

    def _body(self, wanted: Fetch) -> bytes:
        path = urlsplit(wanted.url).path
        if path.startswith("/ocsp"):
            asked = wanted.post or base64.b64decode(unquote(path.removeprefix("/ocsp/")))
            return ocsp.respond(asked, now=self.now).der
        found = delivery.published_file(unquote(path.rpartition("/")[2]), now=self.now)
        if found is None:
            raise NotFetched(Fault.STATUS, "status 404 instead of 200")
        return read(found)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """The network, as far as the CA looks at it."""
    fake = Web()
    monkeypatch.setattr(self_check, "fetch", fake)
    ocsp._kept.clear()  # noqa: SLF001 - answers of the site of another test
    yield fake
    ocsp._kept.clear()  # noqa: SLF001 - as above


def look(now: datetime | None = None) -> dict[str, tuple[Severity, str]]:
    """Return what was found, by the last part of the address."""
    return {
        check.about.rpartition("/")[2]: (check.severity, check.finding)
        for check in self_check.look(now or timezone.now())
    }


def troubles(now: datetime | None = None) -> dict[str, str]:
    """Return what is not in order."""
    return {
        about: finding
        for about, (severity, finding) in look(now).items()
        if severity is not Severity.OK
    }


def test_a_site_that_serves_what_it_should_is_in_order(site: SetupReport, web: Web) -> None:
    found = look()

    assert set(found) == {
        "Example%20Issuing%20CA.crl",
        "Example%20Issuing%20CA+.crl",
        "localhost_Example%20Issuing%20CA.crt",
        "ocsp",
    }
    assert troubles() == {}


def test_every_key_and_every_certificate_that_still_matters_is_looked_at(
    requester: Requester, web: Web
) -> None:
    submit(requester)
    ca_life.renew(new_key=False, actor="ada", now=timezone.now())
    ca_life.renew(new_key=True, actor="ada", now=timezone.now())

    found = look()

    assert troubles() == {}
    assert {"Example%20Issuing%20CA.crl", "Example%20Issuing%20CA(2).crl"} <= set(found)
    assert len([name for name in found if name.endswith(".crt")]) == 3
    assert {"ocsp", "ocsp, key 2"} <= set(found)


def test_the_last_list_of_a_key_that_rests_has_to_stay_there(site: SetupReport, web: Web) -> None:
    """Nothing hangs on key 0: its last list is good until its certificate ends."""
    ca_life.renew(new_key=True, actor="ada", now=timezone.now())
    assert troubles() == {}

    web.spoil = {"CA.crl": lambda _: b"<html>", "CA+.crl": lambda _: b"<html>"}

    assert set(troubles()) == {"Example%20Issuing%20CA.crl"}
    assert "ocsp, key 1" in look()


def test_of_many_partitions_the_first_the_last_and_one_more_are_fetched(
    site: SetupReport, configure: Configure, web: Web
) -> None:
    configure(CERTSRV_CRL_PARTITIONS="40")
    publication.publish(now=timezone.now(), actor="ada")

    found = look()

    lists = {name for name in found if name.endswith(".crl") and "+" not in name}
    assert troubles() == {}
    assert {f"Example%20Issuing%20CA_Partition000{n}.crl" for n in ("01", "40")} < lists
    assert len(lists) == 4


def test_somebody_elses_octets_are_told(site: SetupReport, web: Web) -> None:
    web.spoil = {"CA.crl": lambda _: b"<html>Parked domain", ".crt": lambda _: make.request_der()}

    found = troubles()

    assert "a web page" in found["Example%20Issuing%20CA.crl"]
    assert "no certificate in DER" in found["localhost_Example%20Issuing%20CA.crt"]


def test_a_list_that_is_served_stale_is_told(site: SetupReport, web: Web) -> None:
    octets = publication.current_crl(site.authority, now=timezone.now())
    assert octets is not None
    publication.publish(now=timezone.now(), actor="ada")
    web.spoil = {"CA.crl": lambda _: octets}

    [finding] = troubles(timezone.now() + timedelta(hours=2)).values()

    assert "It serves the old list 1; 2 was published" in finding


def test_a_responder_that_calls_everything_good_is_told(
    site: SetupReport, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocsp, "_facts", lambda *_: (0, None, None))
    monkeypatch.setattr(ocsp, "_status", lambda *_: Revocation())

    assert "never issued, good" in troubles()["ocsp"]


def test_a_revocation_that_ocsp_does_not_tell_is_told(
    site: SetupReport, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_check, "_status_of", lambda _: Status.REVOKED)

    assert "good, and by our records it is revoked" in troubles()["ocsp"]


def test_an_address_that_cannot_be_fetched_is_told_with_what_to_do(
    site: SetupReport, configure: Configure
) -> None:
    configure(CERTSRV_HTTP="127.0.0.1:9", CERTSRV_HTTPS="")

    found = troubles()

    assert all("manage.py serve" in sentence for sentence in found.values())
    assert len(found) == 4


def test_a_name_that_this_machine_does_not_know_is_told(
    site: SetupReport, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unresolved(_: Fetch) -> bytes:
        raise NotFetched(Fault.UNRESOLVED, "its host has no address here")

    configure(CERTSRV_HOSTNAME="ca.example.com")
    monkeypatch.setattr(self_check, "fetch", unresolved)

    found = troubles()

    assert all("ca.example.com has no address on this machine" in one for one in found.values())
    assert "CERTSRV_OCSP_URLS" in found["ocsp"]


def test_addresses_of_directories_and_files_are_named_as_not_checked(
    site: SetupReport, configure: Configure, web: Web
) -> None:
    configure(CERTSRV_CRL_URLS="ldap:///CN=%7%8,CN=CDP,%6%10 file://%1/CertEnroll/%3%8%9.crl")

    found = {finding for _, finding in look().values() if "Not checked" in finding}

    assert len(found) == 2
    assert not any(url.startswith(("ldap", "file")) for url in web.asked)


def test_what_hangs_does_not_hold_up_what_comes_after_it_for_long(
    site: SetupReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_check, "MOST_SECONDS", 0.0)

    assert all("more than 0 seconds" in finding for finding in troubles().values())


def test_no_address_of_a_request_is_ever_fetched(
    requester: Requester, site: SetupReport, web: Web
) -> None:
    """DESIGN section 4: no network call is decided by a request."""
    trap = x509.UniformResourceIdentifier("http://trap.example.net/evil")
    point = x509.DistributionPoint([trap], None, None, None)
    access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, trap)
    row = submit(
        requester,
        dns=("www.example.com",),
        extensions=(
            (x509.CRLDistributionPoints([point]), False),
            (x509.AuthorityInformationAccess([access]), False),
        ),
    )
    assert row.certificate is not None

    look()

    settings = conf.current()
    assert web.asked
    assert all(url.startswith(settings.public_url) for url in web.asked)


@pytest.mark.parametrize("how", ["hangs", "huge"])
def test_an_address_that_hangs_or_never_ends_costs_a_bounded_time(
    how: str, site: SetupReport, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    def answer(handler: Handler) -> None:
        if how == "hangs":
            time.sleep(2)
            return
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(bytes(1_000_000))

    monkeypatch.setattr(self_check, "SECONDS", 0.5)
    begin = time.monotonic()
    with serving(answer) as url:
        configure(CERTSRV_CRL_URLS=f"{url}/%3%8%9.crl", CERTSRV_DELTA_PERIOD_HOURS="0")
        [address] = own_addresses.lists_of(site.authority, [0])
        verdict = self_check._judge(address, timezone.now(), self_check._Visit())  # noqa: SLF001 - this one address

    assert verdict.severity is Severity.CRITICAL
    assert "cannot be fetched" in verdict.finding
    assert time.monotonic() - begin < 3
