"""Addresses that certificates will carry for years: wrong tokens, and what will be regretted."""

from __future__ import annotations

import pytest

from enrollment.ca import address_rules, addresses
from enrollment.ca.address_rules import AddressKind

GOOD = "http://ca.example.com/CertEnroll/%3%8<CRLPartitionIndex>%9.crl"


@pytest.mark.parametrize(
    ("template", "told"),
    [
        pytest.param("http://ca/%0.crl", "%0 is no token", id="below the first"),
        pytest.param("http://ca/%15.crl", "%15 is no token", id="above the last"),
        pytest.param("http://ca/My%20CA.crl", "%20 is no token", id="percent-encoding"),
        pytest.param("http://ca/100%.crl", "%. is no token", id="a bare percent sign"),
        pytest.param("http://ca/%", "% is no token", id="at the end"),
        pytest.param(
            "http://ca/%3<Partition>.crl", "<Partition> is no token", id="an unknown name"
        ),
        pytest.param("http://ca/%3<CRLPart", "<CRLPart is no token", id="a name without an end"),
        pytest.param("http://ca/<CaName>.crl", "<CaName> is written %3 here", id="Windows' name"),
    ],
)
def test_a_token_that_does_not_exist_is_told(template: str, told: str) -> None:
    sentence = address_rules.wrong_token(template)

    assert sentence is not None
    assert sentence.startswith(told)


def test_every_token_that_is_expanded_is_allowed() -> None:
    place = addresses.Place("ca.example.com", "CA")
    everything = "http://ca/" + "-".join(place.tokens())

    assert address_rules.wrong_token(everything) is None
    assert "%1" not in addresses.expand(everything, place).replace("%20", "")


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000/a",
        "http://LOCALHOST/a",
        "http://ca.localhost/a",
        "http://127.1.2.3/a",
        "http://[::1]:80/a",
        "http://0.0.0.0/a",
    ],
)
def test_an_address_that_means_another_machine_for_everybody_is_known(url: str) -> None:
    assert address_rules.is_local(address_rules.host_of(url))


@pytest.mark.parametrize(
    "url",
    ["http://localhost.example.com/a", "http://10.0.0.5/a", "ldap:///CN=CA", "http://[broken/a"],
)
def test_an_address_that_leads_to_one_machine_is_not_mistaken_for_such(url: str) -> None:
    assert not address_rules.is_local(address_rules.host_of(url))


@pytest.mark.parametrize(
    ("kind", "template", "told"),
    [
        pytest.param(AddressKind.CRL, GOOD, (), id="nothing to regret"),
        pytest.param(AddressKind.OCSP, "http://ca.example.com/ocsp", (), id="OCSP has no file"),
        pytest.param(AddressKind.CRL, "ldap:///CN=%7%8,%6%10", (), id="a directory has classes"),
        pytest.param(AddressKind.CRL, GOOD.replace("http:", "https:"), ("section 8",), id="TLS"),
        pytest.param(
            AddressKind.CRL,
            "http://ca.example.com/ca.crl",
            ("Without %8", "Without %9"),
            id="one name for every list",
        ),
        pytest.param(
            AddressKind.CERTIFICATE,
            "http://ca.example.com/%3.crt",
            ("Without %4",),
            id="one name for every certificate",
        ),
        pytest.param(
            AddressKind.OCSP, "http://localhost/ocsp", ("CERTSRV_HOSTNAME",), id="this machine"
        ),
    ],
)
def test_what_will_be_regretted_is_said(
    kind: AddressKind, template: str, told: tuple[str, ...]
) -> None:
    found = address_rules.remarks(kind, template, template, has_deltas=True)

    assert len(found) == len(told)
    assert all(word in sentence for word, sentence in zip(told, found, strict=True))


def test_without_delta_lists_none_can_collide() -> None:
    template = "http://ca.example.com/%3%8.crl"

    assert address_rules.remarks(AddressKind.CRL, template, template, has_deltas=False) == ()
