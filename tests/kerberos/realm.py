"""A Kerberos realm on this machine, with a neighbour that it trusts: MIT's own KDC."""

from __future__ import annotations

import base64
import importlib.util
import os
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.live import free_port
from tests.tools import missing, require

if TYPE_CHECKING:
    from pathlib import Path

    import gssapi

REALM: Final = "EXAMPLE.TEST"
NEIGHBOUR: Final = "NEIGHBOUR.TEST"
SERVICE: Final = f"HTTP/localhost@{REALM}"
PASSWORD: Final = "a ticket please"

_CLIENT: Final = """
[libdefaults]
    default_realm = {realm}
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
    clockskew = {skew}
[realms]
    {realm} = {{
        kdc = 127.0.0.1:{port}
    }}
    {neighbour} = {{
        kdc = 127.0.0.1:{port}
    }}
[domain_realm]
    localhost = {realm}
[capaths]
    {neighbour} = {{
        {realm} = .
    }}
"""
_SERVER: Final = """
[kdcdefaults]
    kdc_listen = ""
    kdc_tcp_listen = 127.0.0.1:{port}
[realms]
    {realm} = {{
        database_name = {folder}/ours
        key_stash_file = {folder}/ours.stash
        supported_enctypes = aes256-cts:normal
    }}
    {neighbour} = {{
        database_name = {folder}/theirs
        key_stash_file = {folder}/theirs.stash
        supported_enctypes = aes256-cts:normal
    }}
[logging]
    kdc = FILE:{folder}/kdc.log
    default = FILE:{folder}/default.log
"""


@dataclass
class Realm:
    """Two realms of one KDC in a folder of its own."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def keytab(self) -> Path:
        """The key of the site."""
        return self.folder / "http.keytab"

    def tickets(self, name: str) -> str:
        """Return where somebody's tickets are."""
        return f"FILE:{self.folder / name.replace('/', '-')}.tickets"

    def environment(self, name: str = "", *, skew: int = 300) -> dict[str, str]:
        """Return the variables of a program that belongs to the realm, as a client by a name."""
        return {
            "KRB5_CONFIG": str(self._configuration(skew)),
            "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf"),
            "KRB5CCNAME": self.tickets(name or "nobody"),
        }

    def _configuration(self, skew: int) -> Path:
        path = self.folder / f"krb5-{skew}.conf"
        if not path.exists():
            values = {"realm": REALM, "neighbour": NEIGHBOUR, "port": self.port, "skew": skew}
            path.write_text(_CLIENT.format(**values))
        return path

    def start(self) -> None:
        """Make both realms with the keys between them, and the site's, and answer."""
        (self.folder / "kdc.conf").write_text(
            _SERVER.format(realm=REALM, neighbour=NEIGHBOUR, port=self.port, folder=self.folder)
        )
        bridge = f"addprinc -pw bridge-bridge krbtgt/{REALM}@{NEIGHBOUR}"
        for realm in (REALM, NEIGHBOUR):
            self._run("kdb5_util", "-r", realm, "create", "-s", "-P", "master")
            self.administer(bridge, realm=realm)
        self.administer(f"addprinc -randkey {SERVICE}", f"ktadd -k {self.keytab} {SERVICE}")
        self.keytab.chmod(0o600)
        self.process = subprocess.Popen(
            [require("krb5kdc"), "-n", "-r", REALM, "-r", NEIGHBOUR],
            env=os.environ | self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        """Stop answering."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=10)

    def administer(self, *commands: str, realm: str = REALM) -> None:
        """Change a realm's database."""
        self._run("kadmin.local", "-r", realm, stdin="\n".join([*commands, ""]))

    def add(self, *names: str, realm: str = REALM) -> None:
        """Make somebody known, or several."""
        self.administer(
            *(f'addprinc -pw "{PASSWORD}" {name}@{realm}' for name in names), realm=realm
        )

    def sign_in(self, name: str, *, realm: str = REALM, lifetime: str = "1h") -> None:
        """Get the ticket of a session, as signing in at a workstation does."""
        give_up = time.monotonic() + 20
        while True:
            try:
                self._run(
                    "kinit", "-l", lifetime, f"{name}@{realm}", stdin=f"{PASSWORD}\n", name=name
                )
            except AssertionError:
                # The KDC has just been started, and tells nobody when it listens.
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.1)
            else:
                return

    def _run(self, program: str, *arguments: str, stdin: str = "", name: str = "") -> None:
        done = subprocess.run(
            [require(program), *arguments],
            input=stdin,
            env=os.environ | self.environment(name),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{program} {arguments}: {done.stdout}{done.stderr}"


def make_realm(folder: Path) -> Realm:
    """Make a realm and answer for it, or skip by name."""
    for program in ("krb5kdc", "kadmin.local", "kdb5_util", "kinit"):
        require(program)
    if importlib.util.find_spec("gssapi") is None:
        missing("the Python package gssapi is not installed")
    realm = Realm(folder)
    realm.start()
    return realm


def context_for(
    realm: Realm, name: str = "alice", *, spnego: bool = True, binding: bytes | None = None
) -> gssapi.SecurityContext:
    """Return the client's side of somebody's sign-in to the site."""
    import gssapi
    from gssapi.raw import ChannelBindings

    mechanism = "1.3.6.1.5.5.2" if spnego else "1.2.840.113554.1.2.2"
    return gssapi.SecurityContext(
        name=gssapi.Name("HTTP@localhost", gssapi.NameType.hostbased_service),
        creds=gssapi.Credentials(usage="initiate", store={"ccache": realm.tickets(name)}),
        mech=gssapi.OID.from_int_seq(mechanism),
        flags=int(gssapi.RequirementFlag.mutual_authentication),
        usage="initiate",
        channel_bindings=None if binding is None else ChannelBindings(application_data=binding),
    )


def negotiate(token: bytes | None) -> dict[str, str]:
    """Return the headers of a program that sends a token."""
    return {"Authorization": f"Negotiate {base64.b64encode(token or b'').decode()}"}
