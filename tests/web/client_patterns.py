"""What real clients look for on our pages, as data: certsrv-contract sections 2.1 to 2.6.

Each row is the expression of a client as its source has it. `on` names the pages where it must
match, `off` those where it must not; `gives` is what its first group must be there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ID = "{id}"

ISSUED = ("issued", "issued on return")
WAITING = ("pending", "still pending")
DENIED = ("bad template", "junk", "short key", "denied by a manager")
FAILED = ("nothing sent", "unknown on return")
FETCHED = (
    "fetch pending",
    "fetch bad template",
    "fetch junk",
    "fetch short key",
    "fetch denied by a manager",
    "fetch unknown",
    "fetch -1",
)
NOT_ISSUED = (*WAITING, *DENIED, *FAILED, *FETCHED)
NOT_WAITING = (*ISSUED, *DENIED, *FAILED)
NOT_DENIED = (*ISSUED, *WAITING)


@dataclass(frozen=True)
class Row:
    """One expression of one client."""

    client: str
    pattern: str
    on: tuple[str, ...]
    off: tuple[str, ...] = ()
    gives: str | None = None
    flags: int = 0

    def search(self, text: str) -> re.Match[str] | None:
        """Look for it as the client does."""
        return re.search(self.pattern, text, self.flags)


PATTERNS = (
    # 2.1 issued
    Row("magnuswatn", r"certnew.cer\?ReqID=(\d+)&", ISSUED, NOT_ISSUED, ID),
    Row("degagne", r"certnew.cer\?ReqID\=([0-9]+)", ISSUED, NOT_ISSUED, ID),
    Row("nokia, djkormo, Certipy", r"certnew.cer\?ReqID=([0-9]+)&", ISSUED, NOT_ISSUED, ID),
    Row("impacket", r'location="certnew.cer\?ReqID=(.*?)&', ISSUED, NOT_ISSUED, ID),
    Row(
        "Metasploit, first location",
        r'^.*location="(.*)"',
        ISSUED,
        NOT_ISSUED,
        "certnew.cer?ReqID={id}&",
        re.MULTILINE,
    ),
    Row("jimmypw, issued", r"Certificate Issued", ISSUED, NOT_ISSUED),
    Row("jimmypw, link", r"certnew.cer\?ReqID=(\d+)&amp;Enc=b64", ISSUED, NOT_ISSUED, ID),
    Row(
        "jimmypw, on return", r"The certificate you requested was issued to you", ISSUED, NOT_ISSUED
    ),
    Row("RemoteMaster", r"ReqID=(\d+)", ISSUED, NOT_ISSUED, ID),
    Row("adPEAS", r"certnew\.cer\?ReqID=(\d+)", ISSUED, NOT_ISSUED, ID),
    Row("infisical, id", r"reqid[=:](\d+)", ISSUED, (), ID, re.IGNORECASE),
    Row("infisical, issued", r"issued", ISSUED, (), None, re.IGNORECASE),
    Row(
        "infisical, other outcomes",
        r"pending|taken under submission|denied|rejected",
        (*WAITING, *DENIED),
        ISSUED,
        None,
        re.IGNORECASE,
    ),
    Row("playwright", r"ID=locPageTitle>\s*Certificate Issued", ISSUED, NOT_ISSUED),
    # 2.2 pending
    Row("magnuswatn, waiting", r"Certificate Pending", WAITING, (*NOT_WAITING, *FETCHED)),
    Row(
        "magnuswatn, id", r"Your Request Id is (\d+).", (*WAITING, *DENIED), (*ISSUED, *FAILED), ID
    ),
    Row("nokia, id", r"Your Request Id is ([0-9]+).", (*WAITING, *DENIED), (*ISSUED, *FAILED), ID),
    Row(
        "jimmypw, received",
        r"Your certificate request has been received\.",
        ("pending",),
        ("still pending", *NOT_WAITING),
    ),
    Row("jimmypw, still", r"still pending", ("still pending",), ("pending", *NOT_WAITING)),
    Row(
        "infisical, waiting",
        r"pending|taken under submission",
        WAITING,
        (*ISSUED, *DENIED),
        None,
        re.IGNORECASE,
    ),
    Row("infisical, number", r"request id:\s*(\d+)", WAITING, NOT_WAITING, ID, re.IGNORECASE),
    Row(
        "CryptoPro",
        r'<Input Type=Hidden Name=ReqID Value="([0-9]+)">',
        WAITING,
        NOT_WAITING,
        ID,
    ),
    Row("bgstack15, number", r"' nReqId.*= (\d+)$", (*ISSUED, *WAITING), DENIED, ID, re.MULTILINE),
    # 2.3 denied
    Row("magnuswatn, message", r'The disposition message is "([^"]+)', DENIED, NOT_DENIED),
    Row("magnuswatn's test, junk", r"Error Parsing Request", ("junk", "fetch junk"), NOT_DENIED),
    Row(
        "magnuswatn's test, template",
        r"The request was for a certificate template that is not supported",
        ("bad template", "fetch bad template"),
        ("junk", "short key", *NOT_DENIED),
    ),
    Row(
        "Certipy, code",
        r"Denied by Policy Module  (0x[0-9a-fA-F]+),",
        ("bad template", "fetch bad template"),
        ("junk", *NOT_DENIED),
        "0x80094800",
    ),
    Row(
        "Certipy, key",
        r"Denied by Policy Module  (0x[0-9a-fA-F]+),",
        ("short key",),
        (),
        "0x80094811",
    ),
    Row(
        "bgstack15, message",
        r'The disposition message is.*".*"',
        DENIED,
        NOT_DENIED,
    ),
    Row("jimmypw, denied", r"Your certificate request was denied\.", DENIED, NOT_DENIED),
    Row("Metasploit, denied", r"request was denied", DENIED, NOT_DENIED),
    Row("goertipy", r"Certificate Request Denied", DENIED, NOT_DENIED),
    Row("adPEAS, denied", r"(?i)denied", DENIED, NOT_DENIED),
    Row("adPEAS, message", r'The disposition message is[^"]*"([^"]+)"', DENIED, NOT_DENIED),
    Row("infisical, denied is not waiting", r"pending", WAITING, DENIED, None, re.IGNORECASE),
    # 2.4 error
    Row("Metasploit, failed", r"request failed", (*FAILED, *FETCHED), (*ISSUED, *WAITING, *DENIED)),
    Row("infisical, result", r"<b>Result:</b>\s*([^<(]+)", FAILED, (), None, re.IGNORECASE),
    Row("infisical, cause", r"<b>Suggested Cause:</b>\s*([^<(]+)", FAILED, (), None, re.IGNORECASE),
    # 2.5 a request without a certificate
    Row(
        "magnuswatn, fetch",
        r"Disposition message:[^\t]+\t\t([^\r\n]+)",
        ("fetch pending",),
        (),
        "Taken Under Submission",
    ),
    Row("nokia, fetch", r"Disposition message:[^\t]+\t\t([^\r\n]+)", FETCHED, ISSUED),
    Row("nokia, status", r"LastStatus:[^\t]+\t\t([^\r\n]+)", FETCHED, ISSUED),
    Row(
        "nokia, waits",
        r".*Taken Under Submission*.",
        ("fetch pending",),
        tuple(name for name in FETCHED if name != "fetch pending"),
    ),
    Row(
        "nokia, rejected",
        r".*Denied by*.",
        ("fetch bad template", "fetch short key", "fetch denied by a manager"),
        ("fetch pending", "fetch junk", "fetch unknown", "fetch -1"),
    ),
    Row("Certipy, no certificate", r"BEGIN CERTIFICATE", (), FETCHED),
    Row(
        "Certipy, unknown; Lemur",
        r"The requested property value is empty.*CERTSRV_E_PROPERTY_EMPTY",
        ("fetch unknown", "fetch -1"),
        ("fetch pending", "fetch junk"),
    ),
    Row(
        "Certipy, code after the number",
        r"(0x[a-zA-Z0-9]+) \([-]?[0-9]+ ",
        ("fetch unknown",),
        ("fetch pending",),
        "0x80094004",
    ),
    Row(
        "Certipy, code of a manager's denial",
        r"(0x[a-zA-Z0-9]+) \([-]?[0-9]+ ",
        ("fetch denied by a manager",),
        (),
        "0x80094014",
    ),
    Row("infisical, goes on", r"<html", FETCHED, ()),
    # 1.7, 2.6 the CA's own page
    Row("magnuswatn, renewals", r"var nRenewals=(\d+);", ("certcarc.asp",), ("home",), "0"),
    Row("infisical, renewals", r"var\s+nRenewals\s*=\s*(\d+)\s*;", ("certcarc.asp",), (), "0"),
    # 1.3 the list of templates
    Row(
        "Metasploit, templates",
        r'^.*Option Value="[E|O];(.*?);',
        ("certrqxt.asp", "certrqad.asp"),
        ("certcarc.asp",),
        None,
        re.MULTILINE,
    ),
    Row(
        "Certipy, list",
        r"<Select Name=lbCertTemplate ID=lbCertTemplateID>",
        ("certrqxt.asp", "certrqad.asp", "certrqxt.asp?flow=w2k"),
    ),
    # 1.1 what is probed
    Row("infisical, probe", r"Certificate Services", ("home", "certrqus.asp", "issued", "junk")),
)
