"""What the pages of a CA below another one say and give out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from enrollment.protocols.web import context
from tests import make, tools
from tests.services import above
from tests.services.conftest import configure
from tests.web.conftest import MISSING, Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services.acts import Configure

__all__ = ["configure"]


@pytest.fixture
def below(program: Visitor, configure: Configure) -> Iterator[Visitor]:
    """Alice's program at a CA below a policy CA below a root, which had signed itself before."""
    configure(CERTSRV_CA_ROLE="subordinate")
    root = above.root()
    policy = above.policy_ca(root)
    above.install(above.sign(policy, above.ask()), root, policy)
    context._site.cache_clear()  # noqa: SLF001 - the header is kept for a minute
    yield program
    context._site.cache_clear()  # noqa: SLF001 - as above


CHAIN = ["CN=Example Issuing CA", "CN=Example Policy CA", "CN=Example Root"]


def subjects(message: bytes) -> list[str]:
    """Return whose certificates a chain holds, as OpenSSL reads them."""
    printed = tools.run("openssl", "pkcs7", "-inform", "DER", "-print_certs", stdin=message)
    found = x509.load_pem_x509_certificates(printed.stdout)
    return [each.subject.rfc4514_string() for each in found]


def test_the_chain_of_the_ca_goes_up_to_the_root(below: Visitor) -> None:
    assert subjects(below.get("certnew.p7b?ReqID=CACert&Enc=bin").content) == CHAIN


def test_the_chain_of_a_leaf_goes_up_to_the_root(below: Visitor) -> None:
    page = below.submit(make.request_pem("www.example.com", dns=("www.example.com",))).content
    found = re.search(rb"certnew.p7b\?ReqID=(\d+)&", page)
    assert found is not None

    message = below.get(f"certnew.p7b?ReqID={int(found[1])}&Enc=bin").content

    assert subjects(message) == ["CN=www.example.com", *CHAIN]


def test_a_renewal_of_before_keeps_its_own_chain(below: Visitor) -> None:
    assert subjects(below.get("certnew.p7b?ReqID=CACert&Renewal=0&Enc=bin").content) == CHAIN[:1]


def test_the_certificate_of_the_ca_is_its_own_and_that_of_the_root_the_roots(
    below: Visitor,
) -> None:
    for name, subject in (("CACert", CHAIN[0]), ("CARoot", CHAIN[2]), ("caroot", CHAIN[2])):
        pem = below.get(f"certnew.cer?ReqID={name}&Enc=b64").content
        assert x509.load_pem_x509_certificate(pem).subject.rfc4514_string() == subject
    der = below.get("certnew.cer?ReqID=CARoot&Enc=bin").content
    assert x509.load_der_x509_certificate(der).subject.rfc4514_string() == CHAIN[2]


def test_people_are_told_to_trust_the_root_and_get_it(below: Visitor) -> None:
    page = below.get("certcarc.asp").content.decode()

    assert "certnew.cer?ReqID=CARoot&amp;Renewal=1&amp;Enc=bin" in page
    assert "CN=Example Root" in page
    assert "certutil -addstore Root root.cer" in page
    assert "certutil -addstore Root certnew.cer" not in page
    assert MISSING not in page


def test_clients_read_the_renewals_of_that_page_as_of_any_other(below: Visitor) -> None:
    page = below.get("certcarc.asp").content.decode()

    assert re.findall(r"nRenewals=[0-9]+", page) == ["nRenewals=1"]
    options = [line for line in page.split("\n") if "Option" in line]
    assert len(options) == 2


def test_of_a_ca_that_signed_itself_the_page_offers_no_other_root(program: Visitor) -> None:
    page = program.get("certcarc.asp").content.decode()

    assert "CARoot" not in page
    assert "certutil -addstore Root certnew.cer" in page
    own = program.get("certnew.cer?ReqID=CACert").content
    assert program.get("certnew.cer?ReqID=CARoot").content == own


def test_a_choice_of_an_older_certificate_shows_that_one(below: Visitor) -> None:
    """The newest is below the root; the one before it signed itself."""
    page = below.get("certcarc.asp?lbCaInstance=1").content.decode()

    assert "certnew.cer?ReqID=CARoot" not in page
