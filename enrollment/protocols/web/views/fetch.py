"""certnew.cer, certnew.p7b, certcrl.crl and /CertEnroll/: octets out.

Source: certsrv-contract sections 1.8, 1.9, 1.10, 1.13 and 2.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_not_required
from django.http import Http404
from django.utils import timezone
from django.views.decorators.http import require_safe

from enrollment.ca import encode, hresult
from enrollment.protocols.web import answers, codec, files, pages
from enrollment.protocols.web.wire import query
from enrollment.services import delivery, directory

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from enrollment.protocols.web.codec import Fields


@require_safe
def certnew_cer(request: HttpRequest) -> HttpResponse:
    """Give one certificate: that of a request, or the CA's own."""
    fields = query(request)
    chain = _chain(request, fields)
    if isinstance(chain, pages.ErrorPage):
        return answers.error_page(request, chain)
    content = chain[0] if codec.wants_der(fields.text("Enc")) else encode.pem(chain[0])
    return answers.octets(request, content, answers.CERTIFICATE)


@require_safe
def certnew_p7b(request: HttpRequest) -> HttpResponse:
    """Give a certificate with its chain, in this order (contract rule 8)."""
    fields = query(request)
    chain = _chain(request, fields)
    if isinstance(chain, pages.ErrorPage):
        return answers.error_page(request, chain)
    message = encode.pkcs7(chain)
    content = message if codec.wants_der(fields.text("Enc")) else encode.pem_pkcs7(message)
    return answers.octets(request, content, answers.CHAIN)


@require_safe
def certcrl(request: HttpRequest) -> HttpResponseBase:
    """Give the newest list of a CA certificate's key."""
    fields = query(request)
    is_delta = fields.text("Type").strip().casefold() == "delta"
    now = timezone.now()
    found = delivery.crl(codec.renewal(fields.text("Renewal")), now=now, delta=is_delta)
    if found is None:
        return _no_list(request, is_delta=is_delta)
    content_type = answers.type_for(request, answers.LIST)
    if fields.text("Enc").strip().casefold() == "b64":
        return files.answer_armored(request, found, content_type, now=now)
    answer = files.answer(request, found, content_type, now=now, public=False)
    return answer or _no_list(request, is_delta=is_delta)


def _no_list(request: HttpRequest, *, is_delta: bool) -> HttpResponse:
    problem = pages.unusable(
        "There is no delta CRL." if is_delta else "There is no CRL yet.",
        "Download the base CRL instead." if is_delta else "Ask a CA administrator to publish.",
        hresult.PROPERTY_EMPTY,
    )
    return answers.error_page(request, problem)


@login_not_required  # relying parties fetch the chain and the lists, and nobody knows them
@require_safe
def published(request: HttpRequest, name: str) -> HttpResponseBase:
    """Give a published file by Microsoft's name for it, in DER."""
    now = timezone.now()
    found = delivery.published_file(name, now=now)
    if found is not None:
        content_type = answers.LIST if found.kind == "crl" else answers.PUBLISHED_CERTIFICATE
        answer = files.answer(request, found, content_type, now=now, public=True)
        if answer is not None:
            return answer
    raise Http404


def _chain(request: HttpRequest, fields: Fields) -> list[bytes] | pages.ErrorPage:
    """Return what was asked for and the certificates above it, or why there is none."""
    renewal = codec.renewal(fields.text("Renewal"))
    if codec.is_ca_certificate(fields.text("ReqID")):
        return delivery.ca_chain(renewal) or pages.unknown_request()
    if codec.is_root_certificate(fields.text("ReqID")):
        return delivery.ca_chain(renewal)[-1:]
    number = codec.request_id(fields.text("ReqID"))
    row = delivery.find(number, directory.requester_of(request.user))
    if row is None:
        answers.note_unknown_id(request)
        return pages.unknown_request()
    if row.certificate is None:
        return pages.not_issued(row)
    return delivery.chain_of(row.certificate)
