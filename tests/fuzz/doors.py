"""Whole doors: octets into a site, through every layer, for a page that is no 500.

Each input meets a site as set-up leaves it: what it did is undone behind it.
"""

from __future__ import annotations

import atexit
import base64
import json
import os
import tempfile
import time
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_from_bytes

from tests.fuzz import mutate, seeds
from tests.fuzz.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import HttpResponse
    from django.test import Client

_BOUNDARY: Final = "b"
_MULTIPART: Final = f"multipart/form-data; boundary={_BOUNDARY}"
_FORM: Final = "application/x-www-form-urlencoded"
_REQUEST: Final = 64 * 1024
_PAGES: Final = (
    *("default.asp", "certrqus.asp", "certrqad.asp", "certrqbi.asp", "certrqma.asp"),
    *("certrqxt.asp", "preview", "certfnsh.asp", "status", "certckpn.asp", "certrmpn.asp"),
    *("requests", "help", "certcarc.asp", "certnew.cer", "certnew.p7b", "certcrl.crl"),
)
_DESK: Final = ("enrollmentrequest", "certificate", "auditevent", "template", "authority")


class _Site:
    """A site in memory, with Alice and a manager signed in."""

    def __init__(self) -> None:
        home = tempfile.TemporaryDirectory(prefix="certsrv-fuzz-")
        atexit.register(home.cleanup)
        os.environ |= {"CERTSRV_HOME": home.name, "CERTSRV_CA_KEY": "ec:p256"}
        # Django's client comes from 127.0.0.1: a proxy that may say whatever it is told to say.
        os.environ |= {
            "CERTSRV_SIGN_IN": "token,basic,certificate,remote-user",
            "CERTSRV_TRUSTED_PROXIES": "127.0.0.1",
            "CERTSRV_LIMITS": "off",
            "CERTSRV_SECOND_FACTOR": "off",
        }
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "certsrv.settings")
        os.environ.pop("DATABASE_URL", None)

        import django

        django.setup()
        from django.conf import settings
        from django.test import Client
        from django.test.utils import setup_databases, setup_test_environment
        from django.utils import timezone

        from enrollment.services import setup

        setup_test_environment()
        # What a password costs is known; here it would hide all else.
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        setup_databases(verbosity=0, interactive=False)
        setup.run_setup(now=timezone.now())
        self.stranger = Client()
        self.alice = self._signed_in("alice", "Enrollees")
        self.manager = self._signed_in("maria", "Certificate Managers", "Auditors")

    @staticmethod
    def _signed_in(name: str, *groups: str) -> Client:
        from django.contrib.auth.models import Group, User
        from django.test import Client

        user = User.objects.create_user(name, f"{name}@example.com")
        user.groups.set(Group.objects.filter(name__in=groups))
        client = Client()
        client.force_login(user)
        return client


@cache
def _site() -> _Site:
    return _Site()


def _undone(act: Callable[[_Site], None]) -> None:
    from django.db import transaction

    site = _site()
    undone = transaction.atomic()
    # As Django's own tests do, so that the site's transactions may stand inside this one.
    undone._from_testcase = True  # type: ignore[attr-defined]  # noqa: SLF001 - as Django does
    with undone:
        act(site)
        transaction.set_rollback(True)


def _page(response: Any) -> HttpResponse:
    assert response.status_code < 500, f"HTTP {response.status_code}"
    found: HttpResponse = response
    return found


def _body(octets: bytes) -> tuple[Any, str]:
    """Return a form and its content type: the first octet says how it is packed."""
    way, rest = octets[:1], octets[1:]
    if way == b"u":
        return rest, _FORM
    if way == b"m":
        return rest, _MULTIPART
    request, _, others = rest.partition(b"\x00\x00")
    lines, _, option = others.partition(b"\x00\x00")
    fields = {
        "Mode": b"newreq",
        "CertRequest": request,
        "CertAttrib": lines or b"CertificateTemplate:WebServer",
        "lbCertTemplate": option,
        "FriendlyType": option,
        "full": b"1",
    }
    if way == b"f":
        fields["CertRequest"] = b""
    return _multipart(fields, request if way == b"f" else None), _MULTIPART


def _multipart(fields: dict[str, bytes], file: bytes | None) -> bytes:
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value
        for name, value in fields.items()
    ]
    if file is not None:
        head = b'Content-Disposition: form-data; name="CertFile"; filename="a.req"\r\n\r\n'
        parts.append(head + file)
    mark = f"--{_BOUNDARY}".encode()
    return b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"


def _posted(octets: bytes, address: str, *also: str) -> None:
    body, content_type = _body(octets)

    def act(site: _Site) -> None:
        _page(site.alice.post(address, body, content_type=content_type))
        for page in also:
            _page(site.alice.get(page))

    _undone(act)


def _submit(octets: bytes) -> None:
    _posted(octets, "/certsrv/certfnsh.asp", "/certsrv/requests")


def _preview(octets: bytes) -> None:
    _posted(octets, "/certsrv/preview")


def _desk(octets: bytes) -> None:
    """A manager looks at what was sent: in the queue, in the review, in the list of events."""
    body, content_type = _body(b"f" + octets + b"\x00\x00CertificateTemplate:CodeSigning")

    def act(site: _Site) -> None:
        from enrollment.models import EnrollmentRequest

        _page(site.alice.post("/certsrv/certfnsh.asp", body, content_type=content_type))
        row = EnrollmentRequest.objects.order_by("-pk").first()
        if row is None:
            return  # nothing was sent
        for address in ("", f"{row.pk}/change/"):
            _page(site.manager.get(f"/admin/enrollment/enrollmentrequest/{address}"))
        _page(site.manager.get("/admin/enrollment/auditevent/"))

    _undone(act)


def _ocsp(octets: bytes) -> None:
    def act(site: _Site) -> None:
        posted = site.stranger.post("/ocsp", octets, content_type="application/ocsp-request")
        got = site.stranger.get("/ocsp/" + quote_from_bytes(octets[:3000], safe="/"))
        for answer in (posted, got):
            assert _page(answer).status_code == 200
            assert answer["Content-Type"] == "application/ocsp-response"

    _undone(act)


def _address(octets: bytes) -> None:
    """Any address with any question behind it, asked by each of three people."""
    number, rest = (octets[:1] or b"\x00")[0], octets[1:]
    pages = [f"/certsrv/{page}" for page in _PAGES]
    pages += [f"/admin/enrollment/{name}/" for name in _DESK] + ["/CertEnroll/", "/"]
    path, _, question = rest.partition(b"?")
    page = pages[number % len(pages)] + quote_from_bytes(path, safe="/%")
    address = f"{page}?{quote_from_bytes(question, safe='/%=&+;,:')}"

    def act(site: _Site) -> None:
        asker = site.manager if address.startswith("/admin") else site.alice
        _page(asker.get(address))

    _undone(act)


def _passkey(octets: bytes) -> None:
    """What the browser of somebody who knows a password says of a new passkey."""
    client_data, _, attestation = octets.partition(b"\x00\x00")

    def act(site: _Site) -> None:
        client, address = site.alice, "/accounts/factors/passkey/"
        begun = client.session
        begun["began_at"] = time.time()
        begun.save()
        _page(client.get(address, headers={"Host": "localhost"}))
        asked = client.session.get("passkey", {}).get("challenge", "").encode()
        response = {
            "clientDataJSON": _base64url(client_data.replace(b"CHALLENGE", asked)),
            "attestationObject": _base64url(attestation),
        }
        name = _base64url(b"a" * 16)
        sent = {"id": name, "rawId": name, "type": "public-key", "response": response}
        fields = {"label": "Key", "credential": json.dumps(sent)}
        _page(client.post(address, fields, headers={"Host": "localhost"}))

    _undone(act)


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _passkeys() -> Iterator[bytes]:
    from tests.signin.authenticator import Authenticator

    # The target puts in what the site has asked.
    asked = {"publicKey": {"challenge": "CHALLENGE"}}
    sent = json.loads(Authenticator(identifier=b"a" * 16, key=mutate.KEY).make(asked))
    parts = (sent["response"][name] for name in ("clientDataJSON", "attestationObject"))
    client_data, attestation = (base64.urlsafe_b64decode(part + "==") for part in parts)
    yield client_data + b"\x00\x00" + attestation


def _headers(octets: bytes) -> None:
    """What a stranger says about itself, before anybody knows who it is."""
    parts = octets.decode("latin-1").split("\n")
    keys = (
        "AUTHORIZATION",
        "COOKIE",
        "USER_AGENT",
        "RANGE",
        "IF_NONE_MATCH",
        "IF_MODIFIED_SINCE",
        "ORIGIN",
        "SEC_FETCH_SITE",
        "HOST",
        "CLIENT_CERT",
        "REMOTE_USER",
        "X_FORWARDED_FOR",
        "ACCEPT",
    )
    said: dict[str, Any] = {
        f"HTTP_{key}": value for key, value in zip(keys, parts, strict=False) if value
    }

    def act(site: _Site) -> None:
        for address in (
            "/certsrv/",
            "/certsrv/certcrl.crl",
            "/CertEnroll/x.crl",
            "/ocsp",
            "/admin/",
        ):
            _page(site.stranger.get(address, **said))
        _page(site.stranger.post("/certsrv/certfnsh.asp", b"a=b", content_type=_FORM, **said))

    _undone(act)


def _forms() -> Iterator[bytes]:
    for octets in seeds.signed_requests():
        yield b"f" + octets
    for octets in list(seeds.pastes())[:12]:
        yield b"p" + octets + b"\x00\x00CertificateTemplate:CodeSigning\x00\x00;User;"
    yield b"uMode=newreq&CertRequest=MII%00&CertAttrib=a%3Ab&certattrib=c"
    yield b"uMode=chkpnd&ReqID=1&flow=2000"
    yield b"m" + _multipart({"Mode": b"newreq", "CertRequest": b"MIIC"}, b"MIIC")


def _signed_form(octets: bytes, chance: Any) -> bytes:
    return octets[:1] + mutate.signed(octets[1:], chance)


def _addresses() -> Iterator[bytes]:
    for number in range(len(_PAGES) + len(_DESK) + 2):
        yield bytes((number,)) + b"?ReqID=1&Enc=b64&Renewal=0&flow=2000&names=a.example.com"
        yield bytes((number,)) + b"?q=a&o=1&p=2&e=1&all=&state=issued&id__exact=1"


def _shown_certificate() -> bytes:
    return b":" + base64.b64encode(next(seeds.certificates())) + b":"


_FORM_MUTATORS: Final = (_signed_form, mutate.words, mutate.octets)

TARGETS: Final = (
    Target("submit", _submit, _forms, (), _REQUEST, _FORM_MUTATORS),
    Target("preview", _preview, _forms, (), _REQUEST, _FORM_MUTATORS),
    Target("desk", _desk, seeds.signed_requests, (), _REQUEST, (mutate.signed,)),
    Target("status", _ocsp, seeds.ocsp_requests, (), 8193, (mutate.values, mutate.octets)),
    Target("address", _address, _addresses, (), 4096, (mutate.words, mutate.octets)),
    Target("passkey", _passkey, _passkeys, (), 6000),
    Target(
        "headers",
        _headers,
        lambda: (
            b'Basic YWxpY2U6eA==\nRequests=%5B1%2C0%2Cyes%2Cx%5D\ncurl\nbytes=0-1\nW/"a"\n'
            b"Thu, 26 Nov 2026 00:00:00 GMT\nhttp://testserver\nsame-origin\ntestserver\n"
            + _shown_certificate(),
            b"\n\n\n\n\n\n\n\n\n\nalice@localhost",
            b"Bearer x\nsessionid=a; csrftoken=b",
            b"Negotiate YII=",
        ),
        (),
        4096,
        (mutate.words, mutate.octets),
    ),
)
