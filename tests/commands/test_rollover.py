"""The roll-over in a shell: renew, bridge, watch, retire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from enrollment import conf
from enrollment.models import Authority, CrossCertificate, RetiredKey
from tests.admin.conftest import submit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from enrollment.services.setup import SetupReport
    from tests.commands.conftest import Shell

pytestmark = pytest.mark.django_db


def test_the_rollover_says_what_hangs_on_each_key_and_what_is_due(
    alice: User, shell: Shell
) -> None:
    submit(alice, template="WebServer")
    shell("ca", "renew", "--new-key")

    new, old = shell.json("ca", "rollover")

    assert (new["key"], new["state"], new["certificates left"]) == (1, "issues", "0")
    assert (old["key"], old["state"], old["certificates left"]) == (0, "needed", "1")
    assert old["last one ends"] is not None
    assert old["crosses"] == ["(0-1)"]
    assert "It can go on" in old["due"][0]["sentence"]


def test_a_person_reads_a_table_and_sentences(alice: User, shell: Shell) -> None:
    submit(alice, template="WebServer")
    shell("ca", "renew", "--new-key")

    printed = shell("ca", "rollover")

    assert printed.splitlines()[0].split() == [
        "KEY", "STATE", "CERTIFICATES", "LEFT", "LAST", "ONE", "ENDS", "CROSSES",
    ]  # fmt: skip
    assert "Key 0: Keep this key: one certificate hangs on it" in printed


def test_missing_cross_certificates_are_made_and_said(site: SetupReport, shell: Shell) -> None:
    shell("ca", "renew", "--new-key")
    CrossCertificate.objects.filter(issuing__index=0).delete()

    assert shell("ca", "cross") == "Signed the cross certificate (0-1).\n"
    assert shell("ca", "cross") == "No cross certificate is missing.\n"


def test_a_cross_certificate_whose_key_is_away_is_said(site: SetupReport, shell: Shell) -> None:
    shell("ca", "renew", "--new-key")
    CrossCertificate.objects.all().delete()
    Authority.objects.filter(index=0).update(key_reference="keys/lost.pem")

    sentence = shell.refused("ca", "cross")

    assert "(0-1): There is no private key at" in sentence
    assert CrossCertificate.objects.get().issuing.index == 1


def test_a_key_is_retired_and_then_destroyed(site: SetupReport, shell: Shell) -> None:
    file = conf.current().home / site.authority.key_reference
    shell("ca", "renew", "--new-key")

    assert shell("ca", "retire", "0") == "Key 0 is retired. CRL 2 is its last.\n"
    assert file.exists()
    assert "The file of key 0 is destroyed." in shell("ca", "retire", "0", "--destroy-key")
    assert not file.exists()


def test_both_can_be_done_at_once(site: SetupReport, shell: Shell) -> None:
    shell("ca", "renew", "--new-key")

    printed = shell("ca", "retire", "0", "--destroy-key")

    assert "Key 0 is retired." in printed
    assert RetiredKey.objects.get().destroyed_at is not None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("0",), "Certificates below key 0 that have not ended: 1."),
        (("0", "--destroy-key"), "Certificates below key 0 that have not ended: 1."),
        (("1",), "Key 1 issues today."),
        (("9",), "There is no CA key 9. The keys are: 0, 1."),
    ],
)
def test_a_key_that_is_needed_is_not_retired(
    words: tuple[str, ...], sentence: str, alice: User, shell: Shell
) -> None:
    submit(alice, template="WebServer")
    shell("ca", "renew", "--new-key")

    assert sentence in shell.refused("ca", "retire", *words)
    assert not RetiredKey.objects.exists()


@pytest.mark.parametrize("words", [("ca", "rollover"), ("ca", "retire", "0")])
def test_without_a_ca_the_sentence_says_what_to_run(words: tuple[str, ...], shell: Shell) -> None:
    assert "manage.py setup" in shell.refused(*words)
