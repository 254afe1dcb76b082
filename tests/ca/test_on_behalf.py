"""Whom a signed message names: both sides of every rule."""

from __future__ import annotations

import pytest

from enrollment.ca.errors import RequestAmbiguous
from enrollment.ca.on_behalf import name_among, named


@pytest.mark.parametrize(
    ("pairs", "name"),
    [
        ([], ""),
        ([("RequesterName", "E\\alice")], "E\\alice"),
        ([("requester-name", " E\\alice ")], "E\\alice"),
        ([("CertificateTemplate", "User")], ""),
        ([("RequesterName", "")], ""),
        ([("RequesterName", "E\\alice"), ("REQUESTERNAME", "e\\ALICE")], "E\\alice"),
    ],
)
def test_the_pair_is_found_however_it_is_spelled(pairs: list[tuple[str, str]], name: str) -> None:
    assert name_among(pairs).casefold() == name.casefold()


def test_two_names_in_one_place_are_none() -> None:
    with pytest.raises(RequestAmbiguous, match="'alice' and 'bob'"):
        name_among([("RequesterName", "alice"), ("RequesterName", "bob")])


@pytest.mark.parametrize(
    ("by_content", "by_agents", "by_own_key", "name"),
    [
        pytest.param("", [], [], "", id="nobody"),
        pytest.param("", ["alice"], [], "alice", id="an agent"),
        pytest.param("alice", [""], [""], "alice", id="the content, which all sign"),
        pytest.param("alice", ["ALICE", ""], [], "ALICE", id="content and an agent"),
        pytest.param("", ["alice", "alice"], [""], "alice", id="two agents and the key"),
        pytest.param("", [], ["alice"], "alice", id="the key alone, so that it is refused"),
        pytest.param("", ["", ""], [""], "", id="signatures that name nobody"),
    ],
)
def test_a_message_is_for_whom_all_its_signatures_name(
    by_content: str, by_agents: list[str], by_own_key: list[str], name: str
) -> None:
    assert named(by_content, by_agents, by_own_key).casefold() == name.casefold()


@pytest.mark.parametrize(
    ("by_content", "by_agents", "by_own_key"),
    [
        pytest.param("", ["alice", "bob"], [], id="two agents differ"),
        pytest.param("alice", ["bob"], [], id="content and agent differ"),
        pytest.param("", ["alice", ""], [], id="one agent names nobody"),
        pytest.param("", [""], ["alice"], id="only the key names somebody"),
        pytest.param("", ["alice"], ["bob"], id="agent and key differ"),
    ],
)
def test_a_message_that_is_not_all_for_one_is_refused(
    by_content: str, by_agents: list[str], by_own_key: list[str]
) -> None:
    with pytest.raises(RequestAmbiguous):
        named(by_content, by_agents, by_own_key)
