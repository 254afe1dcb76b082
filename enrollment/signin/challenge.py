"""The 401: what asks a program, or a person's browser, who they are."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from enrollment import conf, conf_ntlm
from enrollment.signin.ntlm import place

# Read by the WSGI wrapper of the project: header lines that Django cannot repeat.
HEADER_LINES = "certsrv.header_lines"
# Says that credentials were sent, and were not right; read by the limits of `enrollment.serving`.
REFUSED = "certsrv.credentials_refused"

# The order in which challenges are sent, whatever the order of the setting: one family of clients
# compares the first line with "Negotiate" and looks no further (contract, section 3).
CHALLENGES = {"negotiate": "Negotiate", "ntlm": "NTLM", "basic": 'Basic realm="{realm}"'}
# Programs that know no Bearer send a token as the password of Basic.
CHALLENGES["token"] = CHALLENGES["basic"]

# Clients look for the title and for the sentence in it, on one line.
TITLE = "401 - Unauthorized: Access is denied due to invalid credentials."
BODY = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{TITLE}</title>
</head>
<body>
<h1>Sign in to use this site</h1>
<p>Access is denied due to invalid credentials. Send the name and the password of your account.</p>
</body>
</html>
""".replace("\n", "\r\n")


def is_navigation(request: HttpRequest) -> bool:
    """Tell whether a person's browser asks for a page to show."""
    return request.headers.get("Sec-Fetch-Mode") == "navigate"


def is_browser(request: HttpRequest) -> bool:
    """Tell whether a browser asks, for a page or for something on one."""
    return is_navigation(request) or "Sec-Fetch-Site" in request.headers


def unauthorized(request: HttpRequest, *, refused: bool = False) -> HttpResponse:
    """Answer 401 in the form the asker can use.

    Args:
        request: the request that carried no credentials, or wrong ones.
        refused: credentials were sent, and were not right.
    """
    if refused:
        request.META[REFUSED] = True
    if conf.current().browser_sign_in == "form" and is_browser(request):
        tried = request.headers.get("Authorization", "").partition(" ")[0].lower()
        # A browser sends tickets of its own accord: who has none that is good gets the form, and
        # is not asked for one again. A password was typed into a box, which is shown once more.
        if not refused or tried == "negotiate":
            return _for_browser(request, ask=not refused)
    response = HttpResponse(BODY, status=401, reason="Unauthorized")
    _challenge(request, response)
    response["Cache-Control"] = "no-store"
    return response


def go_on(request: HttpRequest, line: str) -> HttpResponse:
    """Answer 401 with the next message of an exchange that has begun, and nothing else to try."""
    response = HttpResponse(BODY, status=401, reason="Unauthorized")
    request.META[HEADER_LINES] = [("WWW-Authenticate", line)]
    response["WWW-Authenticate"] = line
    response["Cache-Control"] = "no-store"
    return response


def _for_browser(request: HttpRequest, *, ask: bool) -> HttpResponse:
    # Without a Basic challenge the browser draws our form, not its own password box. With
    # Negotiate alone it first sends the ticket of its domain, if it has one and trusts us.
    if not is_navigation(request):
        response = HttpResponse(BODY, status=401, reason="Unauthorized")
    else:
        from enrollment.signin import openid  # noqa: PLC0415  # it answers with challenges, too
        from enrollment.signin.forms import SignInForm  # noqa: PLC0415  # crispy is for browsers only

        target = request.get_full_path()
        context = {"form": SignInForm(request), "next": target, **openid.way(target)}
        response = render(request, "signin/login.html", context, status=401)
    if ask and "negotiate" in conf.current().sign_in:
        response["WWW-Authenticate"] = CHALLENGES["negotiate"]
    response["Cache-Control"] = "no-store"
    return response


def _challenge(request: HttpRequest, response: HttpResponse) -> None:
    settings = conf.current()
    values = dict.fromkeys(
        text.format(realm=settings.realm)
        for word, text in CHALLENGES.items()
        if word in settings.sign_in and (word != conf_ntlm.NTLM or place.is_offered(request))
    )
    lines = [("WWW-Authenticate", value) for value in values]
    if lines:
        request.META[HEADER_LINES] = lines
        # For whatever stands between a test and the wrapper: the same, joined.
        response["WWW-Authenticate"] = ", ".join(value for _, value in lines)
