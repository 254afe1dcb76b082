"""One Kerberos ticket, judged by the system's library (package `gssapi`).

The package is imported when the first ticket comes: sites without Kerberos do not have it.

Sources: RFC 4559 (Negotiate), RFC 4178 (SPNEGO), RFC 4121 (the Kerberos mechanism).
"""

import importlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import gssapi

KERBEROS: Final = "1.2.840.113554.1.2.2"
SPNEGO: Final = "1.3.6.1.5.5.2"
# Stands for a connection that is none of our TLS listener. Nobody can have meant it, so a client
# that names a connection is refused; one that names none does not notice.
NO_CONNECTION: Final = secrets.token_bytes(32)


class TicketRefused(Exception):
    """The library does not believe the ticket; the text is its own, for the log."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A ticket that is good.

    Attributes:
        principal: the client, as Kerberos writes names: `user@REALM`.
        answer: the proof that this is the service the ticket was for; may be empty.
        is_bound: the client named the TLS connection, and it is this one (MIT Kerberos 1.19).
    """

    principal: str
    answer: bytes
    is_bound: bool


def is_installed() -> bool:
    """Whether the package is there, and the library that it binds."""
    try:
        importlib.import_module("gssapi")
    except ImportError:
        return False
    return True


def accept(
    token: bytes, *, keytab: str, service: str, replays: Path, binding: bytes | None
) -> Accepted:
    """Judge a token.

    Everything is made anew for each token: the keytab may have changed, and nothing is shared
    between threads or by forked processes.

    Args:
        token: SPNEGO, or Kerberos without it.
        keytab: the keys of the service.
        service: the principal to be, as the keytab writes it.
        replays: the file in which all processes of the site note what they have seen.
        binding: what the connection is; None to take no notice.

    Raises:
        TicketRefused: it is not good, or takes more than one message.
    """
    import gssapi  # noqa: PLC0415  # only where it is wanted

    bindings = None if binding is None else gssapi.raw.ChannelBindings(application_data=binding)
    try:
        context = gssapi.SecurityContext(
            creds=_credentials(keytab, service, replays),
            usage="accept",
            channel_bindings=bindings,
        )
        answer = context.step(token)
        if not context.complete:
            # Kerberos needs one message; what begins with another mechanism would need more.
            raise TicketRefused("it is only the beginning of an exchange")
        if context.mech.dotted_form != KERBEROS:
            raise TicketRefused(f"it is of another mechanism ({context.mech.dotted_form})")
        bound = gssapi.RequirementFlag.channel_bound in context.actual_flags
        return Accepted(str(context.initiator_name), answer or b"", bound)
    except (gssapi.raw.GSSError, UnicodeDecodeError) as error:
        raise TicketRefused(str(error)) from error


def _credentials(keytab: str, service: str, replays: Path) -> "gssapi.Credentials":
    import gssapi  # noqa: PLC0415  # as above

    kerberos, spnego = gssapi.OID.from_int_seq(KERBEROS), gssapi.OID.from_int_seq(SPNEGO)
    credentials = gssapi.Credentials(
        name=gssapi.Name(service, gssapi.NameType.kerberos_principal),
        usage="accept",
        mechs=[kerberos, spnego],
        store={"keytab": f"FILE:{keytab}", "rcache": f"file2:{replays}"},
    )
    # A library that knows NTLM as well must not speak it here.
    gssapi.raw.set_neg_mechs(credentials, [kerberos])
    return credentials
