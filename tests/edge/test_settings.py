"""Django's own settings follow the operator's: HSTS, cookies, and what is kept from scripts."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.gates.source import ROOT
from tests.live import clean_environment

NAMES = (
    "SECURE_HSTS_SECONDS", "SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE",
    "CSRF_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "CSRF_COOKIE_HTTPONLY",
    "SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SAMESITE", "SESSION_COOKIE_DOMAIN",
    "SESSION_COOKIE_PATH", "CSRF_COOKIE_PATH", "USE_X_FORWARDED_HOST", "DEBUG",
)  # fmt: skip
YEAR = 31_536_000


def read(home: str, *environments: dict[str, str]) -> list[dict[str, object]]:
    """Return the settings of a site for each of these environments."""
    program = (
        "import json, os, sys, importlib\n"
        "from enrollment import conf\n"
        "import certsrv.settings as settings\n"
        "for values in json.load(sys.stdin):\n"
        "    os.environ.update(values); conf.current.cache_clear(); importlib.reload(settings)\n"
        f"    print(json.dumps({{name: getattr(settings, name, None) for name in {NAMES!r}}}))\n"
        "    for name in values: del os.environ[name]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=clean_environment(CERTSRV_HOME=home),
        input=json.dumps(environments),
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """The settings of sites that differ in one thing."""
    kinds: dict[str, dict[str, str]] = {
        "default": {},
        "port 443": {"CERTSRV_HTTPS": "127.0.0.1:443"},
        "port 443, off": {"CERTSRV_HTTPS": "127.0.0.1:443", "CERTSRV_HSTS_SECONDS": "0"},
        "a day": {"CERTSRV_HSTS_SECONDS": "86400"},
        "TLS only": {"CERTSRV_HTTP": ""},
    }
    found = read(str(tmp_path_factory.mktemp("home")), *kinds.values())
    return dict(zip(kinds, found, strict=True))


@pytest.mark.parametrize(
    ("site", "seconds"),
    [("default", 0), ("port 443", YEAR), ("port 443, off", 0), ("a day", 86400), ("TLS only", 0)],
)
def test_browsers_are_told_to_keep_to_tls_where_they_can(
    sites: dict[str, dict[str, object]], site: str, seconds: int
) -> None:
    assert sites[site]["SECURE_HSTS_SECONDS"] == seconds


@pytest.mark.parametrize("site", ["TLS only", "a day"])
@pytest.mark.parametrize("kind", ["SESSION", "CSRF"])
def test_cookies_of_a_site_that_browsers_reach_by_tls_only_are_of_this_host_only(
    sites: dict[str, dict[str, object]], kind: str, site: str
) -> None:
    """What a browser asks of `__Host-`: Secure, the whole path, no domain (RFC 6265bis 4.1.3.2)."""
    told = sites[site]

    assert str(told[f"{kind}_COOKIE_NAME"]).startswith("__Host-")
    assert told[f"{kind}_COOKIE_SECURE"] is True
    assert told[f"{kind}_COOKIE_PATH"] in (None, "/")
    assert told["SESSION_COOKIE_DOMAIN"] is None
    assert not str(sites["default"][f"{kind}_COOKIE_NAME"]).startswith("__Host-")


def test_no_script_reads_a_cookie_and_no_other_site_sends_one(
    sites: dict[str, dict[str, object]],
) -> None:
    for told in sites.values():
        assert told["SESSION_COOKIE_HTTPONLY"] is told["CSRF_COOKIE_HTTPONLY"] is True
        assert told["SESSION_COOKIE_SAMESITE"] == told["CSRF_COOKIE_SAMESITE"] == "Lax"
        assert not told["USE_X_FORWARDED_HOST"]
        assert told["DEBUG"] is False
