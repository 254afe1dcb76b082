"""Wrong set-ups, found at start: each with an id, a sentence and a hint."""

from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004  # Django's name

from enrollment import conf, conf_ntlm
from enrollment.services import site_certificate
from enrollment.services.outside import conversation, groups
from enrollment.signin import kerberos, keytab
from enrollment.signin.channel import binding_of


@register(Tags.security)
def check_realm(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001  # Django's signature
    **_: Any,  # noqa: ANN401  # Django's signature
) -> list[CheckMessage]:
    """Refuse a realm that would break out of the quotes of a header."""
    realm = conf.current().realm
    if realm.isascii() and realm.isprintable() and not {'"', "\\"} & set(realm):
        return []
    return [
        Error(
            f"The realm '{realm}' cannot stand in a WWW-Authenticate header.",
            hint='Write CERTSRV_REALM in ASCII, without " and \\.',
            id="enrollment.E001",
        )
    ]


@register(Tags.security)
def check_addresses(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001  # Django's signature
    **_: Any,  # noqa: ANN401  # Django's signature
) -> list[CheckMessage]:
    """Warn of lists that need a list before they can be fetched (RFC 5280 section 8)."""
    settings = conf.current()
    return [
        Warning(
            f"Certificates would name {url}, which needs a TLS certificate to be checked first.",
            hint="Write http: what is fetched there is signed, and public.",
            id="enrollment.W002",
        )
        for url in (*settings.crl_urls, *settings.certificate_urls, *settings.ocsp_urls)
        if url.casefold().startswith("https:")
    ]


@register(Tags.security)
def check_plain_listener(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001  # Django's signature
    **_: Any,  # noqa: ANN401  # Django's signature
) -> list[CheckMessage]:
    """Warn when passwords can travel in the clear over a network."""
    listener = conf.current().http
    if listener is None or listener.host in ("127.0.0.1", "::1", "localhost"):
        return []
    return [
        Warning(
            f"Names and passwords can be sent unencrypted to http://{listener}.",
            hint="Let a TLS proxy in front do the talking, or set CERTSRV_HTTP to nothing.",
            id="enrollment.W001",
        )
    ]


@register(Tags.security)
def check_kerberos(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001  # Django's signature
    **_: Any,  # noqa: ANN401  # Django's signature
) -> list[CheckMessage]:
    """Refuse to start where tickets are to be believed that cannot be read."""
    settings = conf.current()
    if "negotiate" not in settings.sign_in:
        return []
    if not kerberos.is_installed():
        return [
            Error(
                "CERTSRV_SIGN_IN names negotiate, and the Python package gssapi is missing, or the "
                "library of Kerberos that it needs.",
                hint="Type: pip install -r requirements-kerberos.txt (it needs libkrb5-dev), or "
                "take negotiate out of CERTSRV_SIGN_IN.",
                id="enrollment.E003",
            )
        ]
    try:
        keytab.service_principal(settings.kerberos.keytab, settings.hostname)
    except keytab.KeytabUnusable as error:
        return [Error(str(error), hint="See docs/howto/kerberos.md.", id="enrollment.E004")]
    return []


@register(Tags.security)
def check_ntlm(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001  # Django's signature
    **_: Any,  # noqa: ANN401  # Django's signature
) -> list[CheckMessage]:
    """Warn of NTLM whenever it is on, and refuse to start where nobody could use it."""
    settings = conf.current()
    if conf_ntlm.NTLM not in settings.sign_in:
        return []
    found: list[CheckMessage] = [
        Warning(
            "CERTSRV_SIGN_IN names ntlm, the weakest way to sign in.",
            hint="Take it out as soon as no program needs it. See docs/howto/ntlm.md.",
            id="enrollment.W003",
        )
    ]
    if settings.clients.proxies:
        found.append(
            Warning(
                "NTLM does not exist through the proxies of CERTSRV_TRUSTED_PROXIES: it belongs to "
                "a client's own connection.",
                hint="Let programs that need it come to the HTTPS listener itself.",
                id="enrollment.W004",
            )
        )
    own = site_certificate.on_disk()
    is_bound = settings.ntlm.channel_binding == conf_ntlm.REQUIRED
    if is_bound and own is not None and binding_of(own.public_bytes(Encoding.DER)) is None:
        found.append(
            Error(
                "CERTSRV_NTLM_CHANNEL_BINDING is required, and the certificate of the site is "
                "signed in a way that has no channel binding (RFC 5929 section 4.1).",
                hint="Take ntlm out of CERTSRV_SIGN_IN: with this CA's key it cannot be made safe.",
                id="enrollment.E005",
            )
        )
    return found


@register(Tags.security)
def check_directory(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001  # Django's signature
    **_: Any,  # noqa: ANN401  # Django's signature
) -> list[CheckMessage]:
    """Refuse to start where a directory is to be asked that cannot be, or would give nothing."""
    settings = conf.current().ldap
    if not settings.is_on:
        return []
    if not conversation.is_installed():
        return [
            Error(
                "CERTSRV_LDAP_URL names a directory, and the Python package python-ldap is "
                "missing, or the library of LDAP that it needs.",
                hint="Type: pip install -r requirements-ldap.txt (it needs libldap-dev and "
                "libsasl2-dev), or leave CERTSRV_LDAP_URL empty.",
                id="enrollment.E007",
            )
        ]
    wrong = [dn for dn, _ in settings.groups if groups.is_dn(dn) and not groups.normal_dn(dn)]
    found: list[CheckMessage] = [
        Error(
            f"CERTSRV_LDAP_GROUPS names '{dn}', which is no distinguished name.",
            hint="Write it as the directory shows it, such as CN=PKI Users,DC=example,DC=com.",
            id="enrollment.E008",
        )
        for dn in wrong
    ]
    if not settings.groups:
        found.append(
            Warning(
                "CERTSRV_LDAP_GROUPS is empty, so nobody gets a right from the directory.",
                hint="Map groups, for example: PKI Users = Enrollees.",
                id="enrollment.W005",
            )
        )
    return found


@register(Tags.security)
def check_provider(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001  # Django's signature
    **_: Any,  # noqa: ANN401  # Django's signature
) -> list[CheckMessage]:
    """Warn where a provider signs people in who get nothing from it."""
    settings = conf.current().oidc
    if not settings.is_on or settings.groups:
        return []
    return [
        Warning(
            "CERTSRV_OIDC_GROUPS is empty, so nobody gets a right from the provider.",
            hint="Map what it writes into its groups claim, for example: pki-users = Enrollees.",
            id="enrollment.W006",
        )
    ]
