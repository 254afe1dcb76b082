"""`.ci/scan`: a web scanner against a site of its own on loopback, as everybody who may come.

Each finding that docs/reference/scanners.md does not explain fails. It is no test: it takes
half an hour or more, and finds out what a stranger with the same tool would.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import requests

from tests.docs.pages import page
from tests.live import PASSWORD, LiveSite

if TYPE_CHECKING:
    from collections.abc import Iterator

# All but those that fetch their lists from somewhere, or wait for answers there.
MODULES: Final = (
    "backup,brute_login_form,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,"
    "https_redirect,ldap,methods,permanentxss,redirect,shellshock,sql,ssl,timesql,upload,xss,xxe"
)
ROLES: Final = {"stranger": "", "enrollee": "alice", "manager": "manager"}
# Signed out, the rest of the scan would be a stranger's.
_LEFT_OUT: Final = ("/accounts/logout/", "/admin/logout/")
_METHODS: Final = ("GET /", "POST /")
_NOWHERE: Final = "http://127.0.0.1:9/"


@dataclass(frozen=True)
class Finding:
    """What the scanner says about one address."""

    role: str
    kind: str
    where: str
    what: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.role:<9} {self.kind}: {self.where} {self.what}"


@contextlib.contextmanager
def served() -> Iterator[LiveSite]:
    """Serve a site with people, without limits and second factors, which would end the scan."""
    with tempfile.TemporaryDirectory(prefix="certsrv-scan-") as folder:
        settings = {"CERTSRV_LIMITS": "off", "CERTSRV_SECOND_FACTOR": "off"}
        site = LiveSite(Path(folder), settings)
        site.set_up()
        site.start()
        try:
            yield site
        finally:
            site.stop()


def cookies_of(site: LiveSite, name: str) -> str:
    """Sign in at the form, as a person; return what a browser would send."""
    if not name:
        return ""
    browser = requests.Session()
    browser.trust_env = False
    browser.verify = str(site.ca_file)
    headers = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"}
    address = f"{site.secure_url}/accounts/login/"
    browser.get(address, headers=headers, timeout=30)
    fields = {
        "username": name,
        "password": PASSWORD,
        "csrfmiddlewaretoken": browser.cookies.get("csrftoken", ""),
    }
    headers |= {"Referer": address, "Origin": site.secure_url}
    browser.post(address, fields, headers=headers, timeout=30)
    assert "sessionid" in browser.cookies, f"{name} cannot sign in"
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)


def scan(
    wapiti: str, site: LiveSite, role: str, *, seconds: int, attack_seconds: int
) -> list[Finding]:
    """Let the scanner crawl so long, and attack in each way so long; return what it reports."""
    with tempfile.TemporaryDirectory(prefix="certsrv-scan-") as folder:
        report = Path(folder) / "report.json"
        command = [wapiti, "-u", f"{site.secure_url}/certsrv/", "--scope", "domain"]
        command += ["-s", f"{site.secure_url}/admin/", "-s", f"{site.secure_url}/accounts/login/"]
        command += ["-m", MODULES, "--max-scan-time", str(seconds)]
        command += ["--max-attack-time", str(attack_seconds)]
        command += ["-f", "json", "-o", str(report), "--store-session", folder, "--no-bugreport"]
        command += ["-H", "Sec-Fetch-Site: same-origin", "-H", "Sec-Fetch-Mode: navigate"]
        command += ["--endpoint", _NOWHERE, "-v", "1", "--tasks", "4", "-S", "normal"]
        for address in _LEFT_OUT:
            command += ["-x", site.secure_url + address]
        cookies = cookies_of(site, ROLES[role])
        command += ["-C", cookies] if cookies else []
        # A scan ends itself; what hangs is ended.
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr,
                stderr=sys.stderr,
                timeout=seconds + (MODULES.count(",") + 1) * attack_seconds + 300,
                check=False,
            )
        told = json.loads(report.read_text(encoding="utf-8"))
    print(f"scan: {role}: {told['infos'].get('crawled_pages_nbr', '?')} pages", flush=True)
    return list(_findings(role, told))


def _findings(role: str, told: dict[str, Any]) -> Iterator[Finding]:
    for part in ("vulnerabilities", "anomalies"):
        for kind, found in told[part].items():
            for one in found:
                yield Finding(role, kind, f"{one['method']} {one['path']}", one["info"])


def explained() -> dict[str, set[str]]:
    """Return what the page on scanners explains: kinds of findings, and where if not anywhere."""
    rows = page("docs/reference/scanners.md").rows("## wapiti")
    return {
        row.code("finding")[0]: {one for one in row.code("where") if one.startswith(_METHODS)}
        for row in rows
    }


def is_known(found: Finding, known: dict[str, set[str]]) -> bool:
    """Whether a finding is one of those."""
    places = known.get(found.kind)
    return places is not None and (not places or found.where in places)


def _scanned(asked: argparse.Namespace, site: LiveSite, role: str) -> list[Finding]:
    times = {"seconds": asked.seconds, "attack_seconds": asked.attack_seconds}
    return scan(asked.wapiti, site, role, **times)


def main() -> int:
    """Return 1 when there is a finding that nobody has explained."""
    parser = argparse.ArgumentParser(prog=".ci/scan")
    parser.add_argument("wapiti")
    parser.add_argument("--seconds", type=int, default=120, help="to crawl, for each role")
    parser.add_argument("--attack-seconds", type=int, default=60, help="for each way to attack")
    parser.add_argument("--role", action="append", choices=ROLES)
    asked = parser.parse_args()
    with served() as site:
        roles = asked.role or list(ROLES)
        found = [one for role in roles for one in _scanned(asked, site, role)]
        faults = [line for line in site.log().splitlines() if " ERROR " in line]
    known = explained()
    for one in dict.fromkeys(found):
        print(f"scan: {'explained' if is_known(one, known) else 'NEW'} {one}")
    for line in faults:
        print(f"scan: NEW in the log: {line}")
    return int(bool(faults) or not all(is_known(one, known) for one in found))


if __name__ == "__main__":
    sys.exit(main())
