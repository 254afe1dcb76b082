"""What the log tells: one line for each event, whose request it was, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import logging
import logging.config
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from enrollment import conf
from enrollment.conf_clients import Clients
from enrollment.conf_web import Web
from enrollment.serving import log, trace, tracing, views
from tests.edge.outside import outside
from tests.signin.people import basic
from tests.signin.shown import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Callable

HOSTILE = "a\nb\r\x1b[2J\x00\x7f\x9b\u202e\u2028\ud800é\U0001f600"


def record(message: str, *arguments: object, **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("enrollment.test", logging.WARNING, "", 1, message, arguments, None)
    made.__dict__.update(extra)
    return made


@pytest.mark.parametrize("form", [log.OneLine(), log.JsonLine()], ids=["line", "json"])
def test_nothing_in_a_line_moves_a_terminal_or_ends_the_line(form: logging.Formatter) -> None:
    line = form.format(record("%s", HOSTILE))

    assert line.isprintable()
    assert line.isascii() is isinstance(form, log.JsonLine)


def test_json_gives_back_what_was_logged() -> None:
    told = json.loads(log.JsonLine().format(record("%s", HOSTILE)))

    assert told["message"] == HOSTILE
    assert told["level"] == "WARNING"
    assert told["logger"] == "enrollment.test"
    assert told["time"].endswith("+00:00")
    assert told.keys() == {"time", "level", "logger", "message"}


def test_a_fault_is_one_line_with_its_trace() -> None:
    failed = record("it failed")
    try:
        int(HOSTILE)
    except ValueError as error:
        failed.exc_info = (ValueError, error, error.__traceback__)

    told = json.loads(log.JsonLine().format(failed))

    assert "Traceback" in told["trace"]
    assert "ValueError" in told["trace"]


def test_every_line_of_a_request_names_it() -> None:
    known = trace.Trace("4711abcd", lambda: "alice", lambda: "192.0.2.1")
    token = trace.current.set(known)
    try:
        text = log.OneLine().format(record("it happened"))
        told = json.loads(log.JsonLine().format(record("it happened")))
    finally:
        trace.current.reset(token)

    assert text.endswith("it happened (request 4711abcd)")
    assert (told["request"], told["account"], told["address"]) == ("4711abcd", "alice", "192.0.2.1")


@pytest.mark.parametrize("word", ["line", "json"])
def test_the_setting_chooses_the_form(word: str) -> None:
    made = logging.config.DictConfigurator(log.configuration(Web(log_format=word)))

    formatter = made.configure_formatter(made.config["formatters"]["line"])

    assert type(formatter).__name__ == {"line": "OneLine", "json": "JsonLine"}[word]


def test_an_answer_carries_the_id_of_its_request(client: Client) -> None:
    one, other = client.get("/healthz"), client.get("/healthz")

    assert len(one["X-Request-ID"]) == 16
    assert one["X-Request-ID"] != other["X-Request-ID"]


@pytest.mark.django_db
@pytest.mark.usefixtures("site")
def test_what_caches_keep_carries_none(client: Client) -> None:
    name = conf.current().ca_name.replace(" ", "%20")
    response = client.get(f"/CertEnroll/{name}.crl")
    response.close()

    assert response.status_code == 200
    assert not response.has_header("X-Request-ID")


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [
        ("6ba7b810-9dad-11d1-80b4-00c04fd430c8", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("a b", False),
        ("a\x1b[2J", False),
        ("", False),
        ("é", False),
    ],
)
def test_only_a_trusted_proxy_names_a_request_and_only_sanely(
    configure: Callable[..., None],
    given: str,
    is_kept: bool,  # noqa: FBT001  # a row of the table
) -> None:
    headers = {"X-Request-ID": given}
    assert outside().get("/healthz", headers=headers)["X-Request-ID"] != given

    configure(clients=Clients(proxies=NETWORKS))

    answer = Client(REMOTE_ADDR=str(NETWORKS[0][0])).get("/healthz", headers=headers)
    assert (answer["X-Request-ID"] == given) is is_kept


def test_a_fault_of_ours_shows_the_id_under_which_it_is_found(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.raise_request_exception = False

    def break_down(*_: object) -> None:
        raise RuntimeError("the secret reason")

    monkeypatch.setattr(views, "_text", break_down)
    lines = Lines()
    logging.getLogger("django").addHandler(lines)
    try:
        answer = client.get("/healthz")
    finally:
        logging.getLogger("django").removeHandler(lines)

    number = answer["X-Request-ID"]
    assert f"in the log, under {number}." in answer.content.decode()
    (told,) = lines.told
    assert told["request"] == number
    assert "the secret reason" in told["trace"]


class Lines(logging.Handler):
    """Keeps what is logged, as JSON would have it."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[dict[str, Any]] = []
        self.setFormatter(log.JsonLine())

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.told.append(json.loads(self.format(record)))


@pytest.fixture
def access(configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The lines of requests, which the operator has asked for."""
    configure(web=dataclasses.replace(conf.current().web, access_log=True))
    lines = Lines()
    monkeypatch.setattr(tracing.log, "handlers", [lines])
    monkeypatch.setattr(tracing.log, "propagate", False)
    tracing.log.setLevel(logging.INFO)
    return lines.told


@pytest.mark.usefixtures("carol", "site")
def test_a_request_gets_a_line_where_the_operator_asks_for_it(
    client: Client, access: list[dict[str, Any]]
) -> None:
    headers = basic("carol") | {"User-Agent": 'curl "8"'}
    answer = client.get("/certsrv/certnew.cer?ReqID=7&Enc=b64&password=hunter2", headers=headers)

    (line,) = access
    assert line.pop("milliseconds") > 0
    assert line.pop("time")
    assert line.pop("message").startswith('198.51.100.7 carol "GET /certsrv/certnew.cer?ReqID=7&')
    assert line == {
        "level": "INFO",
        "logger": "enrollment.access",
        "request": answer["X-Request-ID"],
        "account": "carol",
        "address": "198.51.100.7",
        "method": "GET",
        "path": "/certsrv/certnew.cer?ReqID=7&Enc=b64",
        "status": 200,
        "bytes": len(answer.content),
        "signed_in_by": "basic",
        "agent": 'curl "8"',
    }


def test_a_name_of_a_program_cannot_end_its_quotes(
    client: Client, access: list[dict[str, Any]]
) -> None:
    client.get("/healthz", headers={"User-Agent": 'x" 200 "\\'})

    assert access[0]["message"].endswith(r'"x\" 200 \"\\"')


def test_a_line_does_not_ask_the_database_who_it_was(
    client: Client, access: list[dict[str, Any]]
) -> None:
    """Without the mark of a test that may use it, a query fails."""
    client.cookies["sessionid"] = "junk"

    assert client.get("/healthz").status_code == 200
    assert "account" not in access[0]


def test_without_the_setting_nobody_is_written_down(
    client: Client, access: list[dict[str, Any]], configure: Callable[..., None]
) -> None:
    configure(web=Web())
    client.get("/healthz")

    assert access == []
