"""Every published request, posted through the form, gets the verdict it deserves.

Text is pasted, binary files are uploaded. Nothing here knows how the verdict is reached.
"""

from __future__ import annotations

import html
import re
import time
from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests import corpus
from tests.corpus_verdicts import Kind, verdict_for
from tests.web.conftest import MISSING

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tests.web.conftest import Visitor

MANIFEST = corpus.manifest()
# A request that takes a second of processor time stops a worker; neighbors do not count.
LONGEST_SECONDS = 1.0
STAGES = {
    Kind.DENIED: "Denied by Policy Module",
    Kind.STRANGER: "Error Verifying Request Signature or Signing Certificate",
    Kind.MALFORMED: "Error Parsing Request",
    Kind.NOT_A_REQUEST: "Error Parsing Request",
    Kind.BAD_SIGNATURE: "Error Verifying Request Signature or Signing Certificate",
}

pytestmark = pytest.mark.skipif(
    not MANIFEST and not corpus.is_required(), reason="corpus not found (CERTSRV_CORPUS)"
)


def post(program: Visitor, file_name: str) -> HttpResponse:
    raw = corpus.read(file_name)
    if raw.isascii() and b"\x00" not in raw:
        return program.submit(raw)
    fields = {
        "Mode": "newreq",
        "CertFile": SimpleUploadedFile(file_name, raw),
        "CertAttrib": "CertificateTemplate:WebServer",
    }
    return program.post("certfnsh.asp", fields)


def timed(program: Visitor, file_name: str) -> tuple[HttpResponse, float]:
    started = time.process_time()
    response = post(program, file_name)
    return response, time.process_time() - started


@pytest.mark.parametrize("file_name", MANIFEST or ["missing"])
def test_a_posted_file_gets_its_verdict(program: Visitor, file_name: str) -> None:
    response, seconds = timed(program, file_name)
    if seconds > LONGEST_SECONDS:
        # The garbage of the whole run may have been collected in between.
        _, seconds = timed(program, file_name)

    text = response.content.decode()
    assert response.status_code == 200
    assert MISSING not in text
    assert seconds < LONGEST_SECONDS
    expected = verdict_for(file_name)
    if expected.kind is Kind.ISSUED:
        assert re.search(r"certnew.cer\?ReqID=(\d+)&", text), told(text)
        return
    message = told(text)
    assert re.search(expected.reason, html.unescape(text), re.IGNORECASE), message
    assert STAGES[expected.kind] in message


def told(text: str) -> str:
    match = re.search(r'The disposition message is "([^"]+)"', text)
    return html.unescape(match[1]) if match else text[-1500:]
