"""The settings of NTLM: over which connections it may be spoken (ADR 0028)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from enrollment.environment import Environment, Listener

NTLM: Final = "ntlm"
REQUIRED: Final = "required"
WHEN_OFFERED: Final = "when-offered"
OFF: Final = "off"


@dataclass(frozen=True, slots=True)
class Ntlm:
    """Whose answers are believed.

    Attributes:
        channel_binding: whether a client must name the TLS connection it speaks over.
        plain_http: whether there need not be one.
    """

    channel_binding: str = REQUIRED
    plain_http: bool = False


def read(environment: Environment, sign_in: tuple[str, ...], https: Listener | None) -> Ntlm:
    """Read these settings.

    Args:
        environment: the variables.
        sign_in: the methods that are on.
        https: the TLS listener.

    Raises:
        ImproperlyConfigured: a value is wrong, or nobody could sign in so.
    """
    found = Ntlm(
        environment.choice("CERTSRV_NTLM_CHANNEL_BINDING", REQUIRED, (REQUIRED, WHEN_OFFERED, OFF)),
        environment.flag("CERTSRV_NTLM_PLAIN_HTTP", default=False),
    )
    if found.plain_http and found.channel_binding == REQUIRED:
        raise ImproperlyConfigured(
            "CERTSRV_NTLM_PLAIN_HTTP is on, and CERTSRV_NTLM_CHANNEL_BINDING is required: plain "
            "HTTP has no channel to bind to. Leave the first out. Who must have it, and takes the "
            "risk that anybody on the way signs in as somebody else, writes off into the second."
        )
    if NTLM in sign_in and https is None and not found.plain_http:
        raise ImproperlyConfigured(
            "CERTSRV_SIGN_IN names ntlm, which is spoken over our own TLS listener, and "
            "CERTSRV_HTTPS is empty. Write its address, for example 0.0.0.0:8443, or take ntlm out."
        )
    return found
