"""Certificates: shown to our own TLS listener, or handed on by a trusted proxy (RFC 9440).

A certificate that leads to nobody is no reason to refuse: browsers show one unasked, and whoever
it belongs to may still sign in by other means.
"""

import base64
import re
from typing import Final

from django.http import HttpRequest
from django.utils import timezone

from enrollment.services import client_certificates
from enrollment.signin.belief import Believed, CredentialsRefused, Method, Seen, SignedInBy
from enrollment.signin.channel import client_certificate
from enrollment.signin.proxies import CLIENT_CERTIFICATE, is_from_proxy

# A Byte Sequence and nothing beside it (RFC 8941 section 3.3.5). Two lines of the header come
# joined by a comma, which stands in no base64.
_BYTE_SEQUENCE: Final = re.compile(
    r":((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?):", re.ASCII
)
_LONGEST: Final = 16_384


def look(request: HttpRequest) -> Seen:
    """Believe whoever a good certificate leads to."""
    der = _shown(request)
    user = client_certificates.account_of(der, now=timezone.now()) if der is not None else None
    return Believed(user, SignedInBy.CERTIFICATE) if user is not None else None


def _shown(request: HttpRequest) -> bytes | None:
    """Return the certificate of the client, whose key somebody we trust saw proven.

    A trusted proxy may show a certificate of its own to our listener: that is not its client's.
    """
    if not is_from_proxy(request):
        return client_certificate(request)
    value = request.META.get(CLIENT_CERTIFICATE)
    return read_header(value) if value is not None else None


def read_header(value: str) -> bytes:
    """Read a `Client-Cert` header.

    Raises:
        CredentialsRefused: it is not what RFC 9440 section 2.2 says; a proxy that is set up so
            must not go unnoticed.
    """
    found = _BYTE_SEQUENCE.fullmatch(value.strip(" ")) if len(value) <= _LONGEST else None
    if found is None:
        raise CredentialsRefused
    return base64.b64decode(found[1])


METHOD: Final = Method("certificate", frozenset(), look)
