"""What strangers send to `/ocsp` gets an OCSP response, never a page."""

from __future__ import annotations

import pytest
from django.test import Client

from enrollment.ca import der
from tests.ocsp import questions
from tests.ocsp.asking import (
    SERVICE_LOCATOR,
    Outcome,
    outcome,
    post,
)
from tests.ocsp.questions import nonce, request


def good() -> bytes:
    return request(questions.STRANGER.identity(1))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"hello", id="words"),
        pytest.param(b"\x30\x84\xff\xff\xff\xff", id="four gigabytes, it says"),
        pytest.param(good()[:-1], id="cut off"),
        pytest.param(good() + bytes(9000), id="9,000 octets"),
        pytest.param(bytes(1_000_000), id="a megabyte"),
        pytest.param(request(), id="no certificate"),
        pytest.param(request(*[questions.STRANGER.identity(1)] * 33), id="33 certificates"),
        pytest.param(request(questions.STRANGER.identity(2**600)), id="a serial of 600 bits"),
        pytest.param(
            request(questions.STRANGER.identity(1), before=der.explicit(0, der.integer(1))),
            id="version 2",
        ),
        pytest.param(
            request(questions.STRANGER.identity(1), before=der.sequence()), id="two lists"
        ),
        pytest.param(
            request(questions.STRANGER.identity(1), before=der.octet_string(b"?")),
            id="a field that is none",
        ),
        pytest.param(
            request(questions.STRANGER.identity(1), extensions=(nonce(b""),)), id="an empty nonce"
        ),
        pytest.param(
            request(questions.STRANGER.identity(1), extensions=(nonce(b"n" * 129),)),
            id="a nonce of 129 octets",
        ),
        pytest.param(
            request(
                questions.STRANGER.identity(1),
                extensions=(questions.extension(questions.NONCE, b""),),
            ),
            id="no nonce in its extension",
        ),
        pytest.param(
            request(
                questions.STRANGER.identity(1),
                extensions=(questions.extension("1.3.6.1.4.1.55555.1", b"", critical=True),),
            ),
            id="a critical extension we do not know",
        ),
        pytest.param(
            request(
                questions.STRANGER.identity(1),
                of_single=(questions.extension(SERVICE_LOCATOR, b"\x30\x00", critical=True),),
            ),
            id="a critical extension of one certificate",
        ),
    ],
)
def test_what_is_no_request_is_malformed(body: bytes) -> None:
    answer = post(body)

    assert outcome(answer) is Outcome.MALFORMED_REQUEST
    assert answer.content == bytes.fromhex("30030a0101")
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        *("", "favicon.ico", "../../etc/passwd", "MF8%", "%00", "%0a%0d", "%ff%fe", "AAAA/AAAA"),
        pytest.param("M" * 4100, id="4,100 signs"),
    ],
)
def test_junk_in_the_path_is_malformed(path: str) -> None:
    answer = Client().get(f"/ocsp/{path}")

    assert outcome(answer) is Outcome.MALFORMED_REQUEST
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options", "trace"])
def test_other_methods_are_not_for_status(method: str) -> None:
    assert getattr(Client(), method)("/ocsp").status_code == 405
