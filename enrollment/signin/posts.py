"""Which posts are believed: never those that another site made a browser send.

Clients of `/certsrv` send no token, so Django's rule alone would lock them out. ADR 0002 has the
reasons. Two rules instead of one:

1. Whatever the browser says about where a post comes from must be "from here". Browsers say it
   in `Sec-Fetch-Site` or `Origin`; programs say nothing.
2. A post that rides on a session cookie needs Django's token as well.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponseForbidden
from django.middleware.csrf import CsrfViewMiddleware

from enrollment.signin.belief import SignedInBy
from enrollment.signin.middleware import signed_in_by
from enrollment.signin.problems import forbidden

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# "none": typed, bookmarked or sent from outside of any page.
FROM_HERE = frozenset({"same-origin", "none"})


class PostMiddleware(CsrfViewMiddleware):
    """Django's protection against cross-site posts, with the rule for programs in front."""

    def process_view(
        self,
        request: HttpRequest,
        callback: Callable[..., HttpResponseBase],
        callback_args: tuple[Any, ...],
        callback_kwargs: dict[str, Any],
    ) -> HttpResponseForbidden | None:
        """Refuse a post from elsewhere; ask for the token where a cookie vouches."""
        if request.method in SAFE_METHODS:
            return super().process_view(request, callback, callback_args, callback_kwargs)
        if not is_from_here(request):
            return forbidden(
                request,
                "This form was sent from another site, so nothing was done.",
                "Open the page on this site and send it from there.",
            )
        # Without the cookie no session vouches, and none is looked for.
        has_cookie = settings.SESSION_COOKIE_NAME in request.COOKIES
        if has_cookie and signed_in_by(request) is SignedInBy.SESSION:
            return super().process_view(request, callback, callback_args, callback_kwargs)
        return None


def is_from_here(request: HttpRequest) -> bool:
    """Tell whether nothing says that another site caused this request.

    Source: the Fetch standard's `Origin`, and Fetch Metadata's `Sec-Fetch-Site`. Over plain HTTP,
    browsers send only the former.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in FROM_HERE
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    return origin == f"{request.scheme}://{request.get_host()}"


def token_failure(request: HttpRequest, reason: str = "") -> HttpResponseForbidden:  # noqa: ARG001  # Django's signature
    """Answer a post whose token is missing or old (setting CSRF_FAILURE_VIEW)."""
    return forbidden(
        request,
        "This form is out of date, so nothing was done.",
        "Go back, load the page again and send it once more.",
    )
