"""Settings: what an operator may type, and the sentence they get for what they may not."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from enrollment import conf
from enrollment.environment import Listener

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_set_gives_a_site_that_starts() -> None:
    settings = conf.read({})

    assert str(settings.http) == "127.0.0.1:8000"
    assert str(settings.https) == "127.0.0.1:8443"
    assert settings.hostname == "localhost"
    assert settings.is_enterprise


@pytest.mark.parametrize(
    ("name", "value", "field", "meant"),
    [
        ("CERTSRV_HOSTNAME", "CA.Example.com", "hostname", "ca.example.com"),
        ("CERTSRV_HOSTNAME", "10.0.0.5", "hostname", "10.0.0.5"),
        ("CERTSRV_HTTP", "", "http", None),
        ("CERTSRV_HTTPS", "[::1]:443", "https", Listener("::1", 443)),
        ("CERTSRV_CA_NAME", " A CA ", "ca_name", "A CA"),
        ("CERTSRV_CA_NAME", "x" * 64, "ca_name", "x" * 64),
        ("CERTSRV_CA_KEY", "EC:P256", "ca_key", "ec:p256"),
        ("CERTSRV_CA_TYPE", "standalone", "is_enterprise", False),
        ("CERTSRV_SIGN_IN", " Basic ", "sign_in", ("basic",)),
        ("CERTSRV_WORKERS", "64", "workers", 64),
        ("CERTSRV_BACKDATE_MINUTES", "0", "backdate", timedelta(0)),
        ("CERTSRV_RENEWAL_GRACE_DAYS", "30", "renewal_grace", timedelta(days=30)),
        ("CERTSRV_SELF_APPROVAL", "Yes", "self_approval", True),
        ("CERTSRV_SELF_APPROVAL", "off", "self_approval", False),
        ("CERTSRV_MAX_REQUEST_KIB", "128", "max_request_bytes", 131_072),
        ("CERTSRV_REALM", "EXAMPLE.COM", "realm", "EXAMPLE.COM"),
        ("CERTSRV_SIGNER", "/run/signer.sock", "signer", "/run/signer.sock"),
        (
            "CERTSRV_OCSP_URLS",
            "http://a.example.com/ocsp http://b.example.com/ocsp",
            "ocsp_urls",
            ("http://a.example.com/ocsp", "http://b.example.com/ocsp"),
        ),
    ],
)
def test_a_setting_is_read_as_it_was_meant(name: str, value: str, field: str, meant: Any) -> None:
    assert getattr(conf.read({name: value}), field) == meant


def test_a_client_of_the_signer_needs_a_signer_that_runs_by_itself() -> None:
    socket = {"CERTSRV_SIGNER": "/run/signer.sock", "CERTSRV_SIGNER_CLIENT": "certsrv"}

    assert conf.read(socket).signer_client == "certsrv"
    for signer in ("", "process"):
        with pytest.raises(ImproperlyConfigured, match="absolute path of its socket"):
            conf.read(socket | {"CERTSRV_SIGNER": signer})


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CERTSRV_HOSTNAME", "", "for example ca.example.com"),
        ("CERTSRV_HOSTNAME", "my site", "for example ca.example.com"),
        ("CERTSRV_HOSTNAME", "*.example.com", "for example ca.example.com"),
        ("CERTSRV_HOSTNAME", "ca.example.com:8000", "for example ca.example.com"),
        ("CERTSRV_HTTP", "8000", "Write ADDRESS:PORT"),
        ("CERTSRV_HTTP", "localhost:0", "Write ADDRESS:PORT"),
        ("CERTSRV_HTTP", "localhost:65536", "Write ADDRESS:PORT"),
        ("CERTSRV_HTTPS", "localhost:https", "leave it empty to switch the listener off"),
        ("CERTSRV_PUBLIC_URL", "ca.example.com", "Write scheme and host"),
        ("CERTSRV_PUBLIC_URL", "http://a b", "Write scheme and host"),
        ("CERTSRV_METRICS_TOKEN", "short", "openssl rand"),
        ("CERTSRV_METRICS_TOKEN", "x" * 30 + " y", "openssl rand"),
        ("CERTSRV_CRL_URLS", "ca.crl", "Write whole addresses"),
        ("CERTSRV_CRL_URLS", "http://ca/%0.crl", "%0 is no token"),
        ("CERTSRV_CRL_URLS", "http://ca/%3%15.crl", "%15 is no token"),
        ("CERTSRV_CERTIFICATE_URLS", "http://ca/My%20CA.crt", "%20 is no token"),
        ("CERTSRV_OCSP_URLS", "http://<ServerDNSName>/ocsp", "is written %1 here"),
        ("CERTSRV_CA_NAME", " ", "Write 1 to 64"),
        ("CERTSRV_CA_NAME", "x" * 65, "has 65 characters"),
        ("CERTSRV_CA_NAME", "\u4e2d" * 22, "66 octets"),
        ("CERTSRV_CA_NAME", "a\u202eb", "printable ones"),
        ("CERTSRV_CA_NAME", "a\nb", "printable"),
        ("CERTSRV_CA_KEY", "rsa:1024", "rsa:2048, rsa:3072"),
        ("CERTSRV_CA_TYPE", "root", "enterprise, standalone"),
        ("CERTSRV_SIGN_IN", "basic,magic", "Write one or more of these"),
        ("CERTSRV_SIGN_IN", "", "Write one or more of these"),
        ("CERTSRV_BROWSER_SIGN_IN", "popup", "form, challenge"),
        ("CERTSRV_SECOND_FACTOR", "admins", "managers, everybody, report, off"),
        (
            "CERTSRV_SECOND_FACTOR_ELSEWHERE",
            "basic",
            "certificate, negotiate, oidc, oidc-mfa, remote-user",
        ),
        ("CERTSRV_LOCKOUT_FAILURES", "many", "from 0 to 1000"),
        ("CERTSRV_LOCKOUT_MINUTES", "0", "from 1 to 1440"),
        ("CERTSRV_REALM", 'a"b', "between quotation marks"),
        ("CERTSRV_REALM", "a\r\nb", "between quotation marks"),
        ("CERTSRV_WORKERS", "0", "from 1 to 64"),
        ("CERTSRV_WORKERS", "many", "Write a whole number"),
        ("CERTSRV_WORKERS", "-1", "Write a whole number"),
        ("CERTSRV_SELF_APPROVAL", "maybe", "Write yes or no"),
        ("CERTSRV_CERTIFICATES_VISIBLE_TO", "friends", "own, signed-in, anyone"),
        ("CERTSRV_MAX_REQUEST_KIB", "1", "from 4 to 1024"),
        ("CERTSRV_SIGNER", "signer.sock", "Write process"),
        ("CERTSRV_TRUSTED_PROXIES", "0.0.0.0/0", "never everybody"),
        ("CERTSRV_TRUSTED_PROXIES", "127.0.0.1, ::/0", "never everybody"),
        ("CERTSRV_TRUSTED_PROXIES", "10.0.0.5/24", "for example 127.0.0.1"),
        ("CERTSRV_TRUSTED_PROXIES", "proxy.example.com", "for example 127.0.0.1"),
        ("CERTSRV_TRUSTED_PROXIES", "*", "for example 127.0.0.1"),
        ("CERTSRV_REMOTE_USER_HEADER", "Remote_User", "letters, digits and hyphens"),
        ("CERTSRV_REMOTE_USER_HEADER", "authorization", "that only the proxy sends"),
        ("CERTSRV_CERTIFICATE_MAPPING", "anybody", "explicit, issued"),
        ("CERTSRV_SIGN_IN", "remote-user", "CERTSRV_TRUSTED_PROXIES names nobody"),
    ],
)
def test_a_wrong_value_is_refused_with_what_to_type(name: str, value: str, told: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        conf.read({name: value})

    assert name in str(caught.value)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "http://localhost:8000"),
        ({"CERTSRV_HTTP": "0.0.0.0:80"}, "http://localhost"),
        ({"CERTSRV_HTTP": ""}, "http://localhost"),
        ({"CERTSRV_HOSTNAME": "ca.example.com"}, "http://ca.example.com:8000"),
        ({"CERTSRV_PUBLIC_URL": "http://pki.example.com/"}, "http://pki.example.com"),
    ],
)
def test_relying_parties_are_sent_to_plain_http(variables: dict[str, str], url: str) -> None:
    """RFC 5280 section 8: a list behind TLS would need a list to check that TLS."""
    settings = conf.read(variables)

    assert settings.public_url == url
    assert settings.ocsp_urls == (f"{url}/ocsp",)
    assert settings.crl_urls[0].startswith(f"{url}/CertEnroll/")


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("CERTSRV_PUBLIC_URL", "http://localhost:8000"),
        ("CERTSRV_OCSP_URLS", "http://127.0.0.1/ocsp"),
        ("CERTSRV_CRL_URLS", "http://[::1]/%3%8%9.crl"),
    ],
)
def test_a_site_with_a_name_does_not_write_localhost_into_certificates(name: str, url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"Write an address at ca\.example\.com"):
        conf.read({"CERTSRV_HOSTNAME": "ca.example.com", name: url})

    assert conf.read({name: url}).hostname == "localhost"


@pytest.mark.parametrize("name", ["CERTSRV_ADMIN_PASSWORD", "CERTSRV_SECRET_KEY", "DATABASE_URL"])
def test_a_secret_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cret\r\n")

    settings = conf.read({f"{name}_FILE": str(file), name: "not this"})

    assert "s3cret" in (settings.admin_password, settings.secret_key, settings.database_url)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_of_a_secret_that_cannot_be_read_is_told(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ImproperlyConfigured, match="CERTSRV_ADMIN_PASSWORD_FILE names a file"):
        conf.read({"CERTSRV_ADMIN_PASSWORD_FILE": str(file)})


def test_no_secret_stands_in_what_a_debugger_or_a_log_prints() -> None:
    settings = conf.read(
        {
            "CERTSRV_ADMIN_PASSWORD": "s3cret",
            "CERTSRV_SECRET_KEY": "s3cret",
            "DATABASE_URL": "postgres://ca:s3cret@db/ca",
            "CERTSRV_KEY_PASSPHRASE": "s3cret",
            "CERTSRV_PKCS11_PIN": "s3cret",
            "CERTSRV_METRICS_TOKEN": "s3cret" * 5,
        }
    )

    assert "s3cret" not in repr(settings)


def test_everything_an_operator_may_set_can_be_compared() -> None:
    assert conf.read({}) == conf.read({})
    assert all(field.compare for field in fields(conf.Settings))
