"""Every address of docs/reference/rights.md answers with the policies, whoever asks."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from enrollment.serving.headers import CONTENT_SECURITY_POLICY, PERMISSIONS_POLICY
from tests.rights.acts import Case, fields_of, filled
from tests.rights.scene import ROLES
from tests.rights.test_matrix import ROWS, cases
from tests.undone import undone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.rights.scene import Scene

POLICIES = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": PERMISSIONS_POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# What everybody may keep: relying parties ask for it, and it is signed.
PUBLIC = ("/CertEnroll/", "/ocsp")
# Kept for no longer than the browser needs to save it.
FILES = ("certnew.", "certcrl.", "/download/")
# A type that no browser runs: what programs look for, and data.
NOT_RUN = {"text/plain", "application/json"}


def addresses() -> dict[tuple[str, str], Case]:
    """Return each address once, asked by somebody who may, or else by a stranger."""
    found: dict[tuple[str, str], Case] = {}
    for row in ROWS:
        role = next((role for role in ROLES if row.cells[role] == "yes"), "stranger")
        for case in cases(row, role):
            if (case.method, case.address) not in found or role != "stranger":
                found.setdefault((case.method, case.address), case)
    return found


def ask(scene: Scene, case: Case) -> Any:
    thing = scene.of(case.role, case.whose)
    client, address = scene.browser(case.role), filled(case.address, thing)
    send = client.post if case.method == "POST" else client.get
    return send(address, fields_of(case, thing))


@pytest.mark.parametrize(
    "case", addresses().values(), ids=lambda case: f"{case.method}-{case.address}"
)
def test_an_answer_has_every_policy_and_nothing_that_they_forbid(case: Case, scene: Scene) -> None:
    assert_policies(case, scene)


def test_a_stranger_gets_every_policy_too(scene: Scene) -> None:
    for case in addresses().values():
        assert_policies(replace(case, role="stranger"), scene)


def assert_policies(case: Case, scene: Scene) -> None:
    with undone():
        response = ask(scene, case)
    told = {name: response.headers.get(name) for name in POLICIES}
    assert told == POLICIES, case
    assert_private(case.address, response)
    if not response.streaming and response.headers.get("Content-Type", "").startswith("text/html"):
        assert list(forbidden(response.content.decode())) == []
    response.close()


def assert_private(address: str, response: Any) -> None:
    """Only public data may stay in a cache, and only they may be read by other sites."""
    cache = response.headers["Cache-Control"]
    is_public = address.startswith(PUBLIC) and response.status_code == 200
    if is_public:
        assert "private" not in cache
        return
    assert "public" not in cache
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    is_file = any(part in address for part in FILES) and response.status_code == 200
    assert "no-store" in cache or (is_file and "private" in cache)


def forbidden(page: str) -> Iterator[str]:
    """Yield what the Content-Security-Policy would stop: then the page would not be whole."""
    reader = _Reader()
    reader.feed(page)
    yield from reader.found


class _Reader(HTMLParser):
    """Looks for scripts and styles within a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        told = {name: value or "" for name, value in attrs}
        if tag == "style" or (
            tag == "script" and "src" not in told and told.get("type") not in NOT_RUN
        ):
            self.found.append(self.get_starttag_text() or tag)
        for name, value in told.items():
            is_script = value.strip().lower().startswith("javascript:")
            is_outside = name in ("src", "action") and "//" in value
            if name == "style" or name.startswith("on") or is_script or is_outside:
                self.found.append(f"{tag} {name}={value}")


def test_the_reader_finds_what_is_forbidden() -> None:
    """Or else no page could fail."""
    page = (
        "<style>a</style><p style='a'><script>1</script><a href=' JavaScript:1' onclick='1'>"
        "<img src=//evil.example/1><script src='/static/a.js'></script>"
        "<script type='text/plain'>1</script>"
    )

    assert len(list(forbidden(page))) == 6
