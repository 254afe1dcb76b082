"""The lines beside a request: lenient in form, and nothing appended later changes a choice."""

from __future__ import annotations

import pytest

from enrollment.ca.attributes import (
    RequestAttributes,
    parse_request_attributes,
    readable_lines,
)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("CertificateTemplate:WebServer", id="one line, no end"),
        pytest.param("CertificateTemplate:WebServer\r\n", id="CRLF"),
        pytest.param("UserAgent:x\nCertificateTemplate:WebServer\n", id="LF"),
        pytest.param("UserAgent:x\rCertificateTemplate:WebServer\r", id="CR"),
        pytest.param("\r\n\r\n\nCertificateTemplate:WebServer\n\n\r", id="any run of them"),
        pytest.param("certificatetemplate:WebServer", id="small letters"),
        pytest.param("Certificate-Template:WebServer", id="minus sign in the name"),
        pytest.param(" Certificate Template : WebServer ", id="blanks everywhere"),
        pytest.param("rubbish\r\nCertificateTemplate:WebServer", id="a line without a colon"),
        pytest.param(":x\nempty:\nCertificateTemplate:WebServer", id="no name, no value"),
    ],
)
def test_a_template_is_found_however_the_lines_are_written(text: str) -> None:
    assert parse_request_attributes(text).template_name == "WebServer"


def test_the_value_begins_after_the_first_colon() -> None:
    attributes = parse_request_attributes("ccm:web1:8443")

    assert attributes["CCM"] == "web1:8443"


def test_the_first_of_two_equal_names_wins() -> None:
    text = "CertificateTemplate:WebServer\r\nCertificate-Template:SubCA"

    assert parse_request_attributes(text).template_name == "WebServer"


def test_a_value_keeps_its_case_and_its_minus_signs() -> None:
    assert parse_request_attributes("SAN:dns=A-b.Example").get("san") == "dns=A-b.Example"


@pytest.mark.parametrize("text", ["", "\r\n", "hello", "CertificateTemplate"])
def test_nothing_means_no_template(text: str) -> None:
    attributes = parse_request_attributes(text)

    assert (len(attributes), attributes.template_name) == (0, None)


def test_an_escaped_newline_of_the_certreq_command_line_is_no_line_end_here() -> None:
    attributes = parse_request_attributes("CertificateTemplate:WebServer\\nSAN:dns=x")

    assert attributes.template_name == "WebServer\\nSAN:dns=x"


def test_what_lies_beyond_the_bounds_is_not_read() -> None:
    text = "x:y\n" * 300 + "CertificateTemplate:WebServer"

    assert parse_request_attributes(text).template_name is None
    assert parse_request_attributes("x" * 20_000 + "\nCertificateTemplate:A").template_name is None


def test_unknown_names_are_kept_for_people_to_see() -> None:
    attributes = parse_request_attributes("RequesterName:root\nApplicationPolicies:1.2.3")

    assert dict(attributes) == {"requestername": "root", "applicationpolicies": "1.2.3"}
    assert "requestername" in repr(attributes)


def test_a_mapping_can_be_made_by_hand() -> None:
    assert RequestAttributes({"Certificate-Template": "User"}).template_name == "User"


def test_a_name_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        parse_request_attributes("")["x"]


def test_what_is_kept_of_the_lines_reads_again_as_what_was_decided_on() -> None:
    """A control character is a blank to one function and none to another: found by fuzzing."""
    text = "CertificateTemplate\x1f:User\nccm : host"

    assert dict(parse_request_attributes(readable_lines(text))) == dict(
        parse_request_attributes(text)
    )
