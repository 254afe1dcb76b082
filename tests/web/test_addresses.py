"""Addresses in every case, and where the ones that show nothing lead. Contract rules 1 and 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

if TYPE_CHECKING:
    from tests.web.conftest import Visitor


@pytest.mark.parametrize(
    "address",
    [
        "/certsrv",
        "/certsrv/",
        "/CertSrv/",
        "/certsrv/default.asp",
        "/certsrv/Default.asp",
        "/CERTSRV/CERTRQUS.ASP",
        "/certsrv/certrqad.asp",
        "/certsrv/certrqbi.asp?type=0",
        "/certsrv/certrqma.asp",
        "/certsrv/CertRqXt.asp",
        "/certsrv/certckpn.asp",
        "/CertSrv/CertCarc.asp",
        "/CertSrv/CertNew.cer?reqid=CACERT&RENEWAL=-1",
        "/CertSrv/CertNew.p7b?REQID=CACert&enc=b64",
    ],
)
def test_an_address_answers_in_any_case(program: Visitor, address: str) -> None:
    assert program.visit(address).status_code == 200


@pytest.mark.parametrize("address", ["/certsrv", "/certsrv/", "/certsrv/certrqxt.asp"])
def test_head_is_answered_like_get(program: Visitor, address: str) -> None:
    """`curl -I` is what a client's manual tells admins to type (contract 1.1)."""
    response = program.visit(address, method="HEAD")

    assert response.status_code == 200
    assert response.content == b""


@pytest.mark.parametrize("part", ["is", "pn", "dn", "er"])
def test_parts_of_the_result_page_lead_home(program: Visitor, part: str) -> None:
    assert program.get(f"certrs{part}.asp").headers["Location"] == "/certsrv/"


def test_the_bare_host_leads_to_the_site(program: Visitor) -> None:
    assert program.visit("/").headers["Location"] == "/certsrv/"


@pytest.mark.parametrize(
    "address", ["mscep/mscep.dll", "mscep_admin/", "nothing.asp", "certnew.cer/x"]
)
def test_addresses_of_nobody_are_not_found(program: Visitor, address: str) -> None:
    assert program.get(address).status_code == 404


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("default.asp?flow=w2k&task=retrieve", "/certsrv/certcarc.asp?flow=w2k"),
        ("default.asp?flow=w2k&task=request", "/certsrv/certrqus.asp?flow=w2k"),
        ("default.asp?flow=w2k&task=check", "/certsrv/certckpn.asp?flow=w2k"),
        ("certrqus.asp?flow=w2k&type=advanced", "/certsrv/certrqad.asp?flow=w2k"),
        ("certrqus.asp?flow=w2k&type=user", "/certsrv/certrqbi.asp?flow=w2k"),
        ("certrqad.asp?flow=w2k&type=file", "/certsrv/certrqxt.asp?flow=w2k"),
        ("certrqad.asp?flow=w2k&type=form", "/certsrv/certrqma.asp?flow=w2k"),
    ],
)
def test_next_leads_on_in_the_words_of_windows_2000(program: Visitor, start: str, end: str) -> None:
    response = program.get(start)

    assert response.headers["Location"] == end
    assert program.visit(end).status_code == 200


@pytest.mark.parametrize("flow", ["w2k", "cs1", "today", "<script>", "W2K"])
def test_the_words_are_kept_to_the_last_page(program: Visitor, flow: str) -> None:
    text = program.get(f"certrqxt.asp?flow={flow}").content.decode()

    kept = flow.lower() if flow.lower() in {"w2k", "cs1"} else "today"
    assert f'name="flow" value="{kept}"' in text
    assert "<script>" not in text


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("address", ["", "certrqxt.asp", "certfnsh.asp", "requests", "preview"])
def test_a_stranger_gets_401_and_no_redirect(address: str) -> None:
    assert Client().get(f"/certsrv/{address}").status_code == 401
