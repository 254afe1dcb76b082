"""What a template must not say, each beside the template that may be stored."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from enrollment.ca.builtin import builtin_templates
from enrollment.ca.template import (
    ANY_PURPOSE,
    CLIENT_AUTHENTICATION,
    ENROLLMENT_AGENT,
    Approval,
    KeyUsage,
    SubjectSource,
)
from enrollment.ca.template_rules import Problem, problems
from tests import make

CA_USAGES = frozenset({KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN})
CA: dict[str, Any] = {
    "is_ca": True,
    "key_usages": CA_USAGES,
    "extended_key_usages": (),
    "approval": Approval.ALWAYS,
}


def judge(name: str = "WebServer", **options: Any) -> tuple[Problem, ...]:
    return problems(make.template(name, **options), issuer_end=None, now=make.NOW)


def test_a_sound_template_has_no_problems() -> None:
    assert judge() == ()
    assert judge("MyCA", path_length=0, **CA) == ()


@pytest.mark.parametrize(
    "template", builtin_templates(make.ARC), ids=lambda template: template.name
)
def test_every_default_template_may_be_stored_as_it_is(template: Any) -> None:
    found = problems(template, issuer_end=None, now=make.NOW)

    assert [problem for problem in found if problem.blocks] == []


@pytest.mark.parametrize(
    ("options", "field"),
    [
        pytest.param({"extended_key_usages": (CLIENT_AUTHENTICATION,)}, "approval", id="ESC1"),
        pytest.param(
            {
                "extended_key_usages": (ANY_PURPOSE,),
                "subject_source": SubjectSource.DIRECTORY,
                "directory_subject": "name",
            },
            "extended_key_usages",
            id="ESC2, any purpose",
        ),
        pytest.param(
            {
                "extended_key_usages": (),
                "subject_source": SubjectSource.DIRECTORY,
                "directory_subject": "name",
            },
            "extended_key_usages",
            id="ESC2, no purpose",
        ),
        pytest.param({"extended_key_usages": (ENROLLMENT_AGENT,)}, "approval", id="ESC3"),
        pytest.param({**CA, "approval": Approval.NONE}, "approval", id="a CA at once"),
        pytest.param({**CA, "key_usages": frozenset()}, "key_usages", id="a CA that cannot sign"),
        pytest.param({"key_usages": CA_USAGES}, "key_usages", id="signing without a CA"),
        pytest.param({"path_length": 0}, "path_length", id="path length without a CA"),
        pytest.param({"allowed_keys": ()}, "allowed_keys", id="no key would pass"),
        pytest.param({"minimum_rsa_bits": 1024}, "minimum_rsa_bits", id="keys that break"),
        pytest.param({"validity": timedelta(0)}, "validity", id="no time"),
        pytest.param({"validity": timedelta(days=36_501)}, "validity", id="too much time"),
        pytest.param(
            {"validity": timedelta(days=30), "renewal_period": timedelta(days=30)},
            "renewal_period",
            id="due at once",
        ),
        pytest.param({"enroll_groups": frozenset()}, "enroll_groups", id="for nobody"),
        pytest.param(
            {"subject_source": SubjectSource.DIRECTORY, "directory_subject": "none"},
            "directory_alternative_names",
            id="no name at all",
        ),
    ],
)
def test_a_template_that_would_be_dangerous_or_useless_is_blocked(
    options: dict[str, Any], field: str
) -> None:
    found = judge(**options)

    assert field in {problem.field for problem in found if problem.blocks}
    assert str(found[0]) == f"{found[0].detail} {found[0].remedy}"


@pytest.mark.parametrize("name", ["SubCA", "ca", "CROSSCA"])
def test_a_name_that_clients_take_for_a_ca_is_a_cas(name: str) -> None:
    assert {"is_ca", "approval"} <= {problem.field for problem in judge(name)}
    assert judge(name, **CA) == ()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"approval": Approval.ALWAYS}, id="a manager looks"),
        pytest.param({"published": False}, id="nobody can ask"),
    ],
)
def test_the_same_purposes_are_fine_when_somebody_looks_or_nobody_can_ask(
    options: dict[str, Any],
) -> None:
    assert judge(extended_key_usages=(ENROLLMENT_AGENT,), **options) == ()


@pytest.mark.parametrize(
    ("options", "field"),
    [
        pytest.param({"weak_request_signatures": True}, "weak_request_signatures", id="SHA-1"),
        pytest.param({"ra_signatures": 1}, "ra_signatures", id="nobody signs as an authority"),
    ],
)
def test_what_is_only_worth_knowing_does_not_block(options: dict[str, Any], field: str) -> None:
    (found,) = judge(**options)

    assert found.field == field
    assert not found.blocks


def test_a_template_that_outlives_its_ca_is_worth_knowing() -> None:
    template = make.template(validity=timedelta(days=730))

    short = problems(template, issuer_end=make.NOW + timedelta(days=729), now=make.NOW)
    long = problems(template, issuer_end=make.NOW + timedelta(days=730), now=make.NOW)

    assert [(problem.field, problem.blocks) for problem in short] == [("validity", False)]
    assert long == ()


def test_what_blocks_comes_first() -> None:
    found = judge(weak_request_signatures=True, enroll_groups=frozenset())

    assert [problem.blocks for problem in found] == [True, False]
