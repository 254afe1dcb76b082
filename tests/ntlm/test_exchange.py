"""Whose answers are believed, on which connection, and for which pages."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group, User

from enrollment import conf
from enrollment.conf_clients import Clients
from enrollment.conf_ntlm import Ntlm
from enrollment.models import NtlmAccount
from enrollment.signin.belief import SignedInBy
from enrollment.signin.methods import ntlm
from enrollment.signin.ntlm.exchanges import LIFETIME_SECONDS
from enrollment.signin.ntlm.messages import Av, read_pairs
from tests.ntlm.talk import (
    UNICODE,
    Program,
    authenticate,
    binding_to,
    negotiate,
    new_certificate,
    pack,
    target_info,
)
from tests.signin.shown import NETWORKS, PROXY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ntlm.conftest import Talk
    from tests.ntlm.talk import Line

    Lines = Callable[..., Line]
    Configure = Callable[..., None]


def said(caplog: pytest.LogCaptureFixture) -> str:
    """Return why NTLM was refused last, as the log has it."""
    return str(caplog.messages[-1])


def test_a_right_answer_signs_in_for_one_request(line: Line, program: Program) -> None:
    """What comes next over the same connection is somebody else's, perhaps."""
    answer = line.sign_in(program)

    assert answer.status_code == 200
    assert answer.wsgi_request.user.get_username() == "alice"
    assert answer.wsgi_request.signed_in_by is SignedInBy.NTLM
    assert line.ask().status_code == 401


def test_the_next_request_over_the_connection_proves_itself_anew(
    line: Line, program: Program
) -> None:
    assert [line.sign_in(program).status_code for _ in range(3)] == [200, 200, 200]


def test_the_challenge_says_who_the_server_is(line: Line, program: Program) -> None:
    """go-ntlmssp answers with its target, Certipy wants its DNS name (contract, section 3)."""
    challenge = line.challenge()
    pairs = read_pairs(target_info(challenge))

    assert "EXAMPLE".encode("utf-16-le") in challenge[56:80]
    assert pairs[Av.DOMAIN].decode("utf-16-le") == "EXAMPLE"
    assert pairs[Av.DNS_COMPUTER].decode("utf-16-le") == "localhost"
    assert len(pairs[Av.TIMESTAMP]) == 8


def test_each_challenge_is_another(line: Line, program: Program) -> None:
    assert len({line.challenge()[24:32] for _ in range(50)}) == 50


def test_programs_of_the_old_character_set_are_understood(line: Line, program: Program) -> None:
    challenge = line.challenge(negotiate(0x2 | 0x200))

    assert challenge[56:63] == b"EXAMPLE"
    assert challenge[20] & 0x3 == 0x2


@pytest.mark.parametrize(
    ("user", "domain"),
    [("alice", ""), ("ALICE", "example"), ("Alice", "LOCALHOST"), ("alice@localhost", "")],
)
def test_names_are_taken_as_programs_write_them(
    line: Line, program: Program, user: str, domain: str
) -> None:
    assert line.sign_in(replace(program, user=user, domain=domain)).status_code == 200


@pytest.mark.parametrize(
    ("user", "domain", "why"),
    [
        ("alice", "ELSEWHERE", "of a domain that is not ours"),
        ("alice@elsewhere.test", "", "of a domain that is not ours"),
        ("EXAMPLE\\alice", "EXAMPLE", "a second domain"),
        ("bob", "", "'bob' may not sign in so"),
        ("nobody", "", "'nobody' may not sign in so"),
        ("al\u0131ce", "", "may not sign in so"),
    ],
)
def test_nobody_else_is_let_in(
    talk: Talk, caplog: pytest.LogCaptureFixture, user: str, domain: str, why: str
) -> None:
    assert talk.line.sign_in(replace(talk.program, user=user, domain=domain)).status_code == 401
    assert why in said(caplog)


def test_who_guesses_has_to_wait_and_is_not_told_whether_it_was_right(
    line: Line, program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    """Wrong answers count with the wrong passwords of every other door."""
    assert line.sign_in(program).status_code == 200
    wrong = replace(program, password="a guess")
    for _ in range(conf.current().lock_out.failures):
        assert line.sign_in(wrong).status_code == 401
        assert "another password" in said(caplog)

    answers = [line.sign_in(one) for one in (program, wrong)]
    assert [(one.status_code, one["Retry-After"]) for one in answers] == [(429, "900")] * 2


def test_who_has_no_secret_is_counted_as_well(line: Line, program: Program) -> None:
    for _ in range(conf.current().lock_out.failures):
        assert line.sign_in(replace(program, user="bob")).status_code == 401

    assert line.sign_in(replace(program, user="bob")).status_code == 429
    assert line.sign_in(program).status_code == 200


def test_a_right_answer_for_somebody_else_forgives_nothing(line: Line, program: Program) -> None:
    for _ in range(conf.current().lock_out.failures - 1):
        line.sign_in(replace(program, password="a guess"))
    line.sign_in(replace(program, binding=None))
    line.sign_in(replace(program, password="a guess"))

    assert line.sign_in(program).status_code == 429


def test_the_password_of_the_person_is_none_here(line: Line, program: Program) -> None:
    user = User.objects.get(username="alice")
    user.set_password("correct horse battery")
    user.save()

    assert line.sign_in(replace(program, password="correct horse battery")).status_code == 401


def test_a_disabled_account_is_refused_at_once_and_its_secret_deleted(
    line: Line, program: Program
) -> None:
    User.objects.filter(username="alice").update(is_active=False)

    assert line.sign_in(program).status_code == 401
    assert not NtlmAccount.objects.exists()


def test_a_role_at_the_desk_ends_ntlm_at_once(line: Line, program: Program) -> None:
    challenge = line.challenge()
    User.objects.get(username="alice").groups.add(Group.objects.get(name="Certificate Managers"))

    assert line.ask(program.answer(challenge)).status_code == 401
    assert not NtlmAccount.objects.exists()


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        ({"binding": None}, "named no TLS connection"),
        ({"binding": bytes(16)}, "named no TLS connection"),
        ({"binding": binding_to(new_certificate())}, "a TLS connection to somebody else"),
        ({"binding": b""}, "a TLS connection to somebody else"),
        ({"without": (Av.TIMESTAMP,)}, "does not repeat the time"),
        ({"says_so": False}, "did not sign its messages"),
        ({"signs": False}, "was changed on its way"),
        ({"target": "HTTP/evil.example.com"}, "was made for 'HTTP/evil.example.com'"),
        ({"target": "cifs/localhost"}, "was made for 'cifs/localhost'"),
    ],
    ids=("unbound", "zero", "other", "empty", "no time", "no MIC", "MIC", "host", "service"),
)
def test_a_right_answer_for_somebody_else_is_refused(
    talk: Talk, caplog: pytest.LogCaptureFixture, spoilt: dict[str, Any], why: str
) -> None:
    answer = talk.line.sign_in(replace(talk.program, **spoilt))

    assert answer.status_code == 401
    assert why in said(caplog)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (authenticate(bytes(24), "alice", lm=bytes(24)), "NTLM version 1"),
        (authenticate(b"", "alice", lm=bytes(24)), "LM alone"),
        (authenticate(b"", "", lm=b"\0"), "nobody"),
        (authenticate(bytes(80), "alice", flags=UNICODE | 0x800), "nobody"),
        (authenticate(bytes(80), "alice"), "not of NTLM version 2"),
        (authenticate(bytes(16) + b"\1\1" + bytes(28), "alice"), "no end"),
        (authenticate(bytes(16) + b"\1\1" + bytes(26) + b"\2\0\1\0a" * 2, "alice"), "twice"),
        (pack(3, b"")[:12], "ends before"),
        (pack(2, bytes(60)), "answers no challenge"),
        (pack(9, bytes(60)), "no message of type 9"),
        (b"NTLM", "does not begin"),
        (b"", "does not begin"),
        (pack(1, b"\0\0\0\0"), "neither Unicode"),
        (pack(3, bytes(4096)), "5480 characters"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_messages_that_prove_nothing_are_refused(
    line: Line, program: Program, caplog: pytest.LogCaptureFixture, message: bytes, why: str
) -> None:
    line.challenge()

    assert line.ask(message).status_code == 401
    assert why in said(caplog)


def test_a_third_message_that_was_overheard_is_worth_nothing(
    open_line: Lines, program: Program
) -> None:
    line = open_line()
    message = program.answer(line.challenge())
    assert line.ask(message).status_code == 200

    assert line.ask(message).status_code == 401
    assert open_line().ask(message).status_code == 401
    other = open_line()
    other.challenge()
    assert other.ask(message).status_code == 401


def test_a_challenge_is_answered_on_the_connection_that_it_was_given_on(
    open_line: Lines, program: Program
) -> None:
    """Two at once: each gets in by its own, neither by the other's."""
    one, two = open_line(), open_line()
    first, second = one.challenge(), two.challenge()

    assert two.ask(program.answer(first)).status_code == 401
    assert one.ask(program.answer(first)).status_code == 200
    # The wrong answer has used up the challenge of the second.
    assert two.ask(program.answer(second)).status_code == 401


def test_a_challenge_is_given_for_seconds(
    line: Line, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = program.answer(line.challenge())
    late = time.monotonic() + LIFETIME_SECONDS + 1
    monkeypatch.setattr(ntlm.exchanges, "_clock", lambda: late)

    assert line.ask(message).status_code == 401


def offers(line: Line, **environ: Any) -> str:
    return str(line.ask(**environ)["WWW-Authenticate"])


def test_the_default_site_has_no_ntlm(line: Line, configure: Configure) -> None:
    configure(sign_in=conf.read({}).sign_in)

    assert "NTLM" not in offers(line)
    answer = line.ask(negotiate())
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Basic realm="localhost"')


@dataclass(frozen=True)
class Place:
    """A connection that is none for NTLM."""

    why: str
    environ: dict[str, Any] = field(default_factory=dict)
    secure: bool = True


@pytest.mark.parametrize(
    "case",
    [
        Place("over plain HTTP", secure=False),
        Place("over plain HTTP", {"wsgi.url_scheme": "https"}, secure=False),
        Place("a proxy stands between", {"REMOTE_ADDR": PROXY}),
        Place("a proxy stands between", {"HTTP_VIA": "1.1 proxy"}),
        Place("does not tell connections apart", {"gunicorn.socket": None}),
    ],
    ids=str,
)
def test_ntlm_exists_on_a_clients_own_connection_over_tls_alone(
    open_line: Lines, configure: Configure, caplog: pytest.LogCaptureFixture, case: Place
) -> None:
    configure(clients=Clients(proxies=NETWORKS))
    line = open_line(secure=case.secure)
    assert "NTLM" in offers(open_line())

    assert "NTLM" not in offers(line, **case.environ)
    assert line.ask(negotiate(), **case.environ).status_code == 401
    assert case.why in said(caplog)


def test_a_certificate_without_a_binding_has_no_ntlm(
    program: Program, monkeypatch: pytest.MonkeyPatch, line: Line
) -> None:
    from enrollment.signin.ntlm import place

    monkeypatch.setattr(place, "end_point_binding", lambda _request: None)

    assert "NTLM" not in offers(line)
    assert line.ask(negotiate()).status_code == 401


@pytest.mark.parametrize("scheme", ["Negotiate", "Basic", "Bearer"])
def test_ntlm_is_spoken_under_its_own_name_alone(line: Line, program: Program, scheme: str) -> None:
    """Inside of Negotiate it would be what a client does that has no ticket (ADR 0021)."""
    assert line.ask(negotiate(), scheme=scheme)["WWW-Authenticate"].startswith("NTLM,")
    assert line.ask(program.answer(line.challenge()), scheme=scheme).status_code == 401


@pytest.mark.parametrize(
    "path", ["/admin/", "/accounts/password/", "/accounts/tokens/", "/metrics"]
)
def test_ntlm_opens_the_request_pages_and_nothing_else(
    line: Line, program: Program, path: str
) -> None:
    assert line.sign_in(program, path).status_code == 403


def test_a_post_that_another_site_caused_is_refused(line: Line, program: Program) -> None:
    answer = line.sign_in(
        program, "/certsrv/certfnsh.asp", method="POST", headers={"Origin": "https://evil.example"}
    )

    assert answer.status_code == 403


@pytest.fixture
def offered(program: Program, configure: Configure) -> Program:
    """The program, at a site that also lets in those that bind nothing, such as curl."""
    configure(ntlm=Ntlm("when-offered", plain_http=True))
    return program


def test_who_binds_nothing_gets_in(open_line: Lines, offered: Program) -> None:
    plain = replace(offered, binding=None, signs=False, says_so=False, target=None)

    assert open_line().sign_in(plain).status_code == 200
    assert open_line(secure=False).sign_in(plain).status_code == 200


def test_who_binds_must_have_meant_this_connection(open_line: Lines, offered: Program) -> None:
    assert open_line().sign_in(offered).status_code == 200
    assert open_line(secure=False).sign_in(offered).status_code == 401
    elsewhere = replace(offered, binding=binding_to(new_certificate()))
    assert open_line().sign_in(elsewhere).status_code == 401


@pytest.mark.parametrize("signs", [True, False])
def test_who_says_that_it_signed_must_have(line: Line, offered: Program, *, signs: bool) -> None:
    unbound = replace(offered, binding=None, signs=signs)

    assert line.sign_in(unbound).status_code == (200 if signs else 401)


def test_who_named_another_server_is_refused(line: Line, offered: Program) -> None:
    lured = replace(offered, binding=None, target="HTTP/evil.example.com")

    assert line.sign_in(lured).status_code == 401


def test_off_asks_none_of_it(open_line: Lines, offered: Program, configure: Configure) -> None:
    configure(ntlm=Ntlm("off"))
    elsewhere = replace(
        offered, binding=binding_to(new_certificate()), target="HTTP/alias.example.com"
    )

    assert open_line().sign_in(elsewhere).status_code == 200
    assert open_line(secure=False).ask(negotiate()).status_code == 401


def test_what_was_taken_from_an_answer_breaks_its_proof(
    line: Line, program: Program, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    """A thief would take the binding out of what a lured client sent; the secret covers it."""
    configure(ntlm=Ntlm("when-offered"))
    challenge = line.challenge()
    bound = replace(program, binding=binding_to(new_certificate())).answer(challenge)
    name = Av.CHANNEL_BINDINGS.to_bytes(2, "little") + (16).to_bytes(2, "little")
    at = bound.index(name)
    # Made into something that nobody looks at, so that no length changes.
    stripped = bound[:at] + b"\x08\0" + bound[at + 2 :]

    assert line.ask(stripped).status_code == 401
    assert "another password" in said(caplog)
