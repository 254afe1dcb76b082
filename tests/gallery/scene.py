"""A site full of hostile names, and every page on which they are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from enrollment.ca import der, encode
from enrollment.models import (
    AgentGrant,
    AuditEvent,
    CertificateMapping,
    EnrollmentRequest,
    ManagerScope,
    NameGrant,
    SecondFactor,
    Template,
)
from enrollment.services import directory, enroll, review, tokens
from enrollment.services.review import Reviewer
from tests import messages
from tests.conftest import person
from tests.fuzz import mutate
from tests.gallery.values import octets, storable, utf8

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# How many requests are sent of each value; the second has it as a DNS name.
OF_EACH: Final = 5
FLOWS: Final = ("", "&flow=w2k", "&flow=cs1")
_BROWSER: Final = {"User-Agent": "Mozilla/5.0", "Sec-Fetch-Mode": "navigate"}
# These go to every page; the others to those that show one request or certificate.
EVERYWHERE: Final = frozenset(
    {
        "harmless",
        "refused",
        "script",
        "picture with a handler",
        "attribute breaker",
        "attribute breaker, single quotes",
        "comment and title breaker",
        "template language",
        "right to left override",
        "line separators",
        "terminal escape",
        "homograph",
    }
)
# The lists are drawn with all others; these are what follows on them.
_SHARED: Final = (
    "/admin/",
    "/admin/?after=40",
    "/admin/enrollment/enrollmentrequest/?p=2",
    "/admin/enrollment/auditevent/?p=2",
)


@dataclass
class Scene:
    """What was made of some values, and the pages drawn of it."""

    values: dict[str, str]
    pages: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    rows: list[EnrollmentRequest] = field(default_factory=list)

    def keep(self, name: str, response: Any) -> None:
        """Keep an answer by its name."""
        assert response.status_code < 500, name
        self.answers[name] = response
        if not response.streaming and "text/html" in response.headers.get("Content-Type", ""):
            self.pages[name] = response.content.decode()


def built(values: dict[str, str]) -> Scene:
    """Put every value in every place, and draw every page."""
    scene = Scene(values)
    furniture = [value for what, value in values.items() if what in EVERYWHERE]
    _rename_templates(furniture)
    manager = client_of(person("maria", "Certificate Managers", "Auditors", "CA Administrators"))
    for number, (what, value) in enumerate(values.items()):
        user = _user(number, value)
        rows = list(_requests(user, value))
        scene.rows += rows
        _draw_own(scene, what, value, user, rows)
        _draw_desk(scene, what, user, rows, manager)
    # A grant limits who may ask, so the requests came first.
    _furnish(furniture)
    _draw_furniture(scene, manager)
    for address in _SHARED:
        scene.keep(f"shared {address}", manager.get(address))
    for event in AuditEvent.objects.order_by("-pk")[:20]:
        address = f"/admin/enrollment/auditevent/{event.pk}/change/"
        scene.keep(f"event {event.pk}", manager.get(address))
    scene.keep("csv", manager.get("/admin/enrollment/certificate/csv/"))
    return scene


def request_of(
    *,
    subject: str = "",
    organization: str = "",
    common_name: str = "",
    dns: bytes = b"a.example.com",
    beside: str = "",
) -> bytes:
    """Return a request with a value in its subject or alternative names, or all around them."""
    host = dns.decode() if organization else "www.example.com"
    parts = [
        ("2.5.4.10", utf8(organization or subject or "Example")),
        ("2.5.4.11", utf8(organization or subject or "Web")),
        ("2.5.4.3", utf8(common_name or subject or host)),
    ]
    alternative = [der.implicit(2, dns)]
    if subject:
        alternative.append(der.explicit(4, messages.name(*parts[:1])))
        alternative.append(der.implicit(6, octets(subject)))
    text = utf8(beside or "Windows")
    return mutate.request(
        messages.name(*parts),
        messages.extension_request(messages.extension("2.5.29.17", der.sequence(*alternative))),
        messages.attribute(messages.MICROSOFT + "13.2.3", text),
        messages.attribute(messages.MICROSOFT + "13.2.2", der.sequence(der.integer(1), text)),
        messages.attribute(
            messages.MICROSOFT + "21.20", der.sequence(der.integer(9), text, text, text)
        ),
        messages.attribute(messages.MICROSOFT + "13.2.1", der.sequence(text, text)),
    )


def _user(number: int, value: str) -> User:
    """Add an account as a directory might bring it: with any name at all."""
    name = f"{storable(value)[:140]} {number}"
    user = User.objects.create_user(
        name, f"{number}@example.com", first_name=storable(value)[:150], last_name=name
    )
    user.groups.add(Group.objects.get(name="Enrollees"))
    wish = tokens.Wish(storable(value)[:60], 30, (), tuple(tokens.VERBS))
    tokens.make(user, wish, actor=name, now=timezone.now())
    return user


def _requests(user: User, value: str) -> Iterator[EnrollmentRequest]:
    """Send what waits, what is refused, what is issued, and what a manager denies."""
    waits = f"CertificateTemplate:SubCA\r\nHostile:{value}"
    yield _sent(user, value, waits, request_of(subject=value, beside=value))
    yield _sent(user, value, "CertificateTemplate:WebServer", request_of(dns=octets(value)))
    free = f"h{user.pk}.example.com".encode()
    issued = request_of(organization=value, dns=free)
    yield _sent(user, value, "CertificateTemplate:WebServer", issued)
    denied = _sent(user, value, waits, request_of(beside=value))
    review.deny(
        denied.pk, Reviewer("maria", may_review=True), reason=storable(value), now=timezone.now()
    )
    yield EnrollmentRequest.objects.get(pk=denied.pk)
    yield _sent(user, value, f"CertificateTemplate:{value}", request_of(beside=value))


def _sent(user: User, value: str, attributes: str, raw: bytes) -> EnrollmentRequest:
    submission = enroll.Submission(
        raw=raw,
        attributes=storable(attributes),
        requester=directory.requester_of(user),
        door="web",
        friendly_type=storable(value),
    )
    return enroll.enroll(submission, now=timezone.now())


def _draw_own(
    scene: Scene, what: str, value: str, user: User, rows: Iterable[EnrollmentRequest]
) -> None:
    """Draw what its requester sees."""
    client = client_of(user)
    for number, row in enumerate(rows):
        address = f"/certsrv/status?id={row.pk}{FLOWS[number % len(FLOWS)]}"
        scene.keep(f"status {number} of {what}", client.get(address))
    scene.keep(f"file of {what}", client.get(f"/certsrv/certnew.cer?ReqID={row.pk}&Enc=b64"))
    scene.keep(f"requests of {what}", client.get("/certsrv/requests"))
    pasted = encode.pem_request(request_of(subject=value, beside=value))
    fields = {"CertRequest": pasted, "CertAttrib": storable(value), "full": "1"}
    scene.keep(f"preview of {what}", client.post("/certsrv/preview", fields))
    if what not in EVERYWHERE:
        return
    scene.keep(f"pending of {what}", client.get("/certsrv/certckpn.asp"))
    scene.keep(f"tokens of {what}", client.get("/accounts/tokens/"))
    typed = urlencode({"names": storable(value), "organization": storable(value)})
    scene.keep(f"commands of {what}", client.get(f"/certsrv/certrqma.asp?{typed}"))


def _draw_desk(
    scene: Scene, what: str, user: User, rows: list[EnrollmentRequest], manager: Client
) -> None:
    """Draw what a manager sees: of each request, of the account, and after a search."""
    for number in (0, 3):
        address = f"/admin/enrollment/enrollmentrequest/{rows[number].pk}/change/"
        scene.keep(f"review {number} of {what}", manager.get(address))
    issued = next((row.certificate for row in rows if row.certificate is not None), None)
    if issued is not None:
        page = f"/admin/enrollment/certificate/{issued.pk}"
        scene.keep(f"certificate of {what}", manager.get(f"{page}/change/"))
        scene.keep(f"download of {what}", manager.get(f"{page}/download/pem/"))
    if what not in EVERYWHERE:
        return
    if issued is not None:
        chosen = {"act": "revoke", "certificate": issued.pk}
        scene.keep(f"revoke of {what}", manager.post("/admin/certificates/status/", chosen))
    waiting = {"act": "deny", "request": rows[0].pk}
    scene.keep(f"bulk of {what}", manager.post("/admin/queue/decide/", waiting))
    scene.keep(f"account of {what}", manager.get(f"/admin/auth/user/{user.pk}/change/"))
    term = quote(storable(scene.values[what])[:200])
    for address in (
        f"/admin/enrollment/certificate/?q={term}",
        f"/admin/enrollment/enrollmentrequest/?requester={quote(user.get_username())}",
        f"/admin/auth/user/?q={term}",
        f"/admin/?name={term}&requester={term}",
    ):
        scene.keep(f"{address.partition('?')[0]}? of {what}", manager.get(address))


def client_of(user: User) -> Client:
    """Return a browser in which somebody is signed in."""
    client = Client(SERVER_NAME="localhost", headers=_BROWSER)
    client.force_login(user)
    return client


def _rename_templates(values: Iterable[str]) -> None:
    """Give templates hostile names, as an administrator could."""
    templates = Template.objects.order_by("-published", "pk")
    for number, (value, template) in enumerate(zip(values, templates, strict=False)):
        text = f"{storable(value)[:90]} {number}"
        Template.objects.filter(pk=template.pk).update(display_name=text)


def _furnish(values: Iterable[str]) -> None:
    """Give groups, grants and mappings hostile names, as administrators or a directory could."""
    agent = User.objects.create_user("agent")
    for number, value in enumerate(values):
        text = f"{storable(value)[:90]} {number}"
        group = Group.objects.create(name=text)
        agent.groups.add(group)
        NameGrant.objects.create(group=group, dns_suffixes=[text], patterns=[text])
        AgentGrant.objects.create(agent_group=group).target_groups.add(group)
        CertificateMapping.objects.create(
            user=agent,
            rule="subject",
            value=text,
            issuer="00",
            issuer_name=text,
            subject=text,
            created_at=timezone.now(),
        )
        ManagerScope.objects.create(user=agent, requester_group=group)
        SecondFactor.objects.create(
            user=agent, kind="app", label=text[:60], secret=b"x", added_at=timezone.now()
        )


def _draw_furniture(scene: Scene, manager: Client) -> None:
    """Draw every list of the desk, and the pages of what has a name there."""
    agent = User.objects.get(username="agent")
    scene.keep("factors", client_of(agent).get("/accounts/factors/"))
    scene.keep("the agent", manager.get(f"/admin/auth/user/{agent.pk}/change/"))
    for model in admin.site._registry:  # noqa: SLF001 - Django names it no other way
        meta = model._meta  # noqa: SLF001 - as above
        listed = f"/admin/{meta.app_label}/{meta.model_name}/"
        scene.keep(f"list {listed}", manager.get(listed))
    numbers = {
        "auth/group": Group.objects.order_by("-pk").values_list("pk", flat=True),
        "enrollment/namegrant": NameGrant.objects.values_list("pk", flat=True),
        "enrollment/agentgrant": AgentGrant.objects.values_list("pk", flat=True),
    }
    for name, found in numbers.items():
        for number in list(found)[:8]:
            address = f"/admin/{name}/{number}/change/"
            scene.keep(f"page {address}", manager.get(address))
