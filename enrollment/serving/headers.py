"""Headers every answer carries: what a page of ours may load, run and be framed by."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

# Bootstrap draws its check marks as `data:` images. Nothing else comes from outside of /static/.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
# Browsers are asked for nothing: no camera, no place, no payment.
PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class SecurityHeadersMiddleware:
    """Set the policies of every answer, files of `/static/` included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, then add the headers that the view did not set itself."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        # What is public says so; all else is for whoever asked, and for nobody's cache.
        response.headers.setdefault("Cache-Control", "no-store")
        if "public" not in response.headers["Cache-Control"]:
            response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if isinstance(response, HttpResponse):
            # Also where Django itself answered, above its own middleware that would do it.
            response.headers.setdefault("Content-Length", str(len(response.content)))
        return response
