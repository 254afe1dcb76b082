"""What of a request will not be in the certificate, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from enrollment.ca import naming
from enrollment.ca.attributes import parse_request_attributes
from enrollment.ca.template import SubjectSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from enrollment.services.judgement import Judgement

_SAN: Final = "2.5.29.17"
_KEY_USAGE: Final = "2.5.29.15"
_SKI: Final = "2.5.29.14"
_TEMPLATE_OIDS: Final = frozenset({"1.3.6.1.4.1.311.20.2", "1.3.6.1.4.1.311.21.7"})
# Lines that ask for content of the certificate, with the reason they are not followed.
_ATTRIBUTES: Final = {
    "san": "The SAN attribute is ignored: names are taken from the request itself only.",
    "validityperiod": "The validity asked for is ignored: the template decides.",
    "expirationdate": "The expiration date asked for is ignored: the template decides.",
    "applicationpolicies": "The application policies asked for are ignored: the template decides.",
    "certificateusage": "The certificate usage asked for is ignored: the template decides.",
    "requestername": "The requester name in the attributes is ignored: you are who signed in.",
}


def from_request(judged: Judgement, attributes: str) -> tuple[str, ...]:
    """Return one sentence for each thing that was asked for and will not be followed."""
    return (*_extensions(judged), *_lines(attributes), *_names(judged))


def _extensions(judged: Judgement) -> Iterator[str]:
    template = judged.template
    for extension in judged.request.extensions:
        if extension.oid in _TEMPLATE_OIDS or extension.oid == _SKI:
            continue
        if extension.oid == _SAN and template and template.subject_source is SubjectSource.REQUEST:
            continue
        if extension.oid == _KEY_USAGE and template and template.key_usage_narrowing:
            continue
        yield f"{extension.name} in the request is ignored: the template decides."


def _lines(attributes: str) -> Iterator[str]:
    lines = parse_request_attributes(attributes)
    for name, sentence in _ATTRIBUTES.items():
        if name in lines:
            yield sentence


def _names(judged: Judgement) -> Iterator[str]:
    template = judged.template
    if template is None:
        return
    if template.subject_source is SubjectSource.DIRECTORY and judged.request.subject.rdns:
        yield "The subject of the request is ignored: this template names you from the directory."
    host = naming.host_in_common_name(judged.request, template)
    if host:
        yield (
            f"The request has no subject alternative name; {host} from the common name is added, "
            "because clients look nowhere else."
        )
