"""Every page of `/certsrv`, rendered once by the real site, for tests that only read them."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

import pytest
from django.template import engines
from django.test import Client
from django.utils import timezone

from enrollment.services import review, setup
from enrollment.services.review import Reviewer
from tests import make
from tests.conftest import PASSWORD, person
from tests.undone import undone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpResponse

AGENT = "Mozilla/5.0 (X11; Linux x86_64)"
# A misspelt variable in any template shows this, and every page test looks for it.
MISSING = "!!missing"


@dataclass(frozen=True)
class Page:
    """One rendered page."""

    name: str
    request_id: int
    status: int
    content_type: str
    content: bytes

    @property
    def text(self) -> str:
        """The page as text."""
        return self.content.decode()

    @property
    def lines(self) -> list[str]:
        """The lines as clients split them: at LF, without CR."""
        return [line.rstrip("\r") for line in self.text.split("\n")]


@pytest.fixture(autouse=True, scope="session")
def loud_templates() -> None:
    """Make a variable that a template misspells visible."""
    engines["django"].engine.string_if_invalid = f"{MISSING} %s!!"  # type: ignore[attr-defined]  # Django's backend


class Visitor:
    """A program that sends its password with every request, as clients of `/certsrv` do."""

    def __init__(self, name: str = "") -> None:
        credentials = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
        headers = {"User-Agent": AGENT} | (
            {"Authorization": f"Basic {credentials}"} if name else {}
        )
        self._client = Client(headers=headers)

    def visit(self, address: str, method: str = "GET") -> HttpResponse:
        """Ask for any address of the host."""
        response: HttpResponse = self._client.generic(method, address)  # type: ignore[assignment]  # it is one
        return response

    def get(self, address: str, **options: Any) -> HttpResponse:
        """Get a page under /certsrv/."""
        response: Any = self._client.get(f"/certsrv/{address}", **options)
        return cast("HttpResponse", response)

    def post(self, address: str, fields: dict[str, Any], **options: Any) -> HttpResponse:
        """Post a form as multipart, as Django's client does."""
        response: Any = self._client.post(f"/certsrv/{address}", fields, **options)
        return cast("HttpResponse", response)

    def post_raw(
        self, body: bytes, content_type: str, address: str = "certfnsh.asp"
    ) -> HttpResponse:
        """Post octets as they are."""
        response: Any = self._client.post(
            f"/certsrv/{address}", data=body, content_type=content_type
        )
        return cast("HttpResponse", response)

    def submit(self, pem: bytes | str, template: str = "WebServer", **fields: Any) -> HttpResponse:
        """Post as the most used client does: url-encoded, CRLF between attributes."""
        text = pem.decode() if isinstance(pem, bytes) else pem
        values = {
            "Mode": "newreq",
            "CertRequest": text,
            "CertAttrib": f"CertificateTemplate:{template}\r\n",
            "UserAgent": AGENT,
            "FriendlyType": "Saved-Request Certificate",
            "TargetStoreFlags": "0",
            "SaveCert": "yes",
        }
        body = urlencode(values | fields).encode()
        return self.post_raw(body, "application/x-www-form-urlencoded")


def _people() -> None:
    setup.run_setup(now=timezone.now())
    for name in ("alice", "charlie"):
        person(name, "Enrollees")


@pytest.fixture(scope="package")
def served(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """One site for all tests of this folder: a CA and passwords take longer than all the tests."""
    with django_db_blocker.unblock(), undone():
        _people()
        yield


@pytest.fixture
def program(served: None) -> Iterator[Visitor]:
    """Alice's program; what it does is gone after the test."""
    with undone():
        yield Visitor("alice")


@pytest.fixture
def stranger(program: Visitor) -> Visitor:
    """A program of somebody else."""
    return Visitor("charlie")


@pytest.fixture(scope="package")
def pages(served: None) -> dict[str, Page]:
    """Every page that a program meets, by name."""
    with undone():
        return _draw()


def _draw() -> dict[str, Page]:
    visitor = Visitor("alice")
    found: dict[str, Page] = {}

    def keep(name: str, response: HttpResponse, request_id: int) -> None:
        found[name] = Page(
            name, request_id, response.status_code, response["Content-Type"], response.content
        )

    pem = make.request_pem("www.example.com", dns=("www.example.com",))
    issued = _number(visitor.submit(pem))
    keep("issued", visitor.submit(pem), issued + 1)
    keep("issued on return", _check(visitor, issued), issued)
    waiting = issued + 2
    keep("pending", visitor.submit(pem, "CodeSigning"), waiting)
    keep("still pending", _check(visitor, waiting), waiting)
    keep("bad template", visitor.submit(pem, "NoSuchTemplate"), waiting + 1)
    keep("junk", visitor.submit("hello"), waiting + 2)
    short = make.request_pem("short.example.com", kind="rsa:1024")
    keep("short key", visitor.submit(short), waiting + 3)
    keep("to be denied", visitor.submit(pem, "CodeSigning"), waiting + 4)
    manager = Reviewer(name="maria", may_review=True)
    review.deny(waiting + 4, manager, reason="Not this name.", now=timezone.now())
    keep("denied by a manager", _check(visitor, waiting + 4), waiting + 4)
    keep("nothing sent", visitor.submit(""), 0)
    keep("unknown on return", _check(visitor, 987654), 987654)
    for name, number in {
        "fetch pending": waiting,
        "fetch bad template": waiting + 1,
        "fetch junk": waiting + 2,
        "fetch short key": waiting + 3,
        "fetch denied by a manager": waiting + 4,
        "fetch unknown": 987654,
        "fetch -1": -1,
    }.items():
        keep(name, visitor.get(f"certnew.cer?ReqID={number}&Enc=b64"), number)
    for address in ("", "certrqus.asp", "certrqad.asp", "certrqxt.asp", "certcarc.asp"):
        keep(address or "home", visitor.get(address), 0)
    for address in ("requests", "certckpn.asp", "certrqma.asp?names=www.example.com", "help"):
        keep(address, visitor.get(address), 0)
    for address in ("certrqus.asp", "certrqad.asp", "certrqxt.asp", "certcarc.asp"):
        keep(f"{address}?flow=w2k", visitor.get(f"{address}?flow=w2k"), 0)
    keep("certrqus.asp?flow=cs1", visitor.get("certrqus.asp?flow=cs1"), 0)
    keep("preview", visitor.post("preview", {"CertRequest": pem.decode(), "full": "1"}), 0)
    return found


def _check(visitor: Visitor, number: int) -> HttpResponse:
    fields = {"Mode": "chkpnd", "ReqID": str(number), "SaveCert": "yes", "TargetStoreFlags": "0"}
    return visitor.post("certfnsh.asp", fields)


def _number(response: HttpResponse) -> int:
    match = re.search(rb"certnew.cer\?ReqID=(\d+)&", response.content)
    assert match is not None, response.content[-2000:]
    return int(match[1])
