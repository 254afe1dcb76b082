"""Method, length and host are judged first; a dry run tells who would have been refused."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from enrollment import conf
from enrollment.conf_web import REPORT
from enrollment.serving import framing
from tests.rights.test_headers import POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

REFUSED = {
    "another method": ({"REQUEST_METHOD": "PROPFIND"}, 405),
    "a body without its length": ({"HTTP_TRANSFER_ENCODING": "chunked"}, 411),
    "a body that is too long": ({"CONTENT_LENGTH": "9" * 12}, 413),
    "no host": ({"RAW_URI": "/healthz"}, 400),
    "two hosts": ({"RAW_URI": "http://evil.example/", "HTTP_HOST": "localhost"}, 400),
}


def ask(client: Client, told: dict[str, Any]) -> Any:
    return client.get("/healthz", **told)


@pytest.mark.parametrize("what", REFUSED)
def test_what_no_client_sends_is_refused(client: Client, what: str) -> None:
    told, status = REFUSED[what]

    response = ask(client, told)

    assert response.status_code == status
    assert response.content.count(b"<p>") == 2


@pytest.mark.parametrize("what", REFUSED)
def test_a_refusal_has_every_policy(client: Client, what: str) -> None:
    told, _ = REFUSED[what]

    headers = ask(client, told).headers

    assert {name: headers.get(name) for name in POLICIES} == POLICIES


@pytest.mark.parametrize("what", REFUSED)
def test_a_dry_run_tells_and_refuses_nobody(
    client: Client,
    what: str,
    configure: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    framing.said.clear()
    configure(web=dataclasses.replace(conf.current().web, strict_requests=REPORT))
    told, status = REFUSED[what]

    answers = [ask(client, told).status_code for _ in range(3)]

    assert answers == [405 if status == 405 else 200] * 3  # the view has its own methods
    (line,) = (record.getMessage() for record in caplog.records)
    assert line == (
        f"198.51.100.7 sent {what}; only reported, since CERTSRV_STRICT_REQUESTS=report"
    )


def test_405_says_which_methods_there_are(client: Client) -> None:
    assert ask(client, {"REQUEST_METHOD": "TRACE"})["Allow"] == "GET, HEAD, OPTIONS, POST"
