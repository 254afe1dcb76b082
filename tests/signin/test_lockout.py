"""Whoever guesses passwords waits; nobody else does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from enrollment import conf
from enrollment.conf_people import LockOut
from enrollment.models import AuditEvent, SignInFailures
from enrollment.services import lockout
from enrollment.signin import accounts
from tests.signin.people import PASSWORD, basic
from tests.signin.shown import NETWORKS, PROXY

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("few_guesses", "carol")]

BOUND = 3
HERE = "192.0.2.1"
ELSEWHERE = "198.51.100.9"
PAGE = "/accounts/password/"


@pytest.fixture
def few_guesses(configure: Callable[..., None]) -> None:
    configure(lock_out=LockOut(failures=BOUND))


def program(client: Client, password: str = PASSWORD, address: str = HERE, **more: Any) -> Any:
    """Sign in with Basic; return the answer."""
    name = more.pop("name", "carol")
    return client.get(PAGE, headers=basic(name, password), REMOTE_ADDR=address, **more)


def person(
    client: Client, password: str = PASSWORD, address: str = HERE, name: str = "carol"
) -> Any:
    """Sign in with the form; return the answer."""
    form = {"username": name, "password": password}
    return client.post("/accounts/login/", form, REMOTE_ADDR=address)


def guess(client: Client, times: Any = BOUND, **more: Any) -> None:
    for number in range(times):
        assert program(client, f"guess {number}", **more).status_code == 401


def test_after_too_many_wrong_passwords_a_program_is_told_when_to_come_again(
    client: Client,
) -> None:
    guess(client)

    answer = program(client, "guess")

    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 15 * 60
    assert "Try again in 15 minutes" in answer.content.decode()


def test_nobody_is_told_whether_the_password_was_right(client: Client) -> None:
    guess(client)

    right, wrong = program(client), program(client, "guess")

    assert right.status_code == wrong.status_code == 429
    assert right.content == wrong.content


def test_an_account_that_does_not_exist_is_answered_alike(client: Client) -> None:
    guess(client, name="nobody")

    assert program(client, name="nobody").status_code == 429


@pytest.mark.parametrize("name", ["CAROL", "carol@localhost", "LOCALHOST\\carol"])
def test_no_way_to_write_the_name_begins_a_new_count(client: Client, name: str) -> None:
    guess(client)

    assert program(client, name=name).status_code == 429


def test_the_form_counts_and_refuses_like_every_door(client: Client) -> None:
    for _ in range(BOUND):
        assert "No account has this name" in person(client, "guess").content.decode()

    answer = person(client)

    assert answer.status_code == 429
    assert "Retry-After" in answer
    assert "sessionid" not in answer.cookies


@pytest.mark.parametrize("name", ["bob@partner.example", "ghost@partner.example", "OTHER\\carol"])
def test_a_name_of_another_domain_tells_nobody_whether_it_has_an_account(
    client: Client, django_user_model: type[User], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Each costs one hash, and each is counted."""
    django_user_model.objects.create_user("bob@partner.example", password=PASSWORD)
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(hasher: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(hasher, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)

    for number in range(BOUND):
        assert person(client, f"guess {number}", name=name).status_code == 200

    assert hashed == [f"guess {number}" for number in range(BOUND)]
    assert person(client, name=name).status_code == 429


def test_the_doors_share_one_count(client: Client) -> None:
    guess(client)

    assert person(client).status_code == 429
    assert client.get("/certsrv/", headers=basic("carol"), REMOTE_ADDR=HERE).status_code == 429


def test_an_open_session_is_no_place_to_guess_the_password(client: Client) -> None:
    assert person(client).status_code == 302
    fields = {"new_password1": "another battery", "new_password2": "another battery"}
    for number in range(BOUND):
        page = client.post(PAGE, fields | {"old_password": f"guess {number}"}, REMOTE_ADDR=HERE)
        assert "old password was entered incorrectly" in page.content.decode()

    answer = client.post(PAGE, fields | {"old_password": PASSWORD}, REMOTE_ADDR=HERE)

    assert answer.status_code == 429


def test_a_session_that_is_open_goes_on(client: Client) -> None:
    assert person(client).status_code == 302
    guess(Client())

    assert client.get(PAGE, REMOTE_ADDR=HERE).status_code == 200


def test_the_same_account_from_elsewhere_goes_on(client: Client) -> None:
    guess(client)

    assert program(client, address=ELSEWHERE).status_code == 200


def test_the_wait_ends_by_itself(client: Client) -> None:
    guess(client)
    SignInFailures.objects.update(refused_until=timezone.now() - timedelta(seconds=1))

    assert program(client).status_code == 200


def test_trying_while_one_has_to_wait_makes_it_no_longer(client: Client) -> None:
    guess(client)
    before = SignInFailures.objects.get(kind=lockout.PAIR).refused_until

    program(client, "guess")

    assert SignInFailures.objects.get(kind=lockout.PAIR).refused_until == before


def test_wrong_passwords_of_long_ago_do_not_count(client: Client) -> None:
    guess(client, BOUND - 1)
    SignInFailures.objects.update(counted_since=timezone.now() - timedelta(minutes=15))

    guess(client, BOUND - 1)

    assert program(client).status_code == 200


def test_a_right_password_begins_the_count_anew(client: Client) -> None:
    for _ in range(2):
        guess(client, BOUND - 1)
        accounts.verified.forget_all()
        assert program(client).status_code == 200


def flood(client: Client) -> None:
    """Guess one account's password from as many places as it takes."""
    for number in range(lockout.WIDER * BOUND):
        program(client, "guess", f"203.0.113.{number}")


def test_a_flood_from_everywhere_ends_for_places_nobody_knows(client: Client) -> None:
    flood(client)

    assert program(client, address=ELSEWHERE).status_code == 429


def test_a_flood_does_not_keep_the_owner_out_of_where_they_work(client: Client) -> None:
    program(client)
    flood(client)
    accounts.verified.forget_all()

    assert program(client).status_code == 200


def test_one_address_cannot_go_through_all_accounts(client: Client) -> None:
    for number in range(lockout.WIDER * BOUND):
        program(client, "guess", name=f"somebody{number}")

    assert program(client, name="carol").status_code == 429
    assert program(client, name="carol", address=ELSEWHERE).status_code == 200


def test_the_machine_itself_is_not_closed_to_everybody(client: Client) -> None:
    """A proxy that nobody named makes everybody come from there."""
    for number in range(lockout.WIDER * BOUND):
        program(client, "guess", "127.0.0.1", name=f"somebody{number}")

    assert program(client, address="127.0.0.1").status_code == 200


def test_what_is_remembered_tells_a_guesser_nothing(client: Client) -> None:
    """The right password, remembered for its owner, would answer a guess without being checked."""
    assert program(client).status_code == 200
    guess(client)

    assert program(client).status_code == 429
    assert program(client, address=ELSEWHERE).status_code == 200


def test_nor_does_what_is_remembered_by_another_process(client: Client) -> None:
    assert program(client).status_code == 200
    while not lockout.failed(lockout.Attempt("carol", HERE), timezone.now()):
        pass  # as guesses there are counted

    assert program(client, "guess").status_code == 429
    assert program(client).status_code == 429


def test_a_guesser_elsewhere_is_not_answered_from_memory(client: Client) -> None:
    assert program(client, address=ELSEWHERE).status_code == 200
    guess(client)

    assert program(client).status_code == 429


def test_the_fast_path_asks_the_database_nothing_more(client: Client) -> None:
    address = "/nothing"  # no view that asks for its own
    client.get(address, headers=basic("carol"), REMOTE_ADDR=HERE)

    with CaptureQueriesContext(connection) as asked:
        answer = client.get(address, headers=basic("carol"), REMOTE_ADDR=HERE)

    assert answer.status_code == 404
    assert [query["sql"].split('"')[1] for query in asked] == ["auth_user"]


def test_a_lock_stands_in_the_audit_trail(client: Client) -> None:
    guess(client)

    event = AuditEvent.objects.get(verb="sign-in locked")
    assert event.subject == "user carol"
    assert event.detail["address"] == HERE
    assert PASSWORD not in str(event.detail)


def test_a_lock_can_be_lifted(client: Client, carol: User) -> None:
    guess(client)

    assert lockout.lift("carol", actor="ada", now=timezone.now()) == 1

    assert program(client).status_code == 200
    assert AuditEvent.objects.get(verb="sign-in unlocked").actor == "ada"


def test_it_can_be_switched_off(client: Client, configure: Callable[..., None]) -> None:
    configure(lock_out=LockOut(failures=0))

    guess(client, 2 * BOUND)

    assert program(client).status_code == 200
    assert not SignInFailures.objects.exists()


def test_a_proxy_says_where_its_clients_are(client: Client, configure: Callable[..., None]) -> None:
    clients = conf.current().clients
    configure(clients=type(clients)(proxies=NETWORKS))
    theirs = {"HTTP_X_FORWARDED_FOR": f"{ELSEWHERE}, {HERE}, {PROXY}"}
    guess(client, address=PROXY, **theirs)

    assert program(client, address=PROXY, **theirs).status_code == 429
    made_up = {"HTTP_X_FORWARDED_FOR": f"8.8.8.8, {HERE}"}
    assert program(client, address=PROXY, **made_up).status_code == 429
    others = {"HTTP_X_FORWARDED_FOR": f"{HERE}, {ELSEWHERE}"}
    assert program(client, address=PROXY, **others).status_code == 200


def test_nobody_else_says_where_they_are(client: Client) -> None:
    guess(client, HTTP_X_FORWARDED_FOR=ELSEWHERE)

    assert program(client, HTTP_X_FORWARDED_FOR="203.0.113.5").status_code == 429


def test_a_network_of_version_6_is_one_place(client: Client) -> None:
    guess(client, address="2001:db8::1")

    assert program(client, address="2001:db8::ffff:2").status_code == 429
    assert program(client, address="2001:db8:0:1::1").status_code == 200


def test_counts_that_mean_nothing_are_dropped(client: Client) -> None:
    guess(client, 1)
    now = timezone.now()

    lockout.forget_old(now)
    assert SignInFailures.objects.count() == 3
    lockout.forget_old(now + timedelta(minutes=16))
    assert not SignInFailures.objects.exists()


def test_what_still_holds_is_kept(client: Client) -> None:
    program(client)
    guess(client, name="nobody")
    now = timezone.now()

    lockout.forget_old(now + timedelta(minutes=14))

    assert set(SignInFailures.objects.values_list("account", "kind")) >= {
        ("carol", "pair"),
        ("nobody", "pair"),
    }


def test_strangers_cannot_fill_the_table(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    program(client)
    monkeypatch.setattr(lockout, "MOST_ROWS", 6)
    for number in range(8):
        program(client, "guess", f"203.0.113.{number}", name=f"somebody{number}")

    lockout.forget_old(timezone.now())

    assert SignInFailures.objects.filter(known_since=None).count() <= 6
    assert SignInFailures.objects.filter(account="carol").exists()
