"""Our pages are a wire format: every expression of every client, on every page, both ways."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.web.client_patterns import (
    DENIED,
    FETCHED,
    ID,
    ISSUED,
    NOT_DENIED,
    NOT_ISSUED,
    PATTERNS,
    WAITING,
    Row,
)
from tests.web.conftest import MISSING

if TYPE_CHECKING:
    from tests.web.conftest import Page

Pages = dict[str, "Page"]


@pytest.mark.parametrize(
    ("row", "name"),
    [pytest.param(row, name, id=f"{row.client}: {name}") for row in PATTERNS for name in row.on],
)
def test_a_client_finds_what_it_looks_for(pages: Pages, row: Row, name: str) -> None:
    page = pages[name]

    match = row.search(page.text)

    assert match is not None, page.text
    if row.gives is not None:
        assert match[1] == row.gives.replace(ID, str(page.request_id))


@pytest.mark.parametrize(
    ("row", "name"),
    [pytest.param(row, name, id=f"{row.client}: {name}") for row in PATTERNS for name in row.off],
)
def test_a_client_does_not_find_it_where_it_would_mislead(
    pages: Pages, row: Row, name: str
) -> None:
    match = row.search(pages[name].text)

    assert match is None, f"{match} in {name}"


def test_no_page_shows_a_missing_variable(pages: Pages) -> None:
    assert not [page.name for page in pages.values() if MISSING in page.text]


def test_every_outcome_is_a_page_with_status_200(pages: Pages) -> None:
    """Go clients panic on any other status of certnew.cer (contract rule 3)."""
    assert {page.status for page in pages.values()} == {200}
    assert {page.content_type for page in pages.values()} == {"text/html; charset=utf-8"}


# Shell and Swift clients cut lines; contract section 2.1.


@pytest.mark.parametrize("name", ISSUED)
def test_bgstack15_cuts_the_address_from_the_line_after_the_function(
    pages: Pages, name: str
) -> None:
    lines = pages[name].lines
    after = lines[lines.index("function handleGetCert() {") + 1]
    assert after.split('"')[1] == f"certnew.cer?ReqID={pages[name].request_id}&"
    assert pages[name].text.count("function handleGetCert() {") == 1


@pytest.mark.parametrize("name", ISSUED)
def test_bgstack15_reads_the_number_after_the_equals_sign(pages: Pages, name: str) -> None:
    (line,) = [line for line in pages[name].lines if "' nReqId" in line]
    assert line.split("= ")[1] == str(pages[name].request_id)


@pytest.mark.parametrize("name", ISSUED)
def test_jamf_reads_the_first_line_with_the_word(pages: Pages, name: str) -> None:
    first = next(line for line in pages[name].lines if "ReqID" in line)
    assert re.sub(r".*ReqID=(.*)&amp.*", r"\1", first).split("&")[0] == str(pages[name].request_id)


@pytest.mark.parametrize("name", ISSUED)
def test_nomad_strips_both_sides_and_has_an_integer(pages: Pages, name: str) -> None:
    first = next(line for line in pages[name].lines if "certnew.cer?ReqID=" in line)
    rest = re.sub(r"&amp;.*", "", re.sub(r"^.*?certnew\.cer\?ReqID=", "", first))
    assert int(rest) == pages[name].request_id


@pytest.mark.parametrize("name", ISSUED)
def test_gotls_reads_the_line_of_the_download(pages: Pages, name: str) -> None:
    (line,) = [line for line in pages[name].lines if "locDownloadCert1" in line]
    match = re.search(r"ReqID=([^&]+)&", line)
    assert match is not None
    assert match[1] == str(pages[name].request_id)


@pytest.mark.parametrize("name", ISSUED)
def test_caddy_takes_the_first_base64_link_that_is_not_the_ca_s(pages: Pages, name: str) -> None:
    links = re.findall(r'<[aA]\s[^>]*[hH]ref="([^"]*)"', pages[name].text)
    first = next(link for link in links if "b64" in link and "p7b" not in link and "CA" not in link)
    assert first == f"certnew.cer?ReqID={pages[name].request_id}&amp;Enc=b64"


@pytest.mark.parametrize("name", ISSUED)
def test_a_link_is_called_base_64_encoded_and_nothing_else(pages: Pages, name: str) -> None:
    match = re.search(r'<A Href="([^"]*)">Base 64 encoded</A>', pages[name].text)
    assert match is not None
    assert re.split("[=&]", match[1])[1] == str(pages[name].request_id)


@pytest.mark.parametrize("name", ISSUED)
def test_all_numbers_are_the_same(pages: Pages, name: str) -> None:
    found = set(re.findall(r"certnew.cer\?ReqID=([0-9]+)", pages[name].text))
    assert found == {str(pages[name].request_id)}


@pytest.mark.parametrize("name", ISSUED)
def test_the_ca_is_mentioned_after_the_certificate(pages: Pages, name: str) -> None:
    text = pages[name].text
    assert text.rindex(f"ReqID={pages[name].request_id}") < text.index("CACert")


@pytest.mark.parametrize("name", ISSUED)
def test_the_elements_that_browser_automation_clicks_are_there(pages: Pages, name: str) -> None:
    for element in (
        "rbDerEnc",
        "rbB64Enc",
        "locDerEnc0",
        "locB64Enc0",
        "locDownloadCert3",
        "locDownloadCertChain3",
    ):
        assert pages[name].text.count(f'id="{element}"') == 1


@pytest.mark.parametrize("name", WAITING)
def test_no_phrase_in_quotes_stands_in_the_prose_of_a_waiting_page(pages: Pages, name: str) -> None:
    """acme-adcs-ra reads word, blank and a quoted phrase of five characters as a denial."""
    prose = re.sub(r"(?is)<script.*?</script>", "", pages[name].text)
    assert re.search(r'\w "([^"]{5,})"', prose) is None


@pytest.mark.parametrize("name", DENIED)
def test_number_and_message_stand_on_one_line(pages: Pages, name: str) -> None:
    (line,) = [line for line in pages[name].lines if "Your Request Id is" in line]
    assert re.search(r'Your Request Id is \d+\. The disposition message is "[^"]+"\.', line)


@pytest.mark.parametrize("name", [*NOT_ISSUED])
def test_nothing_but_an_issued_page_links_to_a_certificate(pages: Pages, name: str) -> None:
    assert not re.search(r"certnew\.(cer|p7b)\?ReqID=\d", pages[name].text)


@pytest.mark.parametrize("name", [*FETCHED])
def test_labels_of_the_error_page_stand_in_their_order(pages: Pages, name: str) -> None:
    labels = re.findall(r"<B>([^<]+):</B>\r\n\t\t", pages[name].text)
    assert labels == [
        "Request Mode",
        "Disposition",
        "Disposition message",
        "Result",
        "COM Error Info",
        "LastStatus",
        "Suggested Cause",
    ]


@pytest.mark.parametrize("name", [*NOT_DENIED, "home", "certrqxt.asp", "certcarc.asp"])
def test_words_of_an_outcome_stand_only_on_its_page(pages: Pages, name: str) -> None:
    assert "Denied by" not in pages[name].text
    assert "Taken Under Submission" not in pages[name].text


# certcarc.asp, contract section 1.7.


def test_the_number_of_renewals_stands_there_once(pages: Pages) -> None:
    """bgstack15 joins all matches."""
    assert re.findall(r"nRenewals=[0-9]+", pages["certcarc.asp"].text) == ["nRenewals=0"]


def test_lines_with_options_are_the_ca_certificates(pages: Pages) -> None:
    """An older bgstack15 counts lines."""
    lines = [line for line in pages["certcarc.asp"].lines if "Option" in line]
    assert len(lines) == 1
    assert "Current [Example Issuing CA]" in lines[0]


# certrqxt.asp, contract section 1.3.


def test_every_template_has_fourteen_fields(pages: Pages) -> None:
    options = re.findall(
        r'^<Option Value="([^"]*)"[^>]*>([^<]*)</Option>$',
        pages["certrqxt.asp"].text,
        re.MULTILINE,
    )
    assert {len(value.split(";")) for value, _ in options} == {14}
    assert ("WebServer", "Web Server", "Web Server") in {
        (value.split(";")[1], value.split(";")[13], label) for value, label in options
    }


def test_elements_of_browser_automation_are_there(pages: Pages) -> None:
    text = pages["certrqxt.asp"].text
    assert re.search(r'id="locTaRequest"', text, re.IGNORECASE)
    assert re.search(r'<Input Type=Submit ID=btnSubmit[^>]* Value="Submit &gt;">', text)
    assert "locSubmitAlign" in text


# The links that automation clicks, contract section 1.2.


def test_one_link_asks_for_a_certificate(pages: Pages) -> None:
    links = re.findall(r"<a [^>]*>(.*?)</a>", pages["home"].text, re.DOTALL)
    assert len([link for link in links if "request a certificate" in link.lower()]) == 1


@pytest.mark.parametrize("name", ["certrqus.asp", "certrqad.asp"])
def test_the_long_link_leads_to_the_paste_form(pages: Pages, name: str) -> None:
    assert re.search(
        r'<a id="locAdvReqLabelContd" href="certrqxt.asp">Submit a certificate request by using '
        r"a base-64-encoded CMC or PKCS #10 file, or submit a renewal request by using a "
        r"base-64-encoded PKCS #7 file.</a>",
        pages[name].text,
    )


def test_the_advanced_page_holds_the_paste_form(pages: Pages) -> None:
    assert 'href="certrqad.asp">advanced certificate request</a>' in pages["certrqus.asp"].text
    assert "locTaRequest" in pages["certrqad.asp"].text


def test_no_page_needs_inline_script_or_style(pages: Pages) -> None:
    """The policy forbids both; what scripts look for stands there as inert text."""
    for page in pages.values():
        assert not re.search(r"<script(?![^>]*(?:src=|text/plain))", page.text), page.name
        assert not re.search(r"\s(?:style|on[a-z]+)=", re.sub(r">[^<]*<", "><", page.text)), (
            page.name
        )
