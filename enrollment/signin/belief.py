"""What a method of signing in can find out about one HTTP request."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from django.contrib.auth.models import User
from django.http import HttpRequest


class SignedInBy(StrEnum):
    """How the requester of this HTTP request made themselves known."""

    NOTHING = "nothing"
    BASIC = "basic"
    NEGOTIATE = "negotiate"
    NTLM = "ntlm"
    SESSION = "session"
    TOKEN = "token"  # noqa: S105  # a word
    CERTIFICATE = "certificate"
    REMOTE_USER = "remote-user"
    # By an OpenID provider, which began the session; the second says that it asked for two factors.
    OIDC = "oidc"
    OIDC_MFA = "oidc-mfa"


@dataclass(frozen=True, slots=True)
class Believed:
    """Somebody is who they say they are.

    `line` is the value of a `WWW-Authenticate` header that the answer carries; methods in which
    the server proves itself too have one.
    """

    user: User
    by: SignedInBy
    line: str = ""


@dataclass(frozen=True, slots=True)
class GoOn:
    """The exchange is not over: answer 401 with this one `WWW-Authenticate` value."""

    line: str


class CredentialsRefused(Exception):
    """Something was sent to sign in with, and it is not right; nobody is told why."""


Seen = Believed | GoOn | None


@dataclass(frozen=True, slots=True)
class Method:
    """One way to sign in.

    Attributes:
        word: in CERTSRV_SIGN_IN.
        schemes: of the `Authorization` headers it reads, in lower case; empty for a method that
            looks at the connection or at what a proxy says.
        look: finds out who sent a request. Raises `CredentialsRefused`, or
            `accounts.TooManySignIns`.
    """

    word: str
    schemes: frozenset[str]
    look: Callable[[HttpRequest], Seen]
