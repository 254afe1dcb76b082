"""Lists from the real server: whole, in part, over both listeners, and from several publishers."""

import http.client
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from tests.live import ROOT, LiveSite

LIST = "/CertEnroll/Example%20Issuing%20CA.crl"


@pytest.fixture(params=["http", "https"])
def connection(
    request: pytest.FixtureRequest, live_site: LiveSite
) -> Iterator[http.client.HTTPConnection]:
    """A connection to one of the listeners."""
    if request.param == "https":
        context = ssl.create_default_context(cafile=live_site.ca_file)
        made: http.client.HTTPConnection = http.client.HTTPSConnection(
            "localhost", live_site.https_port, context=context, timeout=30
        )
    else:
        made = http.client.HTTPConnection("127.0.0.1", live_site.http_port, timeout=30)
    yield made
    made.close()


def ask(
    connection: http.client.HTTPConnection, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, LIST, headers=named)
    answer = connection.getresponse()
    return answer, answer.read()


def published(site: LiveSite) -> Path:
    return site.home / "published" / "CertEnroll" / "Example Issuing CA.crl"


def test_one_connection_serves_a_list_in_every_way(
    connection: http.client.HTTPConnection, live_site: LiveSite
) -> None:
    """What is sent from the file must end exactly where the next answer begins."""
    whole, octets = ask(connection)
    head, nothing = ask(connection, "HEAD")
    part, rest = ask(connection, range="bytes=100-")
    unchanged, empty = ask(connection, if_none_match=str(whole.headers["ETag"]))
    again, same = ask(connection)

    assert octets == same == published(live_site).read_bytes()
    assert (whole.status, head.status, part.status, unchanged.status) == (200, 200, 206, 304)
    assert {answer.headers["Content-Length"] for answer in (whole, head, unchanged, again)} == {
        str(len(octets))
    }
    assert rest == octets[100:]
    assert nothing == empty == b""
    x509.load_der_x509_crl(octets)


def test_head_writes_no_warning_into_the_log(live_site: LiveSite) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", live_site.http_port, timeout=30)
    ask(connection, "HEAD")
    connection.close()

    assert "no-body response" not in live_site.log()


def test_two_who_publish_at_once_take_turns(live_site: LiveSite) -> None:
    """Two processes, as a manager in the shell and the site: two numbers, and the newest file."""
    publishers = [
        subprocess.Popen(
            [sys.executable, "manage.py", "crl", "publish"],
            cwd=ROOT,
            env=live_site.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    said = [publisher.communicate(timeout=60)[0] for publisher in publishers]

    numbers = {int(text.split()[2]) for text in said}
    crl = x509.load_der_x509_crl(published(live_site).read_bytes())
    number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert len(numbers) == 3
    assert number == max(numbers)
    assert live_site.fetch(LIST) == published(live_site).read_bytes()
