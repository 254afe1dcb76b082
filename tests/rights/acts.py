"""How each row of docs/reference/rights.md is played, and what its answer is called there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth.models import Group
from django.utils import timezone

from enrollment.ca.disposition import Disposition
from enrollment.ca.errors import EnrollmentError
from enrollment.models import (
    AgentGrant,
    AuditEvent,
    Authority,
    CertificateRevocationList,
    EnrollmentRequest,
    NameGrant,
    Template,
)
from enrollment.services import review
from tests import make
from tests.rights.scene import facts
from tests.signin.second_factors import code

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.rights.scene import Belongings, Scene

YES: Final = "yes"
SIGN_IN: Final = "sign in"
NO: Final = "no"
REFUSED: Final = "refused"
HIDDEN: Final = "hidden"
NOT_THERE: Final = "not there"
_WORDS: Final = {401: SIGN_IN, 403: NO, 404: NOT_THERE, 405: NOT_THERE}


@dataclass(frozen=True)
class Case:
    """One address, asked by one role about one object."""

    act: str
    method: str
    address: str
    whose: str
    role: str


def play(case: Case, scene: Scene) -> str:
    """Ask, and return in one word what came of it.

    Raises:
        AssertionError: something changed although the answer was a refusal.
    """
    client, thing = scene.browser(case.role), scene.of(case.role, case.whose)
    address, fields = filled(case.address, thing), fields_of(case, thing)
    before = facts()
    if case.method == "POST":
        response = client.post(address, fields)
    else:
        response = client.get(address, fields)
    changed = facts() != before
    word = _word(case, thing, response, changed=changed)
    response.close()  # lists are sent from open files
    is_kept = case.act in KEPT_WHEN_REFUSED
    assert not changed or is_kept or (word == YES and case.method == "POST"), (
        f"{case} did something"
    )
    return word


def _word(case: Case, thing: Belongings, response: Any, *, changed: bool) -> str:
    if response.status_code in _WORDS:
        return _WORDS[response.status_code]
    assert response.status_code in (200, 302), (case, response.status_code)
    if case.act in KEPT_WHEN_REFUSED:
        is_issued = EnrollmentRequest.objects.order_by("-pk")[0].state is Disposition.ISSUED
        return YES if is_issued else REFUSED
    if case.method == "POST" and case.act not in LOOKS:
        return YES if changed else REFUSED
    if case.whose == "–":  # noqa: RUF001 - the table's dash
        return YES
    if not response["Content-Type"].startswith("text/html"):
        return YES
    return YES if thing.user.get_username() in _body(response) else HIDDEN


def _body(response: Any) -> str:
    """Return the page without the line that says who is signed in."""
    text: str = response.content.decode()
    return text.partition("<main")[2] or text


def filled(address: str, thing: Belongings) -> str:
    """Write the keys of real rows into an address."""
    for place, key in {
        "certificate/<id>": thing.certificate.pk,
        "enrollmentrequest/<id>": thing.waiting.pk,
        "user/<id>": thing.user.pk,
        "tokens/<id>": thing.token.pk,
        "factors/<id>": thing.factor.pk,
        "<request>": thing.waiting.pk,
        "<issued>": thing.certificate.request.pk,
        "auditevent/<id>": _first(AuditEvent),
        "authority/<id>": _first(Authority),
        "certificaterevocationlist/<id>": _first(CertificateRevocationList),
        "group/<id>": _first(Group),
        "agentgrant/<id>": _first(AgentGrant),
        "namegrant/<id>": _first(NameGrant),
        "template/<id>": Template.objects.get(name="WebServer").pk,
        "<encoding>": "pem",
        "<name>": "Example%20Issuing%20CA.crl",
        "<app>": "enrollment",
        "<type>/<id>": "1/1",
        "<anything>": "nothing",
    }.items():
        address = address.replace(place, place.partition("<")[0] + str(key))
    assert "<" not in address, address
    return address


def _first(model: Any) -> int:
    return int(model.objects.order_by("pk").values_list("pk", flat=True)[0])


def fields_of(case: Case, thing: Belongings) -> dict[str, Any]:
    return FIELDS[case.act](thing) if case.act in FIELDS else {}


def _digest(thing: Belongings) -> str:
    try:
        return review.prepare_review(thing.waiting.pk, now=timezone.now()).digest
    except (review.DecisionRefused, EnrollmentError):
        return ""


def _status(act: str, **fields: str) -> Callable[[Belongings], dict[str, Any]]:
    return lambda thing: {
        "act": act, "certificate": thing.certificate.pk, "confirmed": "1", **fields
    }  # fmt: skip


def _user(thing: Belongings) -> dict[str, Any]:
    groups = thing.user.groups.values_list("pk", flat=True)
    return {
        "username": thing.user.username, "email": "new@example.com", "is_active": "on",
        "groups": list(groups), "account-TOTAL_FORMS": "0", "account-INITIAL_FORMS": "0",
        "manager_scopes-TOTAL_FORMS": "0", "manager_scopes-INITIAL_FORMS": "0",
        "certificate_mappings-TOTAL_FORMS": "0", "certificate_mappings-INITIAL_FORMS": "0",
    }  # fmt: skip


_PASSWORD: Final = {
    "usable_password": "true",
    "password1": "another long password",
    "password2": "another long password",
}
FIELDS: Final[dict[str, Callable[[Belongings], dict[str, Any]]]] = {
    "Issue a request": lambda thing: {"act": "issue", "digest": _digest(thing)},
    "Deny a request": lambda _: {"act": "deny", "reason": "no"},
    "Issue several": lambda thing: {
        "act": "issue", "request": thing.waiting.pk, "confirmed": "1",
        f"digest_{thing.waiting.pk}": _digest(thing),
    },
    "Deny several": lambda thing: {
        "act": "deny", "request": thing.waiting.pk, "confirmed": "1", "reason": "no"
    },
    "Revoke": _status("revoke", reason="1"),
    "Hold": _status("hold"),
    "Revoke all of a requester": lambda thing: {
        "act": "revoke", "requester": thing.user.username, "confirmed": "1", "reason": "1",
        "newest": "999999",
    },
    "Change an account": _user,
    "Set the password of an account": lambda _: _PASSWORD,
    "Let an account try again that has to wait": lambda _: {},
    "Take somebody's second factors away": lambda _: {},
    "Add an account": lambda thing: {**_user(thing), **_PASSWORD, "username": "newcomer"},
    "Add a name grant": lambda _: {
        "group": Group.objects.get(name="Enrollees").pk, "dns_suffixes": "example.org"
    },
    "Delete a name grant": lambda _: {"post": "yes"},
    "Grant something to an enrollment agent": lambda _: {
        "account": "somebody",
        "templates": Template.objects.get(name="User").pk,
        "target_groups": Group.objects.get(name="Enrollees").pk,
    },
    "End the grant of an agent": lambda _: {"post": "yes"},
    "Stop offering a template": lambda _: {
        "action": "withdraw", "_selected_action": Template.objects.get(name="User").pk
    },
    "Submit a request": lambda _: {
        "Mode": "newreq",
        "CertRequest": make.request_pem("new.example.com").decode(),
        "CertAttrib": "CertificateTemplate:WebServer",
    },
    "Ask after a request": lambda thing: {"Mode": "chkpnd", "ReqID": thing.waiting.pk},
    "Make a token": lambda _: {"label": "another", "days": "7", "verbs": "fetch"},
    "End a token": lambda _: {},
    "Show one's second factor": lambda _: {"code": code()},
    "Change one's password": lambda _: {
        "old_password": "correct horse battery",
        "new_password1": "another long password",
        "new_password2": "another long password",
    },
}  # fmt: skip
# Posts that only show something, or change nothing that an audit would miss.
LOOKS: Final = {
    "Ask after a request",
    "Check the CA now",
    "Preview a request",
    "Take a request off the browser's list",
}
# What was refused is kept, with its reason.
KEPT_WHEN_REFUSED: Final = {"Submit a request"}
