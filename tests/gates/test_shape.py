"""The shape of the code: sizes, who may do what, and promises the tools cannot read."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.gates.source import ROOT, Source, modules

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = modules("enrollment", "certsrv")
EVERYTHING = modules("enrollment", "certsrv", "tests", "benchmarks")
LONGEST_MODULE = 400
LONGEST_FUNCTION = 50
LONGEST_VIEW = 40
# The ratchet, in a thousand lines: these may fall, never rise. Two are the aim (style guide 4.6).
MOST_NOQA = 7.1
MOST_TYPE_IGNORE = 1.8


def functions(source: Source) -> Iterator[tuple[str, int]]:
    """Yield each function with its length in lines, its docstring left out."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            start = first.end_lineno if documented and first.end_lineno else node.lineno
            assert node.end_lineno is not None
            yield f"{source.name}:{node.name}", node.end_lineno - start


@pytest.mark.parametrize("source", EVERYTHING, ids=lambda source: source.name)
def test_no_module_is_longer_than_a_person_reads_at_once(source: Source) -> None:
    assert source.text.count("\n") <= LONGEST_MODULE


def test_no_function_is_longer_than_a_screen() -> None:
    assert [
        name for code in CODE for name, size in functions(code) if size > LONGEST_FUNCTION
    ] == []


def test_views_connect_and_do_not_decide() -> None:
    views = [source for source in CODE if "/views" in source.name]

    assert views
    assert [name for view in views for name, size in functions(view) if size > LONGEST_VIEW] == []


def test_the_core_imports_without_django() -> None:
    core = [
        source.name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        for source in modules("enrollment/ca")
    ]
    program = "import sys; sys.modules['django'] = None; import " + ", ".join(core)

    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False
    )

    assert run.returncode == 0, run.stderr.decode()


@pytest.mark.parametrize(
    ("more", "is_there"),
    [("", "False"), ("from enrollment.ca import lint; lint.load()", "True")],
)
def test_commands_that_sign_nothing_start_without_the_linter(more: str, is_there: str) -> None:
    """Its rules take longer to import than the project; a server loads them before it forks."""
    program = f"""
import sys, django
django.setup()
django.core.checks.run_checks()
{more}
print("pkilint" in sys.modules)
"""
    settings = os.environ | {"DJANGO_SETTINGS_MODULE": "certsrv.settings"}
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=settings, capture_output=True, check=True
    )

    assert run.stdout.decode().strip() == is_there


def test_every_exception_from_the_rules_has_its_reason() -> None:
    bare = [
        f"{source.name}:{number}"
        for source in EVERYTHING
        for number, line in enumerate(source.text.splitlines(), 1)
        if re.search(r"# (noqa|type: ignore)(?!\S*[:\[])", line)
        or re.search(r"# noqa: [A-Z0-9, ]+$|# type: ignore\[[a-z-, ]+\]$", line)
    ]

    assert bare == []


@pytest.mark.parametrize(
    ("mark", "most"), [("noqa", MOST_NOQA), ("type: ignore", MOST_TYPE_IGNORE)]
)
def test_exceptions_from_the_rules_do_not_grow_faster_than_the_code(mark: str, most: float) -> None:
    lines = sum(source.text.count("\n") for source in CODE)

    assert sum(source.text.count(f"# {mark}") for source in CODE) * 1000 / lines <= most


def calls_of(source: Source, name: str) -> Iterator[int]:
    """Yield the lines that call a function or method of this name."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and _name_of(node) == name:
            yield node.lineno


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        pytest.param(
            "sign_content",
            {
                "enrollment/ca/issuance.py",
                "enrollment/ca/root.py",
                # Between two roots of our own, from nobody's request (ADR 0013).
                "enrollment/services/cross.py",
                "enrollment/services/issuance.py",
            },
            id="one way to sign a certificate",
        ),
        pytest.param(
            "signer_of",
            {
                "enrollment/services/authority.py",
                "enrollment/services/ca_checks.py",
                "enrollment/services/ca_life.py",
                "enrollment/services/cross.py",
                "enrollment/services/issuance.py",
                "enrollment/services/crl_making.py",
                "enrollment/services/ocsp.py",
                # The CA's key signs the request for its own renewal by the CA above.
                "enrollment/services/subordinate.py",
            },
            id="only services open a key",
        ),
        pytest.param(
            "Reviewer",
            {
                "enrollment/management/commands/requests.py",
                "enrollment/services/review.py",
            },
            id="a manager's limits cannot be forgotten when somebody decides",
        ),
        pytest.param(
            "Revoker",
            {
                "enrollment/management/commands/certificates.py",
                "enrollment/services/revocation.py",
            },
            id="a manager's limits cannot be forgotten when somebody revokes",
        ),
        pytest.param(
            "self_signed",
            {"enrollment/services/authority.py", "enrollment/services/ca_life.py"},
            id="one way to make a root",
        ),
        pytest.param(
            "destroy_key",
            {"enrollment/services/retirement.py"},
            id="only a retired key is destroyed",
        ),
        pytest.param(
            "compose_request",
            {"enrollment/ca/subordinate.py", "enrollment/services/own_certificates.py"},
            id="keys of ours ask for certificates of ours only",
        ),
    ],
)
def test_what_must_have_few_callers_has_no_other(name: str, allowed: set[str]) -> None:
    callers = {source.name for source in CODE for _ in calls_of(source, name)}

    assert callers <= allowed


def test_one_place_reaches_out_over_the_network() -> None:
    """DESIGN section 4: no network call is decided by a request. Self-check uses settings alone."""
    callers = {source.name for source in CODE for _ in calls_of(source, "fetch")}
    client = re.compile(
        r"^(import|from) (http\.client|urllib\.request|requests|httpx)", re.MULTILINE
    )
    clients = {source.name for source in CODE if client.search(source.text)}

    assert callers == {
        # The provider that the settings name, and where its own description says its parts are.
        "enrollment/services/outside/provider.py",
        "enrollment/services/self_check.py",
    }
    assert clients == {"enrollment/services/fetch.py"}


def test_one_place_speaks_ldap() -> None:
    """Its filters are escaped, its time is bounded, and it is told no password without TLS."""
    client = re.compile(r"^ *(import|from) ldap\b", re.MULTILINE)
    speakers = {source.name for source in CODE if client.search(source.text)}
    writers = {
        source.name
        for source in CODE
        if "services.outside.told import" in source.text
        and any(True for _ in calls_of(source, "bring_in"))
    }

    assert speakers == {
        "enrollment/services/outside/connection.py",
        "enrollment/services/outside/conversation.py",
        # It compares names, and speaks to nobody.
        "enrollment/services/outside/groups.py",
    }
    assert writers == {
        "enrollment/services/outside/ldap_accounts.py",
        "enrollment/services/outside/mirror.py",
        "enrollment/services/outside/oidc_accounts.py",
    }


def test_only_decision_writes_a_disposition() -> None:
    """A row is born INCOMPLETE; every other disposition comes from `services.decision`."""
    writers = {
        source.name for source in CODE if any(_writes(node) for node in ast.walk(source.tree))
    }

    assert writers == {"enrollment/services/decision.py"}


def _writes(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return any(getattr(target, "attr", "") == "disposition" for target in node.targets)
    if isinstance(node, ast.Dict):
        return any(getattr(key, "value", "") == "disposition" for key in node.keys)
    if isinstance(node, ast.Call) and _name_of(node) in _WRITING_CALLS:
        return any(
            keyword.arg == "disposition"
            and ast.unparse(keyword.value) != "Disposition.INCOMPLETE.value"
            for keyword in node.keywords
        )
    return False


_WRITING_CALLS = ("EnrollmentRequest", "create", "update", "update_or_create", "get_or_create")


def _name_of(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", None) or getattr(call.func, "id", ""))


def test_nobody_listens_to_signals_or_overrides_save() -> None:
    """Rules live in the core and in services, never in a model, a form or a signal."""
    offenders = [
        f"{source.name}:{node.name}"
        for source in modules("enrollment/models")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef) and node.name in ("save", "delete", "clean")
    ]

    assert offenders == []
