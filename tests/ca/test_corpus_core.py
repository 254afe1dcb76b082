"""Every published request ends as it must, for the reason that is true of it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from enrollment.ca import policy, renewal
from enrollment.ca.armor import read_text
from enrollment.ca.attributes import parse_request_attributes
from enrollment.ca.builtin import builtin_templates
from enrollment.ca.errors import EnrollmentError, NotARequest, SignatureInvalid, SignerNotOurs
from enrollment.ca.policy import Case, Deny
from enrollment.ca.request import CertificationRequest, parse_certification_request
from tests import corpus, make
from tests.corpus_verdicts import VERDICTS, Kind, verdict_for

MANIFEST = corpus.manifest()
WEB_SERVER = next(each for each in builtin_templates(make.ARC) if each.name == "WebServer")
ATTRIBUTES = parse_request_attributes("CertificateTemplate:WebServer")

needs_corpus = pytest.mark.skipif(
    not MANIFEST and not corpus.is_required(), reason="corpus not found (CERTSRV_CORPUS)"
)


def judged(request: CertificationRequest) -> EnrollmentError | None:
    """Decide as the service does for a CA that has issued nothing yet."""
    try:
        policy.template_name(request, ATTRIBUTES)
        if request.signer_certificate is not None:
            renewal.check_signer(request, None, make.requester(), now=make.NOW, grace=timedelta(0))
        policy.check_template_information(request, WEB_SERVER)
    except EnrollmentError as error:
        return error
    decision = policy.decide(Case(request, WEB_SERVER, make.requester()))
    return decision.error if isinstance(decision, Deny) else None


def outcome(raw: bytes) -> tuple[Kind, str]:
    """Return how a paste ends and what its sender is told."""
    try:
        request = parse_certification_request(read_text(raw))
    except SignatureInvalid as error:
        return Kind.BAD_SIGNATURE, str(error)
    except NotARequest as error:
        is_damage = "base64" in error.detail
        return (Kind.MALFORMED if is_damage else Kind.NOT_A_REQUEST), str(error)
    except EnrollmentError as error:
        return Kind.MALFORMED, str(error)
    refusal = judged(request)
    if refusal is None:
        return Kind.ISSUED, ""
    return (Kind.STRANGER if isinstance(refusal, SignerNotOurs) else Kind.DENIED), str(refusal)


@needs_corpus
def test_every_file_of_the_corpus_has_a_verdict() -> None:
    assert {name[:3] for name in MANIFEST} == set(VERDICTS)


@needs_corpus
@pytest.mark.parametrize("file_name", MANIFEST or ["missing"])
def test_a_published_request_ends_as_it_must(file_name: str) -> None:
    kind, told = outcome(corpus.read(file_name))

    expected = verdict_for(file_name)
    assert kind is expected.kind, told
    assert re.search(expected.reason, told, re.IGNORECASE), told


@needs_corpus
@pytest.mark.parametrize("file_name", MANIFEST or ["missing"])
def test_no_request_with_a_false_signature_is_issued(file_name: str) -> None:
    kind, _ = outcome(corpus.read(file_name))

    assert MANIFEST[file_name].get("signature_valid") is not False or kind is not Kind.ISSUED


@needs_corpus
@pytest.mark.parametrize(
    "file_name", [name for name, entry in MANIFEST.items() if entry["kind"] == "pkcs10"]
)
def test_names_and_attributes_are_read_as_others_read_them(file_name: str) -> None:
    if verdict_for(file_name).kind in {Kind.BAD_SIGNATURE, Kind.MALFORMED}:
        return

    request = parse_certification_request(read_text(corpus.read(file_name)))

    entry = MANIFEST[file_name]
    listed = {oid.rstrip("!") for oid in entry["extension_oids"]}
    assert len(request.subject_alternative_name) == entry["san_count"]
    assert {extension.oid for extension in request.extensions} == listed
    assert request.microsoft.os_version == entry.get("ms_os_version")
