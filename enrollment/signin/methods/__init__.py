"""The ways in which programs and machines sign in: one module each, all of one shape.

The setting CERTSRV_SIGN_IN says which of them are asked. A method that is not named there does not
exist, and neither does a scheme that nobody here reads.
"""

from typing import Final

from django.http import HttpRequest

from enrollment import conf
from enrollment.signin.belief import CredentialsRefused, Method, Seen
from enrollment.signin.methods import basic, certificate, negotiate, ntlm, remote_user, token

# A token may come as the password of Basic; what does not look like one is left to the next.
METHODS: Final[tuple[Method, ...]] = (
    token.METHOD,
    basic.METHOD,
    negotiate.METHOD,
    ntlm.METHOD,
    certificate.METHOD,
    remote_user.METHOD,
)


def look(request: HttpRequest) -> Seen:
    """Find out who sent a request, by the methods that the site allows.

    An `Authorization` header is read by the method of its scheme, and refused where there is none.
    Without one, a session comes first, then what the connection or the proxy tells.

    Raises:
        CredentialsRefused: what was sent is not right, or of no kind that is allowed.
        accounts.TooManySignIns: it cannot be checked now.
        SourceUnavailable: it cannot be checked, for the directory cannot be asked.
    """
    allowed = [method for method in METHODS if method.word in conf.current().sign_in]
    header = request.headers.get("Authorization", "")
    if header:
        scheme = header.partition(" ")[0].lower()
        for method in allowed:
            seen = method.look(request) if scheme in method.schemes else None
            if seen is not None:
                return seen
        raise CredentialsRefused
    if not any(not method.schemes for method in allowed) or request.user.is_authenticated:
        return None
    for method in allowed:
        seen = None if method.schemes else method.look(request)
        if seen is not None:
            return seen
    return None
