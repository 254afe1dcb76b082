"""Two nodes on one database: what one does, the other knows at once."""

from __future__ import annotations

import http.cookiejar
import re
import threading
import time
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from tests import make
from tests.live import PASSWORD, LiveSite
from tests.postgresql.driver import at_once
from tests.signin.second_factors import code, key_on

if TYPE_CHECKING:
    from tests.postgresql.conftest import Nodes

PUBLISHED = "/CertEnroll/Example%20Issuing%20CA.crl"
LIST = "/certsrv/certcrl.crl?Type=base&Renewal=-1&Enc=bin"


def submit(site: LiveSite, template: str = "WebServer", name: str = "alice") -> str:
    """Submit a request as a program does; return the page."""
    fields = {
        "Mode": "newreq",
        "CertRequest": make.request_pem("www.example.com", kind="ec:p256").decode(),
        "CertAttrib": f"CertificateTemplate:{template}",
        "TargetStoreFlags": "0",
        "SaveCert": "yes",
    }
    body = urllib.parse.urlencode(fields).encode()
    return site.fetch("/certsrv/certfnsh.asp", name=name, data=body).decode()


def issued_on(site: LiveSite) -> int:
    """Have a certificate issued; return the id of its request."""
    page = submit(site)
    found = re.search(r"certnew\.cer\?ReqID=(\d+)&", page)
    assert found, page
    return int(found[1])


def fetched_from(site: LiveSite, request_id: int, name: str = "alice") -> x509.Certificate:
    pem = site.fetch(f"/certsrv/certnew.cer?ReqID={request_id}&Enc=b64", name=name)
    return x509.load_pem_x509_certificate(pem)


def issuer(site: LiveSite, renewal: int = -1) -> x509.Certificate:
    path = f"/certsrv/certnew.cer?ReqID=CACert&Renewal={renewal}&Enc=b64"
    return x509.load_pem_x509_certificate(site.fetch(path, name="alice"))


def asked(site: LiveSite, leaf: x509.Certificate, renewal: int = -1) -> bytes:
    """Ask a node's OCSP door for the status of a certificate; return the answer in DER."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        leaf, issuer(site, renewal), hashes.SHA256()
    )
    return site.fetch("/ocsp", data=builder.build().public_bytes(Encoding.DER))


def status(answer: bytes) -> ocsp.OCSPCertStatus:
    return ocsp.load_der_ocsp_response(answer).certificate_status


def list_of(site: LiveSite) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(site.fetch(LIST, name="alice"))


def number_of(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def serial_number(leaf: x509.Certificate) -> str:
    return f"{leaf.serial_number:x}"


def test_what_one_node_issues_the_other_hands_out(nodes: Nodes) -> None:
    request_id = issued_on(nodes.a)

    assert fetched_from(nodes.b, request_id) == fetched_from(nodes.a, request_id)


def test_ids_are_given_out_once(nodes: Nodes) -> None:
    ids = [issued_on(site) for _ in range(3) for site in (nodes.a, nodes.b)]

    assert sorted(set(ids)) == ids


def test_what_waits_on_one_node_is_decided_on_the_other(nodes: Nodes) -> None:
    found = re.search(r"Your Request Id is (\d+)\.", submit(nodes.a, "CodeSigning"))
    assert found
    desk = f"{nodes.b.url}/admin/enrollment/enrollmentrequest/{found[1]}"
    manager = browser_of(nodes.b, "manager")
    page = manager.open(f"{desk}/change/").read().decode()

    manager.open(
        f"{desk}/decide/",
        urllib.parse.urlencode(
            {
                "act": "issue",
                "digest": field(page, "digest"),
                "csrfmiddlewaretoken": field(page, "csrfmiddlewaretoken"),
            }
        ).encode(),
    )

    assert fetched_from(nodes.a, int(found[1])) == fetched_from(nodes.b, int(found[1]))


def browser_of(site: LiveSite, name: str) -> urllib.request.OpenerDirector:
    """Return a browser in which somebody signed in with the form, and set up a second factor."""
    browser = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    )
    browser.addheaders = [("Sec-Fetch-Mode", "navigate")]
    address = f"{site.url}/accounts/login/"
    page = browser.open(address).read().decode()
    fields = {
        "username": name,
        "password": PASSWORD,
        "csrfmiddlewaretoken": field(page, "csrfmiddlewaretoken"),
    }
    browser.open(address, urllib.parse.urlencode(fields).encode())
    address = f"{site.url}/accounts/factors/app/"
    page = browser.open(address).read().decode()
    fields = {
        "label": "Phone",
        "code": code(key_on(page)),
        "csrfmiddlewaretoken": field(page, "csrfmiddlewaretoken"),
    }
    page = browser.open(address, urllib.parse.urlencode(fields).encode()).read().decode()
    assert "Your second factor is set up" in page
    return browser


def field(page: str, name: str) -> str:
    """Return what a form on a page sends along unseen."""
    found = re.search(f'name="{name}" value="(\\w+)"', page)
    assert found, page
    return found[1]


def test_who_signed_in_on_one_node_is_known_on_the_other(nodes: Nodes) -> None:
    """Nothing has to keep a browser with one node: sessions are in the database."""
    browser = browser_of(nodes.a, "alice")

    page = browser.open(f"{nodes.b.url}/certsrv/").read().decode()

    assert ">alice</a></span>" in page


@pytest.mark.parametrize("kind", ["of the app", "for recovery"])
def test_a_code_counts_once_when_both_nodes_are_shown_it(nodes: Nodes, kind: str) -> None:
    a, b = nodes.processes()
    codes = a.do("codes", name="bob")
    sent = codes[0] if kind == "for recovery" else code()

    believed = at_once([a, b], "show", name="bob", code=sent)

    assert sorted(believed) == [False, True]


@pytest.mark.parametrize("verb", ["issue", "deny"])
def test_a_request_is_decided_once_when_both_nodes_decide(nodes: Nodes, verb: str) -> None:
    """Each reviewer was shown a content of their own; one of the two is signed, or neither."""
    a, b = nodes.processes()
    waiting = a.do("ask", count=15)
    one, other = (
        each.do("look", ids=waiting, reviewer=name) for each, name in ((a, "x"), (b, "y"))
    )

    a.begin("decide", digests=one, reviewer="x", verb="issue")
    b.begin("decide", digests=other, reviewer="y", verb=verb)
    first, second = a.end(), b.end()

    for pk, (state, signed) in a.do("standing", ids=waiting).items():
        verdicts = {first[pk], second[pk]}
        refusals = verdicts - {"issue", "deny"}
        assert len(refusals) == 1, (pk, verdicts)
        assert refusals <= {"NotPending", "ContentChanged"}
        assert (state, signed) == (("ISSUED", 1) if "issue" in verdicts else ("DENIED", 0))
    assert a.do("rows")["unsigned"] == 0


@pytest.mark.parametrize("act", ["revoke", "hold"])
def test_a_revocation_on_one_node_is_told_by_the_other_at_once(nodes: Nodes, act: str) -> None:
    leaf = fetched_from(nodes.a, issued_on(nodes.a))
    kept = asked(nodes.b, leaf)
    before = number_of(list_of(nodes.b))
    assert status(kept) is ocsp.OCSPCertStatus.GOOD
    assert asked(nodes.b, leaf) == kept, "the answer should come from the memory of the node"

    nodes.process("a").do("change", serial_number=serial_number(leaf), verb=act)

    assert status(asked(nodes.b, leaf)) is ocsp.OCSPCertStatus.REVOKED
    crl = list_of(nodes.b)
    assert crl.get_revoked_certificate_by_serial_number(leaf.serial_number) is not None
    assert number_of(crl) > before


def test_the_published_file_of_one_node_follows_a_revocation_on_the_other(nodes: Nodes) -> None:
    """Each node serves from a folder of its own; the database says which list belongs there."""
    leaf = fetched_from(nodes.a, issued_on(nodes.a))
    before = x509.load_der_x509_crl(nodes.b.fetch(PUBLISHED))

    nodes.process("a").do("change", serial_number=serial_number(leaf), verb="revoke")

    crl = x509.load_der_x509_crl(nodes.b.fetch(PUBLISHED))
    assert crl.get_revoked_certificate_by_serial_number(leaf.serial_number) is not None
    assert number_of(crl) > number_of(before)
    assert nodes.b.fetch(PUBLISHED) == nodes.a.fetch(PUBLISHED)


def test_a_release_on_one_node_is_told_by_the_other_at_once(nodes: Nodes) -> None:
    leaf = fetched_from(nodes.a, issued_on(nodes.a))
    nodes.process("a").do("change", serial_number=serial_number(leaf), verb="hold")
    assert status(asked(nodes.b, leaf)) is ocsp.OCSPCertStatus.REVOKED

    nodes.process("a").do("change", serial_number=serial_number(leaf), verb="release")

    assert status(asked(nodes.b, leaf)) is ocsp.OCSPCertStatus.GOOD
    assert list_of(nodes.b).get_revoked_certificate_by_serial_number(leaf.serial_number) is None


def test_a_responder_is_made_once_for_both_nodes(nodes: Nodes) -> None:
    leaf = fetched_from(nodes.a, issued_on(nodes.a))
    together = [
        threading.Thread(target=asked, args=(site, leaf))
        for site in (nodes.a, nodes.b)
        for _ in range(3)
    ]

    for thread in together:
        thread.start()
    for thread in together:
        thread.join()

    one_for_each_key = len({key for _, key in nodes.process("a").do("rows")["authorities"]})
    assert nodes.process("a").do("rows")["responders"] == one_for_each_key


def test_a_start_beside_a_node_that_issues_disturbs_nobody(nodes: Nodes) -> None:
    """`recover` sees contents that were committed a moment ago and are being signed."""
    a, b = nodes.processes()

    b.begin("recover", seconds=3)
    issued = a.do("issue", count=60, threads=4)
    b.end()

    assert len({serial for _, serial in issued}) == 60
    stood = a.do("standing", ids=[pk for pk, _ in issued])
    assert set(map(tuple, stood.values())) == {("ISSUED", 1)}
    found = a.do("rows")
    assert found["unsigned"] == 0
    assert found["audit is whole"]


def test_a_name_that_two_ask_for_at_once_is_given_to_one(nodes: Nodes) -> None:
    names = [f"wanted{number}.example.com" for number in range(10)]
    both = {"alice": nodes.process("a"), "bob": nodes.process("b")}
    for process in both.values():
        process.do("rows")
    moment = time.time() + 0.2

    for requester, process in both.items():
        process.begin("contend", at=moment, names=names, requester=requester, template="WebServer")
    verdicts = [process.end() for process in both.values()]

    for pair in zip(*verdicts, strict=True):
        assert sorted(pair) == ["ISSUED", "UNDER_SUBMISSION"]


def test_a_limit_holds_for_both_nodes_together(nodes: Nodes) -> None:
    a = nodes.process("a")
    names = [f"limited{number}.example.com" for number in range(6)]
    a.do("limit", template="WebServer", in_all=7)
    for process in nodes.processes(each=2):
        process.do("rows")
    try:
        order = {"names": names, "requester": "alice", "template": "WebServer"}
        verdicts = at_once(nodes.processes(each=2), "contend", **order)
    finally:
        a.do("limit", template="WebServer", in_all=0)

    given = [verdict for process in verdicts for verdict in process]
    assert given.count("ISSUED") == 7
    assert given.count("DENIED") == len(given) - 7


def test_events_of_both_nodes_are_one_chain(nodes: Nodes) -> None:
    before = nodes.process("a").do("rows")["certificates"]

    at_once(nodes.processes(each=2), "issue", count=10, threads=2)

    found = nodes.process("a").do("rows")
    assert found["certificates"] == before + 40
    assert found["audit is whole"]


def test_a_renewal_on_one_node_reaches_the_other_without_a_restart(nodes: Nodes) -> None:
    before = fetched_from(nodes.b, issued_on(nodes.b))
    assert status(asked(nodes.b, before)) is ocsp.OCSPCertStatus.GOOD
    number = number_of(list_of(nodes.b))

    nodes.a.manage("ca", "renew", "--new-key")

    authorities = nodes.process("a").do("rows")["authorities"]
    old, new = authorities[-2][0], authorities[-1][0]
    assert f"nRenewals={new}" in nodes.b.fetch("/certsrv/certcarc.asp", name="alice").decode()
    after = fetched_from(nodes.b, issued_on(nodes.b))
    after.verify_directly_issued_by(issuer(nodes.b))
    assert issuer(nodes.b).public_key() != issuer(nodes.b, old).public_key()
    assert status(asked(nodes.b, after)) is ocsp.OCSPCertStatus.GOOD
    assert status(asked(nodes.b, before, old)) is ocsp.OCSPCertStatus.GOOD
    assert number_of(list_of(nodes.b)) > number
    assert list_of(nodes.b).is_signature_valid(issuer(nodes.b).public_key())  # type: ignore[arg-type]  # a CA key verifies
