"""submit and decide, without a trace: read, look up, judge.

`enroll`, the preview and the review all call `judge`, so they cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from enrollment import conf
from enrollment.ca import naming, policy, renewal
from enrollment.ca.armor import read_text
from enrollment.ca.attributes import parse_request_attributes
from enrollment.ca.errors import EnrollmentError, NoTemplate, TemplateNotSupported
from enrollment.ca.names import HeldName, names_of
from enrollment.ca.policy import Case, Decision, Deny, Knowledge, Requester
from enrollment.ca.request import CertificationRequest, parse_certification_request
from enrollment.services import agents, directory, knowledge, weak_keys

if TYPE_CHECKING:
    from datetime import datetime

    from enrollment.ca.template import CertificateTemplate
    from enrollment.models import Certificate


@dataclass(frozen=True, slots=True)
class Judgement:
    """A request that could be read, and what the CA makes of it.

    `requester` is whom the certificate is for: the sender, unless `agents` asked on their behalf,
    the sender first. `remarks` are what stricter rules would have said. `newest` is the key of the
    newest certificate before anything was looked up.
    """

    request: CertificationRequest
    requester: Requester
    decision: Decision
    template: CertificateTemplate | None = None
    renews: Certificate | None = None
    names: tuple[HeldName, ...] = ()
    agents: tuple[str, ...] = ()
    knowledge: Knowledge = field(default_factory=Knowledge)
    remarks: tuple[str, ...] = ()
    newest: int = 0

    @property
    def template_name(self) -> str:
        """The name of the template, empty where there is none."""
        return self.template.name if self.template else ""


def read(raw: bytes) -> CertificationRequest:
    """Turn what was pasted or uploaded into a proven request.

    Raises:
        EnrollmentError: it is not one, or possession of the key is not proven.
    """
    limit = conf.current().max_request_bytes
    return parse_certification_request(read_text(raw, max_octets=limit))


def judge(
    request: CertificationRequest,
    attribute_text: str,
    sender: Requester,
    *,
    now: datetime,
    with_holders: bool = False,
) -> Judgement:
    """Judge a request that was read. Every refusal is a `Deny`, none is raised."""
    template: CertificateTemplate | None = None
    earlier: Certificate | None = None
    requester = sender
    signed_by: tuple[str, ...] = ()
    try:
        template = _template(request, attribute_text, sender)
        found = agents.accept(request, template, sender, now=now)
        if found is not None:
            requester, signed_by = found.target, found.agents
        earlier = _renewed(request, requester, now)
        policy.check_template_information(request, template)
        chosen = naming.choose(request, template, requester)
        names = names_of(chosen.subject, chosen.alternative_names)
    except EnrollmentError as error:
        return Judgement(request, requester, Deny(error), template, earlier, agents=signed_by)
    newest = knowledge.newest()
    known = knowledge.gather(
        request, names, template, requester, earlier, now=now, with_holders=with_holders
    )
    case = Case(request, template, requester, known, weak_keys.known(), signed_by)
    return Judgement(
        request,
        requester,
        policy.decide(case),
        template,
        earlier,
        names,
        signed_by,
        known,
        policy.remarks(case),
        newest,
    )


def _template(
    request: CertificationRequest, attribute_text: str, requester: Requester
) -> CertificateTemplate:
    if not conf.current().is_enterprise:
        return directory.standalone()
    name = policy.template_name(request, parse_request_attributes(attribute_text))
    information = request.microsoft.template_information
    if not name and information is not None:
        name = information[0]
    offered = (
        tuple(template.name for template in directory.templates_for(requester)) if not name else ()
    )
    if not name:
        raise NoTemplate(
            "The request does not contain a certificate template extension or the "
            "CertificateTemplate request attribute.",
            remedy=f"Choose a template: {', '.join(offered) or 'none is offered to you'}.",
        )
    template = directory.template(name)
    if template is None:
        offered = tuple(template.name for template in directory.templates_for(requester))
        raise TemplateNotSupported(name, offered=offered)
    return template


def _renewed(
    request: CertificationRequest, requester: Requester, now: datetime
) -> Certificate | None:
    """Return the certificate that `request` renews, after checking that it may.

    Raises:
        EnrollmentError: it is signed from outside by a certificate that must not.
    """
    if request.signer_certificate is None or request.on_behalf_of:
        return knowledge.same_key_and_subject(request, requester)
    row = knowledge.earlier_certificate(request.signer_certificate)
    renewal.check_signer(
        request,
        knowledge.as_earlier(row),
        requester,
        now=now,
        grace=conf.current().renewal_grace,
    )
    return row
