"""A keytab is judged at the start, in a sentence that says what to do."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from django.core.checks import run_checks
from hypothesis import example, given
from hypothesis import strategies as st

from enrollment.conf import Kerberos
from enrollment.signin import kerberos
from enrollment.signin.keytab import KeytabUnusable, _principals, service_principal
from tests.kerberos.keytabs import HEAD, entry
from tests.kerberos.realm import SERVICE, Realm
from tests.signin.conftest import configure as change_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

changed = change_settings


def keytab(folder: Path, *entries: bytes) -> str:
    path = folder / "test.keytab"
    path.write_bytes(HEAD + b"".join(entries))
    path.chmod(0o600)
    return str(path)


def test_the_keytab_that_the_kdc_wrote_is_read(realm: Realm) -> None:
    assert str(service_principal(str(realm.keytab), "localhost")) == SERVICE


def test_the_name_is_found_among_others_however_it_is_written(tmp_path: Path) -> None:
    """Active Directory takes any case; the ticket is for the name as the keytab has it."""
    hole = (-9).to_bytes(4, signed=True) + bytes(9)
    entries = [entry("host/ca@A.TEST"), hole, entry("HTTP/CA.Example.com@A.TEST")]

    found = service_principal(keytab(tmp_path, *entries), "ca.example.com")

    assert (str(found), found.realm) == ("HTTP/CA.Example.com@A.TEST", "A.TEST")


def test_a_keytab_of_another_host_says_what_it_has(tmp_path: Path) -> None:
    path = keytab(tmp_path, entry("HTTP/www.example.com@A.TEST"))

    with pytest.raises(KeytabUnusable, match=r"has no key of HTTP/ca; it has HTTP/www\.example"):
        service_principal(path, "ca")


def test_a_keytab_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = keytab(tmp_path, entry("HTTP/ca@A.TEST"))
    (tmp_path / "test.keytab").chmod(0o640)

    with pytest.raises(KeytabUnusable, match=r"has mode 0640.*type: chmod 600"):
        service_principal(path, "ca")


@pytest.mark.parametrize("content", [b"", b"-----BEGIN", b"\5\1"])
def test_another_file_is_no_keytab(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(KeytabUnusable, match="no keytab of version 2"):
        service_principal(str(path), "ca")


@given(st.binary(max_size=200))
@example(b"\x7f\xff\xff\xff\xff\xff")
@example(b"\x80\0\0\0" * 9)
def test_no_content_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory, rest: bytes
) -> None:
    with contextlib.suppress(KeytabUnusable):
        assert len(list(_principals(b"\5\2" + rest, tmp_path_factory.getbasetemp()))) <= 50


def complaints() -> list[str]:
    return [
        f"{found.msg} {found.hint}" for found in run_checks(tags=["security"]) if found.is_serious()
    ]


def test_the_site_does_not_start_without_the_package(
    changed: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kerberos, "is_installed", lambda: False)
    changed(sign_in=("negotiate",))

    assert "pip install -r requirements-kerberos.txt" in " ".join(complaints())


def test_the_site_does_not_start_without_a_keytab(
    changed: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(kerberos, "is_installed", lambda: True)
    changed(sign_in=("negotiate",), kerberos=Kerberos(), hostname="ca")
    assert "Name the file with the key of HTTP/ca in CERTSRV_KEYTAB" in " ".join(complaints())

    changed(sign_in=("negotiate",), kerberos=Kerberos(str(tmp_path / "none")))
    assert "cannot be read (No such file" in " ".join(complaints())


def test_sites_without_kerberos_are_not_asked_for_any_of_it(
    changed: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kerberos, "is_installed", lambda: False)
    changed(sign_in=("basic",), kerberos=Kerberos())

    assert "enrollment.E00" not in " ".join(str(found.id) for found in run_checks())
