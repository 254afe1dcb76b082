"""Every setting, read from the environment once and checked before anything starts."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ImproperlyConfigured

from enrollment import conf_clients, conf_ldap, conf_ntlm, conf_oidc, conf_people, conf_web
from enrollment.ca import address_rules
from enrollment.ca.names import is_dns_name
from enrollment.environment import Environment, Listener, Secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

ENTERPRISE: Final = "enterprise"
STANDALONE: Final = "standalone"
ROOT: Final = "root"
SUBORDINATE: Final = "subordinate"
CA_KEY_KINDS: Final = (
    "rsa:2048",
    "rsa:3072",
    "rsa:4096",
    "ec:p256",
    "ec:p384",
    "ec:p521",
    "ed25519",
    "ml-dsa-44",
    "ml-dsa-65",
    "ml-dsa-87",
)
# Each is a module of `enrollment.signin.methods`.
SIGN_IN_METHODS: Final = (
    "negotiate",
    conf_ntlm.NTLM,
    "basic",
    "token",
    conf_clients.CERTIFICATE,
    conf_clients.REMOTE_USER,
)
_BROWSER_WAYS: Final = ("form", "challenge")
_CHANNEL_BINDINGS: Final = ("off", "offered", "required")
_VISIBLE_TO: Final = ("own", "signed-in", "anyone")
_HTTP_PORT: Final = 80
CRL_FILE: Final = "%3%8<CRLPartitionIndex>%9.crl"


@dataclass(frozen=True, slots=True)
class Kerberos:
    """Whose tickets are believed, and over which connections.

    Attributes:
        keytab: the file with the key of the site.
        realm: whose people have accounts here; empty for the keytab's own.
        channel_binding: `off`, `offered` or `required`.
    """

    keytab: str = ""
    realm: str = ""
    channel_binding: str = "offered"


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may choose; `docs/reference/settings.md` has a row for each."""

    home: Path
    published: Path
    http: Listener | None
    https: Listener | None
    hostname: str
    public_url: str
    crl_urls: tuple[str, ...]
    certificate_urls: tuple[str, ...]
    ocsp_urls: tuple[str, ...]
    crl_period: timedelta
    delta_period: timedelta
    crl_partitions: int
    keep_expired_on_crl: bool
    cross_certificates: bool
    ca_name: str
    ca_key: str
    ca_type: str
    ca_role: str
    admin_password: str = field(repr=False)
    secret_key: str = field(repr=False)
    database_url: str = field(repr=False)
    sign_in: tuple[str, ...]
    clients: conf_clients.Clients
    ldap: conf_ldap.Ldap
    oidc: conf_oidc.Oidc
    browser_sign_in: str
    lock_out: conf_people.LockOut
    second_factor: conf_people.SecondFactor
    realm: str
    domain: str
    kerberos: Kerberos
    ntlm: conf_ntlm.Ntlm
    workers: int
    backdate: timedelta
    renewal_grace: timedelta
    self_approval: bool
    certificates_visible_to: str
    html_for_unknown_agents: bool
    metrics_token: str = field(repr=False)
    max_request_bytes: int
    pending_days: int
    review_lifetime: timedelta
    key_passphrase: Secret
    key_store: str
    token_module: str
    token_name: str
    token_pin: Secret
    signer: str
    signer_client: str
    signer_rate: int
    audit_log: Path | None
    backup_passphrase: Secret
    web: conf_web.Web

    @property
    def is_enterprise(self) -> bool:
        """Whether requests are judged by templates."""
        return self.ca_type == ENTERPRISE

    @property
    def is_subordinate(self) -> bool:
        """Whether the CA gets its certificates from another CA."""
        return self.ca_role == SUBORDINATE

    @property
    def keys_home(self) -> Path:
        """The folder of private keys, mode 0700."""
        return self.home / "keys"

    @property
    def signer_socket(self) -> Path:
        """Where the signer process listens."""
        if self.signer.startswith("/"):
            return Path(self.signer)
        return self.home / "signer.sock"


def _home(environment: Environment) -> Path:
    return Path(environment.text("CERTSRV_HOME", "var")).absolute()


def _published(environment: Environment) -> Path:
    elsewhere = environment.text("CERTSRV_PUBLISHED", "")
    return Path(elsewhere).absolute() if elsewhere else _home(environment) / "published"


def _kerberos(environment: Environment) -> Kerberos:
    return Kerberos(
        keytab=environment.text("CERTSRV_KEYTAB", ""),
        realm=environment.text("CERTSRV_KERBEROS_REALM", ""),
        channel_binding=environment.choice("CERTSRV_CHANNEL_BINDING", "offered", _CHANNEL_BINDINGS),
    )


def _signer(environment: Environment) -> str:
    raw = environment.text("CERTSRV_SIGNER", "")
    if raw in ("", "process") or raw.startswith("/"):
        return raw
    raise ImproperlyConfigured(
        f"CERTSRV_SIGNER is '{raw}'. Write process, or the absolute path of a signer's socket, or "
        "leave it empty to sign in the web processes."
    )


def _metrics_token(environment: Environment) -> str:
    token = environment.secret("CERTSRV_METRICS_TOKEN")
    if token and re.fullmatch(r"[\w.~+/=-]{20,512}", token, re.ASCII) is None:
        raise ImproperlyConfigured(
            "CERTSRV_METRICS_TOKEN is too short to be kept from strangers, or cannot stand in a "
            "header. Write 20 to 512 letters, digits and any of -._~+/=, for example from: "
            "openssl rand -hex 32"
        )
    return token


def _signer_client(environment: Environment) -> str:
    name = environment.text("CERTSRV_SIGNER_CLIENT", "")
    if name and not environment.text("CERTSRV_SIGNER", "").startswith("/"):
        raise ImproperlyConfigured(
            f"CERTSRV_SIGNER_CLIENT is '{name}', but the signer does not run by itself. Write the "
            "absolute path of its socket into CERTSRV_SIGNER, or leave the client out."
        )
    return name


def _hostname(environment: Environment) -> str:
    name = environment.text("CERTSRV_HOSTNAME", "localhost").casefold()
    is_address = re.fullmatch(r"\d+\.\d+\.\d+\.\d+", name, re.ASCII) is not None
    if not (is_dns_name(name) or is_address) or name.startswith("*"):
        raise ImproperlyConfigured(
            f"CERTSRV_HOSTNAME is '{name}'. Write the DNS name by which the site is reached, for "
            "example ca.example.com."
        )
    return name


def _audit_log(environment: Environment) -> Path | None:
    raw = environment.text("CERTSRV_AUDIT_LOG", "audit.log")
    return _home(environment) / raw if raw else None


def _realm(environment: Environment, hostname: str) -> str:
    realm = environment.text("CERTSRV_REALM", hostname)
    if not realm.isprintable() or not realm.isascii() or not realm or set('"\\') & set(realm):
        raise ImproperlyConfigured(
            f"CERTSRV_REALM is '{realm}'. Write a domain name, for example {hostname}: it stands "
            "between quotation marks in a header."
        )
    return realm


def _public_url(environment: Environment, hostname: str) -> str:
    """Return where relying parties fetch certificates and lists: always plain HTTP by default.

    A list fetched over TLS would need a list to check that TLS (RFC 5280 section 8).
    """
    listener = environment.listener("CERTSRV_HTTP", "127.0.0.1:8000")
    port = "" if listener is None or listener.port == _HTTP_PORT else f":{listener.port}"
    url = environment.text("CERTSRV_PUBLIC_URL", f"http://{hostname}{port}").rstrip("/")
    if not url.startswith(("http://", "https://")) or not url.isascii() or " " in url:
        raise ImproperlyConfigured(
            f"CERTSRV_PUBLIC_URL is '{url}'. Write scheme and host, for example "
            "http://ca.example.com."
        )
    return url


def _urls(environment: Environment, hostname: str, name: str, default: str) -> tuple[str, ...]:
    """Return addresses, parted by blanks, whose tokens are expanded for each CA certificate."""
    urls = tuple(environment.text(name, default).split())
    for url in urls:
        if not url.isascii() or not url.isprintable() or "://" not in url:
            raise ImproperlyConfigured(
                f"{name} holds '{url}'. Write whole addresses, parted by blanks, for example "
                f"{default}."
            )
        wrong = address_rules.wrong_token(url)
        if wrong is not None:
            raise ImproperlyConfigured(f"{name} holds '{url}'. {wrong} For example: {default}.")
        if address_rules.is_local(address_rules.host_of(url)) and not address_rules.is_local(
            hostname
        ):
            raise ImproperlyConfigured(
                f"{name} holds '{url}', which certificates would carry, and which nobody but this "
                f"machine can fetch. Write an address at {hostname}; without the setting, "
                "CERTSRV_PUBLIC_URL decides."
            )
    return urls


def _ca_name(environment: Environment) -> str:
    name = environment.text("CERTSRV_CA_NAME", "Example Issuing CA")
    octets = len(name.encode("utf-8", "replace"))
    if not 0 < octets <= 64 or not name.isprintable():  # noqa: PLR2004 - ub-common-name
        raise ImproperlyConfigured(
            f"CERTSRV_CA_NAME has {len(name)} characters, {octets} octets in UTF-8. Write 1 to 64 "
            "octets of printable ones (RFC 5280 appendix A, ub-common-name)."
        )
    return name


def read(values: Mapping[str, str]) -> Settings:
    """Read the settings from `values`.

    Raises:
        ImproperlyConfigured: a value is wrong; the text says what to type.
    """
    return _read(Environment(values))


def public(values: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that were set and are no secret, as they were typed.

    Raises:
        ImproperlyConfigured: as `read`.
    """
    environment = Environment(values)
    _read(environment)
    return environment.shown


def _of_keys(environment: Environment) -> dict[str, Any]:
    """Return the settings that say where keys are and what opens them."""
    return {
        "key_passphrase": environment.later("CERTSRV_KEY_PASSPHRASE"),
        "key_store": environment.choice("CERTSRV_KEY_STORE", "file", ("file", "pkcs11")),
        "token_module": environment.text("CERTSRV_PKCS11_MODULE", ""),
        "token_name": environment.text("CERTSRV_PKCS11_TOKEN", "certsrv"),
        "token_pin": environment.later("CERTSRV_PKCS11_PIN"),
        "signer": _signer(environment),
        "signer_client": _signer_client(environment),
        "signer_rate": environment.number("CERTSRV_SIGNER_RATE", 6000, least=1, most=1_000_000),
    }


def _of_others(environment: Environment) -> dict[str, Any]:
    """Return the settings of those who know people and sign them in for us."""
    return {
        "kerberos": _kerberos(environment),
        "ldap": conf_ldap.read(environment),
        "oidc": conf_oidc.read(environment),
    }


def _read(environment: Environment) -> Settings:
    choice = environment.choice
    hostname = _hostname(environment)
    public_url = _public_url(environment, hostname)
    urls = partial(_urls, environment, hostname)
    return Settings(
        home=_home(environment),
        published=_published(environment),
        http=environment.listener("CERTSRV_HTTP", "127.0.0.1:8000"),
        https=(https := environment.listener("CERTSRV_HTTPS", "127.0.0.1:8443")),
        hostname=hostname,
        public_url=public_url,
        crl_urls=urls("CERTSRV_CRL_URLS", f"{public_url}/CertEnroll/{CRL_FILE}"),
        certificate_urls=urls("CERTSRV_CERTIFICATE_URLS", f"{public_url}/CertEnroll/%1_%3%4.crt"),
        ocsp_urls=urls("CERTSRV_OCSP_URLS", f"{public_url}/ocsp"),
        crl_period=environment.hours("CERTSRV_CRL_PERIOD_HOURS", 168, least=1, most=8760),
        delta_period=environment.hours("CERTSRV_DELTA_PERIOD_HOURS", 24, least=0, most=8760),
        crl_partitions=environment.number("CERTSRV_CRL_PARTITIONS", 0, least=0, most=10000),
        keep_expired_on_crl=environment.flag("CERTSRV_KEEP_EXPIRED_ON_CRL", default=False),
        cross_certificates=environment.flag("CERTSRV_CROSS_CERTIFICATES", default=True),
        ca_name=_ca_name(environment),
        ca_key=choice("CERTSRV_CA_KEY", "rsa:3072", CA_KEY_KINDS),
        ca_type=choice("CERTSRV_CA_TYPE", ENTERPRISE, (ENTERPRISE, STANDALONE)),
        ca_role=choice("CERTSRV_CA_ROLE", ROOT, (ROOT, SUBORDINATE)),
        admin_password=environment.secret("CERTSRV_ADMIN_PASSWORD"),
        secret_key=environment.secret("CERTSRV_SECRET_KEY"),
        database_url=environment.secret("DATABASE_URL"),
        sign_in=(sign_in := conf_clients.methods(environment.text, SIGN_IN_METHODS)),
        clients=conf_clients.read(environment.text, sign_in),
        **_of_others(environment),
        browser_sign_in=choice("CERTSRV_BROWSER_SIGN_IN", "form", _BROWSER_WAYS),
        **conf_people.read(environment),
        realm=_realm(environment, hostname),
        domain=environment.text("CERTSRV_DOMAIN", hostname.partition(".")[0]),
        ntlm=conf_ntlm.read(environment, sign_in, https),
        workers=environment.number("CERTSRV_WORKERS", os.cpu_count() or 1, least=1, most=64),
        backdate=environment.minutes("CERTSRV_BACKDATE_MINUTES", 10, least=0, most=10080),
        renewal_grace=environment.days("CERTSRV_RENEWAL_GRACE_DAYS", 0, least=0, most=3650),
        self_approval=environment.flag("CERTSRV_SELF_APPROVAL", default=False),
        certificates_visible_to=choice("CERTSRV_CERTIFICATES_VISIBLE_TO", "own", _VISIBLE_TO),
        html_for_unknown_agents=environment.flag("CERTSRV_HTML_FOR_UNKNOWN_AGENTS", default=False),
        metrics_token=_metrics_token(environment),
        max_request_bytes=environment.kib("CERTSRV_MAX_REQUEST_KIB", 64, least=4, most=1024),
        pending_days=environment.number("CERTSRV_PENDING_DAYS", 10, least=1, most=3650),
        review_lifetime=environment.minutes("CERTSRV_REVIEW_MINUTES", 60, least=1, most=1440),
        **_of_keys(environment),
        audit_log=_audit_log(environment),
        backup_passphrase=environment.later("CERTSRV_BACKUP_PASSPHRASE"),
        web=conf_web.read(environment),
    )


@lru_cache(maxsize=1)
def current() -> Settings:
    """Return the settings of this process."""
    return read(os.environ)


def shown() -> dict[str, str]:
    """Return the settings of this process that may be shown to anybody who runs it."""
    return public(os.environ)
