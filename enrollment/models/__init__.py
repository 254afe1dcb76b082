"""The rows, one file each. Rules live in `enrollment.ca`, acts in `enrollment.services`."""

from enrollment.models.account import Account
from enrollment.models.agent_grant import AgentGrant
from enrollment.models.api_token import ApiToken
from enrollment.models.audit_event import AuditEvent
from enrollment.models.authority import Authority
from enrollment.models.authority_request import AuthorityRequest
from enrollment.models.certificate import Certificate, CertificateName
from enrollment.models.certificate_mapping import CertificateMapping
from enrollment.models.condition_report import ConditionReport
from enrollment.models.crl import CertificateRevocationList, RevocationListContent
from enrollment.models.cross_certificate import CrossCertificate
from enrollment.models.given_approval import GivenApproval
from enrollment.models.lost_certificate import LostCertificate
from enrollment.models.manager_scope import ManagerScope
from enrollment.models.name_grant import NameGrant
from enrollment.models.ntlm_account import NtlmAccount
from enrollment.models.request import EnrollmentRequest
from enrollment.models.responder import Responder
from enrollment.models.retired_key import RetiredKey
from enrollment.models.second_factor import RecoveryCode, SecondFactor
from enrollment.models.sign_in_failures import SignInFailures
from enrollment.models.signing_record import SigningRecord
from enrollment.models.tally import Tally
from enrollment.models.template import Template

__all__ = [
    "Account",
    "AgentGrant",
    "ApiToken",
    "AuditEvent",
    "Authority",
    "AuthorityRequest",
    "Certificate",
    "CertificateMapping",
    "CertificateName",
    "CertificateRevocationList",
    "ConditionReport",
    "CrossCertificate",
    "EnrollmentRequest",
    "GivenApproval",
    "LostCertificate",
    "ManagerScope",
    "NameGrant",
    "NtlmAccount",
    "RecoveryCode",
    "Responder",
    "RetiredKey",
    "RevocationListContent",
    "SecondFactor",
    "SignInFailures",
    "SigningRecord",
    "Tally",
    "Template",
]
