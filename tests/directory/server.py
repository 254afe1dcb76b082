"""A directory on this machine with a tree like Active Directory's: OpenLDAP's own server."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import struct
import subprocess
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from enrollment.conf_ldap import Ldap
from enrollment.environment import Secret
from tests.live import free_port
from tests.tools import missing, require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BASE: Final = "DC=example,DC=test"
PEOPLE: Final = f"OU=People,{BASE}"
GROUPS: Final = f"OU=Groups,{BASE}"
USERS: Final = f"CN=PKI Users,{GROUPS}"
MANAGERS: Final = f"CN=PKI Managers,{GROUPS}"
TEAM: Final = f"CN=Web Team,{GROUPS}"
READER: Final = f"CN=svc-certsrv,{PEOPLE}"
PASSWORD: Final = "open sesame please"
_SLAPD: Final = shutil.which("slapd", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
# Active Directory's attributes under its own numbers, with the rules of comparison it applies.
_SCHEMA: Final = """
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch
  SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.656 NAME 'userPrincipalName' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.619 NAME 'dNSHostName' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.96 NAME 'pwdLastSet' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.159 NAME 'accountExpires' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.146 NAME 'objectSid' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.9 NAME 'user' SUP organizationalPerson STRUCTURAL
  MAY ( sAMAccountName $ userPrincipalName $ dNSHostName $ userAccountControl $ pwdLastSet
  $ accountExpires $ objectGUID $ objectSid $ mail $ givenName ) )
objectclass ( 1.2.840.113556.1.5.8 NAME 'group' SUP top STRUCTURAL
  MUST cn MAY ( member $ sAMAccountName ) )
"""
# As Active Directory does, it calls a bind without a password a success.
_CONFIGURATION: Final = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include {folder}/ad.schema
modulepath /usr/lib/ldap
moduleload back_mdb
allow bind_anon_dn
pidfile {folder}/slapd.pid
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
database mdb
maxsize 16777216
suffix "{base}"
rootdn "cn=root,{base}"
rootpw root
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by * none
"""


def sid(number: int) -> bytes:
    """Return the security identifier S-1-5-21-1-2-3-<number> as a directory keeps it."""
    return bytes([1, 5]) + (5).to_bytes(6) + struct.pack("<5I", 21, 1, 2, 3, number)


def filetime(moment: datetime) -> bytes:
    """Return a moment as Windows counts it."""
    ticks = (moment - datetime(1601, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10
    return str(ticks).encode()


@dataclass
class Server:
    """A server in a folder of its own."""

    folder: Path
    port: int = field(default_factory=free_port)
    tls_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    _number: int = 1100

    @property
    def settings(self) -> Ldap:
        """The settings of a site that asks it."""
        return Ldap(
            urls=(f"ldaps://127.0.0.1:{self.tls_port}",),
            ca_file=str(self.folder / "ca.pem"),
            timeout=2,
            bind_dn=READER,
            bind_password=Secret("CERTSRV_LDAP_BIND_PASSWORD", PASSWORD, None),
            people=PEOPLE,
            groups_below=GROUPS,
            groups=((USERS, "Enrollees"), ("pki managers", "Certificate Managers")),
            fresh=timedelta(seconds=60),
        )

    def plain(self, **values: Any) -> Ldap:
        """Return settings for the listener without TLS."""
        return replace(self.settings, urls=(f"ldap://127.0.0.1:{self.port}",), **values)

    def make(self) -> None:
        """Write what the server reads, and the upper part of the tree."""
        (self.folder / "data").mkdir()
        (self.folder / "ad.schema").write_text(_SCHEMA)
        (self.folder / "slapd.conf").write_text(
            _CONFIGURATION.format(folder=self.folder, base=BASE, reader=READER)
        )
        write_certificates(self.folder)

    def start(self) -> None:
        """Answer."""
        assert _SLAPD is not None
        listeners = f"ldap://127.0.0.1:{self.port} ldaps://127.0.0.1:{self.tls_port}"
        configuration = str(self.folder / "slapd.conf")
        with (self.folder / "slapd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [_SLAPD, "-f", configuration, "-h", listeners, "-d", "0"], stdout=log, stderr=log
            )
        give_up = time.monotonic() + 20
        while time.monotonic() < give_up and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.tls_port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError((self.folder / "slapd.log").read_text())

    def stop(self) -> None:
        """Stop answering."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=10)
            self.process = None

    def root(self) -> Any:
        """Return a connection of somebody who may change everything."""
        import ldap

        connection = ldap.initialize(f"ldap://127.0.0.1:{self.port}")
        connection.simple_bind_s(f"cn=root,{BASE}", "root")
        return connection

    def add(self, dn: str, **attributes: Any) -> None:
        """Add an entry."""
        connection = self.root()
        connection.add_s(dn, [(name, _octets(value)) for name, value in attributes.items()])
        connection.unbind_s()

    def change(self, dn: str, **attributes: Any) -> None:
        """Replace attributes of an entry; None takes one away."""
        import ldap

        connection = self.root()
        connection.modify_s(
            dn,
            [
                (ldap.MOD_REPLACE, name, None if value is None else _octets(value))
                for name, value in attributes.items()
            ],
        )
        connection.unbind_s()

    def remove(self, dn: str) -> None:
        """Delete an entry."""
        connection = self.root()
        connection.delete_s(dn)
        connection.unbind_s()

    def person(self, name: str, *groups: str, **attributes: Any) -> str:
        """Add somebody to the directory and to groups; return the DN."""
        self._number += 1
        dn = f"CN={name},{PEOPLE}"
        given: dict[str, Any] = {
            "objectClass": "user",
            "sn": name.title(),
            "sAMAccountName": name,
            "userPassword": PASSWORD,
            "userAccountControl": "512",
            "pwdLastSet": "133000000000000000",
            "objectGUID": self._number.to_bytes(16),
            "objectSid": sid(self._number),
            "mail": f"{name.strip('$')}@example.test",
            "userPrincipalName": f"{name}@example.test",
        }
        self.add(dn, **{key: value for key, value in (given | attributes).items() if value})
        for group in groups:
            self.join(group, dn)
        return dn

    def join(self, group: str, dn: str) -> None:
        """Put somebody, or a group, into a group."""
        import ldap

        connection = self.root()
        connection.modify_s(group, [(ldap.MOD_ADD, "member", [dn.encode()])])
        connection.unbind_s()

    def leave(self, group: str, dn: str) -> None:
        """Take somebody out of a group."""
        import ldap

        connection = self.root()
        connection.modify_s(group, [(ldap.MOD_DELETE, "member", [dn.encode()])])
        connection.unbind_s()

    def empty(self) -> None:
        """Have nobody but the reader, and the groups, without members."""
        import ldap

        connection = self.root()
        for base in (PEOPLE, GROUPS):
            for dn, _ in connection.search_s(base, ldap.SCOPE_ONELEVEL, attrlist=["1.1"]):
                connection.delete_s(dn)
        connection.unbind_s()
        self.add(READER, objectClass="user", sn="Reader", userPassword=PASSWORD)
        for group in (USERS, MANAGERS, TEAM):
            self.add(group, objectClass="group")


def _octets(value: Any) -> list[bytes]:
    values = value if isinstance(value, list) else [value]
    return [one if isinstance(one, bytes) else str(one).encode() for one in values]


def write_certificates(folder: Path, host: str = "127.0.0.1") -> None:
    """Write a CA and the certificate of a server, as files that it reads."""
    now = datetime.now(UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Directory CA")])

    def certificate(name: x509.Name, public: Any, *extensions: Any) -> bytes:
        builder = x509.CertificateBuilder(
            issuer_name=ca_name,
            subject_name=name,
            public_key=public,
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(hours=1),
            not_valid_after=now + timedelta(days=1),
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        signed = builder.sign(ca_key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    (folder / "ca.pem").write_bytes(
        certificate(ca_name, ca_key.public_key(), (x509.BasicConstraints(True, None), True))  # noqa: FBT003  # the library's way
    )
    (folder / "server.pem").write_bytes(
        certificate(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]),
            key.public_key(),
            (x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), False),
        )
    )
    (folder / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def make_server(folder: Path) -> Iterator[Server]:
    """Make a directory and answer for it while it is wanted, or skip by name."""
    if _SLAPD is None:
        require("slapd")
    if importlib.util.find_spec("ldap") is None:
        missing("the Python package python-ldap is not installed")
    server = Server(folder)
    server.make()
    server.start()
    try:
        server.add(BASE, objectClass=["domain"])
        for unit in (PEOPLE, GROUPS):
            server.add(unit, objectClass="organizationalUnit")
        yield server
    finally:
        server.stop()
