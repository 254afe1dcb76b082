"""Where NTLM exists at all: on a client's own connection to a listener of ours, over TLS."""

import socket
from typing import Final

from django.conf import settings as django_settings
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from enrollment import conf, conf_ntlm
from enrollment.signin.channel import end_point_binding, tls_socket
from enrollment.signin.proxies import is_from_proxy

_SOCKET: Final = "gunicorn.socket"
# Proxies say so. One that says nothing is kept out by the binding to our own certificate.
_VIA: Final = "HTTP_VIA"
_SERVICE: Final = "http"


class NoPlace(Exception):
    """NTLM is not spoken on this connection; the text says why, for the log."""


def connection_of(request: HttpRequest) -> socket.socket:
    """Return the connection on which all three messages must come.

    Raises:
        NoPlace: it is none for NTLM.
    """
    settings = conf.current()
    connection = request.META.get(_SOCKET)
    if not isinstance(connection, socket.socket):
        raise NoPlace("the server does not tell connections apart")
    if is_from_proxy(request) or _VIA in request.META:
        raise NoPlace("a proxy stands between, whose connection is not the client's")
    if tls_socket(request) is None and not settings.ntlm.plain_http:
        raise NoPlace("it came over plain HTTP")
    if (
        settings.ntlm.channel_binding == conf_ntlm.REQUIRED
        and end_point_binding(request) is None
    ):  # fmt: skip
        raise NoPlace("the certificate of the site is signed in a way that has no channel binding")
    return connection


def is_offered(request: HttpRequest) -> bool:
    """Whether a 401 may ask for NTLM here."""
    try:
        connection_of(request)
    except NoPlace:
        return False
    return True


def is_ours(target: str) -> bool:
    """Whether a client that named its target (`HTTP/ca.example.com`) meant this site."""
    service, _, place = target.casefold().partition("/")
    host, _ = split_domain_port(place)
    return service == _SERVICE and validate_host(host, list(django_settings.ALLOWED_HOSTS))
