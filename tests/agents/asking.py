"""Requests on behalf of others as enrollment agents sign them, and agents to sign them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cryptography import x509
from django.contrib.auth.models import Group, User
from django.utils import timezone

from enrollment.models import AgentGrant, Template
from enrollment.services import agent_grants, directory
from tests import make, messages
from tests.services.acts import approve, change_template, submit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from enrollment.ca.policy import Requester
    from enrollment.models import EnrollmentRequest

FOR_ALICE = "EXAMPLE\\alice"
PAIR = messages.MICROSOFT + "13.2.1"


@dataclass(frozen=True)
class Signature:
    """Somebody's certificate with its key, and whom their signature names."""

    certificate: x509.Certificate
    key: PrivateKeyTypes
    named: str = ""
    named_unsigned: str = ""
    digest: str = "sha256"


def name_attribute(name: str) -> bytes:
    """Return the attribute that says on behalf of whom."""
    return messages.attribute(PAIR, messages.name_value_pair("RequesterName", name))


def signed(
    *signatures: Signature, subject: bytes | None = None, attributes: Sequence[bytes] = ()
) -> bytes:
    """Return a PKCS #10 by a new key within PKCS #7, signed by each in their own words."""
    request = pkcs10(subject, attributes)
    signers = [
        messages.signer_info(
            each.key,
            request,
            certificate=each.certificate,
            digest=each.digest,
            extra_signed=[name_attribute(each.named)] if each.named else [],
            unsigned=[name_attribute(each.named_unsigned)] if each.named_unsigned else [],
        )
        for each in signatures
    ]
    return messages.signed_data(request, signers, [each.certificate for each in signatures])


def full_cmc(*signatures: Signature, named: str, by_own_key: str = "") -> bytes:
    """Return full CMC, signed by the new key and by each, that names somebody in its content."""
    key = make.key("rsa:2048", 20)
    content = messages.pki_data(
        pkcs10(), registration_info=f"RequesterName={named}" if named else None
    )
    own = messages.signer_info(
        key,
        content,
        key_identifier=messages.key_identifier(key),
        content_type=messages.PKI_DATA,
        extra_signed=[name_attribute(by_own_key)] if by_own_key else [],
    )
    others = [
        messages.signer_info(
            each.key,
            content,
            certificate=each.certificate,
            content_type=messages.PKI_DATA,
            extra_signed=[name_attribute(each.named)] if each.named else [],
        )
        for each in signatures
    ]
    return messages.signed_data(
        content,
        [own, *others],
        [each.certificate for each in signatures],
        content_type=messages.PKI_DATA,
        version=3,
    )


def pkcs10(subject: bytes | None = None, attributes: Sequence[bytes] = ()) -> bytes:
    """Return the request in the middle, by a key that nobody has a certificate for."""
    named = messages.common_name("mine.example.com") if subject is None else subject
    return messages.pkcs10(make.key("rsa:2048", 20), named, attributes)


def offer() -> None:
    """Offer the template of enrollment agents; a manager approves each."""
    change_template("EnrollmentAgent", published=True, approval="always")
    row = Template.objects.get(name="EnrollmentAgent")
    row.enroll_groups.set(Group.objects.filter(name="Enrollees"))


def certify(user: User, number: int) -> Signature:
    """Let somebody become an enrollment agent, with the key of that number."""
    offer()
    row = submit(directory.requester_of(user), template="EnrollmentAgent", number=number)
    return Signature(
        x509.load_der_x509_certificate(bytes(approve(row).der)), make.key("ec:p256", number)
    )


def grant(agent: User | Group, *templates: str, to: Sequence[str] = ("Enrollees",)) -> AgentGrant:
    """Let an account, or a group, ask by templates on behalf of the members of groups."""
    row = AgentGrant(agent_group=agent) if isinstance(agent, Group) else AgentGrant(agent=agent)
    return agent_grants.add(
        row,
        list(Template.objects.filter(name__in=templates or ("User",))),
        list(Group.objects.filter(name__in=to)),
        actor="ada",
        now=timezone.now(),
    )


def ask(sender: Requester, raw: bytes, template: str = "User") -> EnrollmentRequest:
    """Send a signed message."""
    return submit(sender, raw=raw, template=template)


def by(user: User, raw: bytes, template: str = "User") -> EnrollmentRequest:
    """Send a signed message as somebody, with their rights of now."""
    return ask(directory.requester_of(User.objects.get(pk=user.pk)), raw, template)


def pkcs7(signature: Signature) -> bytes:
    """Name somebody in the signed attributes, as MS-WCCE has it for PKCS #7."""
    return signed(signature)


def cmc(signature: Signature) -> bytes:
    """Name somebody in the registration information, as MS-WCCE has it for CMC."""
    return full_cmc(replace(signature, named=""), named=signature.named.replace("\\", "%5C"))


def cmc_in_its_attributes(signature: Signature) -> bytes:
    """Name somebody in the signed attributes of the agent, within CMC."""
    return full_cmc(signature, named="")


FORMS = [pkcs7, cmc, cmc_in_its_attributes]
