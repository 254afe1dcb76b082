"""Lists, deltas and OCSP agree with the database, whatever happens in whatever order.

Random stories over a handful of certificates: revoked, held, released, ending while time passes or
steps back, lists published or not. After each act cryptography reads the lists, and at the end of a
story OpenSSL says what is valid under a base that somebody may still hold and the newest delta.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from enrollment.ca import issuance
from enrollment.ca.revocation import Reason
from enrollment.services import authority, crl_making
from tests import make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from enrollment.ca.crl import Revocation
    from enrollment.services.setup import SetupReport
    from tests.services.acts import Configure

from tests.services.list_checks import check_answers, check_lists, check_openssl
from tests.services.list_stories import HOUR, LIVES, START, begin, forgotten_afterwards, steps


@pytest.fixture
def contents(
    site: SetupReport, configure: Configure, request: pytest.FixtureRequest
) -> list[bytes]:
    """Certificates of the site, with its settings: one for each life."""
    configure(**request.param)
    ca = site.authority
    leaves = []
    for number, life in enumerate(LIVES, 1):
        issuer = authority.issuer_of(ca, partition=authority.partition_of(number))
        prepared = issuance.prepare(
            make.request(f"host{number}.example.com", kind="ec:p256"),
            make.template(validity=life),
            issuer,
            make.requester(),
            serial_number=number,
            now=START,
            backdate=timedelta(),
        )
        leaves.append(issuance.sign(prepared, issuer, authority.signer_of(ca)))
    return leaves


SITES = {
    "one list": {},
    "partitions": {"CERTSRV_CRL_PARTITIONS": "2"},
    "ended ones stay": {"CERTSRV_KEEP_EXPIRED_ON_CRL": "yes"},
    "partitions where ended ones stay": {
        "CERTSRV_CRL_PARTITIONS": "2",
        "CERTSRV_KEEP_EXPIRED_ON_CRL": "yes",
    },
}


@pytest.mark.parametrize("contents", SITES.values(), ids=SITES.keys(), indirect=True)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(
    # An ended certificate, and lists that replace each other before their time: RFC 5280, 3.3.
    acts=[
        *(("revoke", 0, "published"), ("wait", timedelta(days=2)), ("revoke", 1, "published")),
        *(("publish", "base"), ("wait", timedelta(days=8)), ("publish", "due")),
    ]
)
@example(
    # Held and released again and again, in no time and with a clock that goes backwards.
    acts=[
        *(("hold", 3, "published"), ("release", 3, "published"), ("hold", 3, "not published")),
        *(("wait", timedelta(hours=13)), ("publish", "base"), ("release", 3, "not published")),
        *(("wait", -2 * HOUR), ("publish", "delta"), ("hold", 3, "not published")),
        *(("publish", "delta"), ("release", 3, "published"), ("hold", 2, "published")),
    ]
)
@given(acts=st.lists(steps, min_size=4, max_size=14))
def test_lists_and_answers_agree_with_the_database(
    contents: list[bytes], tmp_path: Path, acts: list[tuple[Any, ...]]
) -> None:
    with forgotten_afterwards():
        story = begin(contents)
        for act in acts:
            story.act(*act)
            check_answers(story)
        check_lists(story)
        story.act("publish", "delta")
        check_openssl(story, tmp_path)


@pytest.mark.parametrize("contents", [{}], ids=["one list"], indirect=True)
def test_a_delta_that_forgets_a_release_would_be_noticed(
    contents: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that cannot fail is none."""
    changed = crl_making._changed  # noqa: SLF001 - broken on purpose

    def forgetful(*arguments: Any) -> Iterator[Revocation]:
        return (line for line in changed(*arguments) if line.reason is not Reason.REMOVE_FROM_CRL)

    monkeypatch.setattr(crl_making, "_changed", forgetful)
    with forgotten_afterwards():
        story = begin(contents)
        for verb in ("hold", "release"):
            story.act(verb, 3, "published")

        with pytest.raises(AssertionError):
            check_lists(story)
