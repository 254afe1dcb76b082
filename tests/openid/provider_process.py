"""An OpenID provider in a process of its own: django-oauth-toolkit, as its manual sets it up.

Run as a program: PORT FOLDER ISSUER CLIENT_ID CLIENT_SECRET REDIRECT_URI. People sign in by name
alone; `POST /people` says who there is, and in which groups.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

urlpatterns: list[Any] = []


class _Threading(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _configure(folder: Path, issuer: str) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    settings.configure(
        SECRET_KEY="provider",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(folder / "provider.db"),
                "OPTIONS": {"init_command": "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY;"},
            }
        },
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        LOGIN_URL="/login",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_ISS_ENDPOINT": issuer,
            "OIDC_RSA_PRIVATE_KEY": key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode(),
            "PKCE_REQUIRED": True,
            "SCOPES": {"openid": "Sign in", "profile": "Name", "email": "Address"},
            "OAUTH2_VALIDATOR_CLASS": f"{__name__}.validator",
        },
    )
    django.setup()


def _build_urls() -> None:
    from django.contrib.auth import login
    from django.contrib.auth.models import Group, User
    from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
    from django.urls import include, path
    from django.utils.html import format_html

    def sign_in(request: HttpRequest) -> HttpResponse:
        name = request.GET.get("as", "")
        if name:
            login(request, User.objects.get(username=name))
            return HttpResponseRedirect(request.GET["next"])
        target = format_html('<input type="hidden" name="next" value="{}">', request.GET["next"])
        return HttpResponse(f'<form><label>Who? <input name="as"></label>{target}</form>')

    def people(request: HttpRequest) -> HttpResponse:
        for name, groups in json.loads(request.body).items():
            user, _ = User.objects.get_or_create(username=name, email=f"{name}@example.test")
            user.groups.set([Group.objects.get_or_create(name=one)[0] for one in groups])
        return HttpResponse("")

    urlpatterns.extend(
        [
            path("login", sign_in),
            path("people", people),
            path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
        ]
    )


def _build_validator() -> type:
    from oauth2_provider.oauth2_validators import OAuth2Validator

    class Validator(OAuth2Validator):  # type: ignore[misc]  # the package has no types
        oidc_claim_scope = None

        def get_additional_claims(self, request: Any) -> dict[str, Any]:
            groups = request.user.groups.values_list("name", flat=True)
            return {
                "preferred_username": request.user.username,
                "given_name": request.user.username.title(),
                "email": request.user.email,
                "email_verified": True,
                "groups": list(groups),
                "amr": ["pwd", "mfa"] if "Careful" in groups else ["pwd"],
            }

    return Validator


def main() -> None:
    """Make the provider, and serve it until killed."""
    port, folder, issuer, client_id, client_secret, redirect_uri = sys.argv[1:]
    _configure(Path(folder), issuer)
    global validator  # noqa: PLW0603  # the package wants its name
    validator = _build_validator()
    _build_urls()
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from oauth2_provider.models import Application

    call_command("migrate", verbosity=0)
    Application.objects.create(
        client_id=client_id,
        client_secret=client_secret,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=redirect_uri,
        algorithm=Application.RS256_ALGORITHM,
        skip_authorization=True,
    )
    application = get_wsgi_application()
    make_server("127.0.0.1", int(port), application, _Threading, _Silent).serve_forever()


validator: type

if __name__ == "__main__":
    # The package looks for what this module names by the module's name.
    sys.modules["provider_process"] = sys.modules[__name__]
    main()
