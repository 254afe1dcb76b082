"""ESC3: a request in the name of somebody else, by whoever has an enrollment agent's certificate.

Here on a site as set-up makes it, where nobody is an agent. What an agent may do once an
administrator made one is in `tests/agents`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from enrollment.ca import hresult
from enrollment.models import Certificate
from tests import make, messages
from tests.attacks.playing import AGENT, AT_ONCE, PURPOSES, names_in, purposes_of
from tests.other_ca import upn
from tests.services.strangers import certificate_of_a_strange_ca

if TYPE_CHECKING:
    from tests.attacks.playing import Attacker

PAIR = messages.MICROSOFT + "13.2.1"
FOR_BOB = messages.attribute(PAIR, messages.name_value_pair("RequesterName", "EXAMPLE\\bob"))


def signed_for_bob(certificate: x509.Certificate, number: int) -> bytes:
    """Return a request for Bob, signed with some certificate and the key of that number."""
    request = messages.pkcs10(make.key("rsa:2048", 7), messages.common_name("bob"))
    signer = messages.signer_info(
        make.key("rsa:2048", number), request, certificate=certificate, extra_signed=[FOR_BOB]
    )
    return messages.signed_data(request, [signer], [certificate])


def nobody_is_bob(alice: Attacker) -> bool:
    issued = [
        x509.load_der_x509_certificate(bytes(row.der))
        for row in Certificate.objects.filter(request__account__username="alice")
    ]
    return not any("bob" in f"{one.subject} {names_in(one)}".casefold() for one in issued)


@pytest.mark.parametrize("template", AT_ONCE)
def test_no_request_makes_its_sender_an_agent(alice: Attacker, template: str) -> None:
    asked = x509.ExtendedKeyUsage([ObjectIdentifier(AGENT)])

    answer = alice.ask(template, extensions=[asked], attributes=f"CertificateUsage:{AGENT}")

    assert purposes_of(answer.certificate) == PURPOSES[template]


@pytest.mark.parametrize(
    "template",
    ["EnrollmentAgent", "EnrollmentAgentOffline", "MachineEnrollmentAgent", "CEPEncryption"],
)
def test_no_template_that_makes_agents_is_offered(alice: Attacker, template: str) -> None:
    answer = alice.ask(template)

    assert answer.row.status_code == hresult.UNSUPPORTED_CERT_TYPE


@pytest.mark.parametrize("template", AT_ONCE)
@pytest.mark.parametrize("name", ["RequesterName", "requestername", "Requester-Name"])
def test_a_name_beside_the_request_is_nobody_s_name(
    alice: Attacker, template: str, name: str
) -> None:
    answer = alice.ask(template, attributes=f"{name}:EXAMPLE\\bob")

    assert answer.is_issued
    assert nobody_is_bob(alice)


def test_a_name_within_an_ordinary_request_is_nobody_s_name(alice: Attacker) -> None:
    """The requester's own key signs it: that proves who has the key, not who they are."""
    raw = messages.pkcs10(make.key(), messages.common_name("mine.example.com"), [FOR_BOB])

    alice.ask("User", raw=raw)

    assert nobody_is_bob(alice)


def test_who_is_no_agent_signs_for_nobody_else(alice: Attacker) -> None:
    """A certificate of this CA for the same account: only its purposes are others."""
    own = alice.ask("User", raw=make.request_pem("alice", number=8)).certificate

    answer = alice.ask("User", raw=signed_for_bob(own, 8))

    assert answer.row.status_code == hresult.SIGNATURE_REJECTED
    assert nobody_is_bob(alice)


def test_an_agent_of_another_ca_is_none_of_ours(alice: Attacker) -> None:
    strange = certificate_of_a_strange_ca("agent")

    answer = alice.ask("User", raw=signed_for_bob(strange, 0))

    assert answer.row.status_code == hresult.UNTRUSTED_ROOT


def test_everybody_asks_for_themselves(alice: Attacker) -> None:
    answer = alice.ask("User")

    assert upn("alice@localhost") in names_in(answer.certificate)
