"""Names beyond what may be asked for, and names that somebody else holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509

from enrollment.ca import content, errors
from enrollment.ca.name_rules import NameRules
from enrollment.ca.names import HeldName
from enrollment.ca.policy import (
    Case,
    Counts,
    Hold,
    Holder,
    Issue,
    Knowledge,
    decide,
    remarks,
)
from enrollment.ca.template import Approval, HeldNames, Limits, NamesBeyond, SubjectSource
from tests import make
from tests.ca.cases import refusal, small
from tests.ca.issuing import issue, order

WWW = HeldName("dns", "www.example.com")
CORP = NameRules(dns_suffixes=("example.com",))


def held(name: HeldName = WWW, by: str = "bob") -> Knowledge:
    return Knowledge(holders=(Holder(name, by, "01", make.NOW),))


def case(knowledge: Knowledge | None = None, **template: Any) -> Case:
    request = small(dns=["www.example.com"])
    return Case(request, make.template(**template), make.requester(), knowledge or Knowledge())


# --- what may be asked for ---


@pytest.mark.parametrize(
    ("rules", "kind", "inside", "outside"),
    [
        pytest.param(
            {"email_domains": ("example.com",)},
            "email",
            ("a@example.com", "a@mail.example.com"),
            (
                "a@evilexample.com",
                "a@example.com.evil.org",
                "example.com",
                "a@example.com@evil.org",
            ),
            id="e-mail",
        ),
        pytest.param(
            {"upn_suffixes": ("@Corp.Example",)},
            "upn",
            ("alice@corp.example",),
            ("alice@example", "alice", "alice@xcorp.example"),
            id="user principal name",
        ),
        pytest.param(
            {"dns_suffixes": ("example.com",)},
            "email",
            (),
            ("a@example.com",),
            id="a host rule allows no e-mail address",
        ),
        pytest.param(
            {"patterns": ("urn:app:*",)},
            "uri",
            ("urn:app:1",),
            ("https://example.com/",),
            id="whatever else needs a pattern",
        ),
    ],
)
def test_each_kind_of_name_has_its_own_rule(
    rules: dict[str, Any], kind: str, inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    value = NameRules(**rules)

    assert all(value.allow(HeldName(kind, name)) for name in inside)
    assert not any(value.allow(HeldName(kind, name)) for name in outside)


def test_a_group_may_ask_only_for_what_it_was_granted() -> None:
    allowed = case(Knowledge(name_grants=(CORP,)))
    foreign = case(Knowledge(name_grants=(NameRules(dns_suffixes=("example.org",)),)))

    assert decide(allowed) == Issue()
    error = refusal(foreign)
    assert isinstance(error, errors.NameNotAllowed)
    assert "www.example.com" in error.detail
    assert "example.org" in error.detail


def test_who_is_in_several_groups_may_ask_for_what_any_of_them_was_granted() -> None:
    both = Knowledge(name_grants=(NameRules(dns_suffixes=("example.org",)), CORP))

    assert decide(case(both)) == Issue()


def test_who_is_in_no_granted_group_may_ask_for_nothing() -> None:
    error = refusal(case(Knowledge(name_grants=())))

    assert "may ask for" in error.detail
    assert error.detail.endswith("none.")


def test_a_grant_never_widens_the_template() -> None:
    template = {"allowed_names": NameRules(dns_suffixes=("example.org",))}

    assert isinstance(
        refusal(case(Knowledge(name_grants=(CORP,)), **template)), errors.NameNotAllowed
    )


def test_names_beyond_the_rules_wait_where_the_template_says_so() -> None:
    rules = NameRules(dns_suffixes=("example.org",))

    decision = decide(case(allowed_names=rules, names_beyond=NamesBeyond.HOLD))

    assert isinstance(decision, Hold)
    assert "'www.example.com'" in decision.reason


def test_names_from_the_directory_are_not_asked_for() -> None:
    by_directory = case(
        Knowledge(name_grants=()),
        subject_source=SubjectSource.DIRECTORY,
        directory_subject="name",
    )

    assert decide(by_directory) == Issue()


# --- held by somebody else ---


def test_a_name_that_somebody_else_holds_waits_and_does_not_say_who() -> None:
    decision = decide(case(held()))

    assert isinstance(decision, Hold)
    assert "'www.example.com'" in decision.reason
    assert "bob" not in decision.reason


def test_a_name_that_the_requester_holds_is_issued() -> None:
    assert decide(case(held(by=make.requester().name))) == Issue()


def test_a_person_s_name_belongs_to_nobody() -> None:
    """Two people may both be called Jane Doe."""
    assert decide(case(held(HeldName("cn", "jane doe")))) == Issue()


def test_a_host_in_the_common_name_belongs_to_somebody() -> None:
    assert isinstance(decide(case(held(HeldName("cn", "www.example.com")))), Hold)


def test_a_site_that_only_reports_issues_and_says_what_would_have_waited() -> None:
    reporting = case(held(), held_names=HeldNames.REPORT)

    assert decide(reporting) == Issue()
    assert "somebody else holds" in remarks(reporting)[0]


def test_a_site_that_does_not_mind_says_nothing() -> None:
    careless = case(held(), held_names=HeldNames.IGNORE)

    assert decide(careless) == Issue()
    assert remarks(careless) == ()


def test_a_refusal_comes_before_a_wait_for_names() -> None:
    error = refusal(case(held(), enroll_groups=frozenset({"Others"})))

    assert isinstance(error, errors.TemplateDenied)


def test_who_must_be_approved_anyway_is_told_that_first() -> None:
    decision = decide(case(held(), approval=Approval.ALWAYS))

    assert isinstance(decision, Hold)
    assert "needs the approval" in decision.reason


# --- limits ---


@pytest.mark.parametrize("which", ["requester", "name", "in_all"])
def test_a_limit_that_is_reached_refuses_and_says_the_number(which: str) -> None:
    limits = replace(Limits(), **{which: 3})  # type: ignore[arg-type]  # a field of numbers

    error = refusal(case(Knowledge(counts=Counts(**{which: 3})), limits=limits))

    assert isinstance(error, errors.LimitReached)
    assert "3 certificates" in error.detail
    assert "last 7 days" in error.detail
    assert decide(case(Knowledge(counts=Counts(**{which: 2})), limits=limits)) == Issue()


# --- the security identifier ---

SID = "S-1-5-21-1004336348-1177238915-682003330-1104"
# ms-facts section a.2.
ENCODED = bytes.fromhex(
    "303fa03d060a2b060104018237190201a02f042d532d312d352d32312d313030343333363334382d"
    "313137373233383931352d3638323030333333302d31313034"
)


def test_the_security_identifier_is_encoded_as_windows_reads_it() -> None:
    assert content._security_identifier(SID) == ENCODED  # noqa: SLF001 - the octets are the point


@pytest.mark.parametrize(
    ("template", "is_there"),
    [
        pytest.param({"subject_source": SubjectSource.DIRECTORY}, True, id="from the directory"),
        pytest.param({"subject_source": SubjectSource.REQUEST}, False, id="from the request"),
        pytest.param(
            {"subject_source": SubjectSource.DIRECTORY, "include_sid": False},
            False,
            id="switched off",
        ),
    ],
)
def test_the_security_identifier_binds_only_names_of_the_directory(
    template: dict[str, Any],
    is_there: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """ESC9, ESC16: a certificate for sign-in says whose account it is."""
    requester = replace(make.requester(), sid=SID)
    issued = issue(make.template(directory_subject="name", **template), requester=requester)

    assert (content.NTDS_SECURITY in order(issued)) is is_there


def test_a_request_never_brings_a_security_identifier() -> None:
    claimed = x509.UnrecognizedExtension(x509.ObjectIdentifier(content.NTDS_SECURITY), ENCODED)

    issued = issue(make.template(), extensions=[(claimed, False)])

    assert content.NTDS_SECURITY not in order(issued)
