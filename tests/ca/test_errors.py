"""Every refusal says what is wrong, what to do, and carries Microsoft's code."""

from __future__ import annotations

import inspect

import pytest

from enrollment.ca import errors, hresult
from enrollment.ca.errors import EnrollmentError

CLASSES = sorted(
    (
        value
        for value in vars(errors).values()
        if inspect.isclass(value)
        and issubclass(value, EnrollmentError)
        and value is not EnrollmentError
    ),
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_refusal_has_a_code_with_a_text_and_a_stage(kind: type[EnrollmentError]) -> None:
    assert kind.hresult in hresult.TEXTS
    assert kind.stage in {errors.PARSING, errors.VERIFYING, errors.POLICY}


def test_a_refusal_reads_as_detail_and_remedy() -> None:
    error = errors.KeyWeak("The key is even.", remedy="Make a new one.")

    assert str(error) == "The key is even. Make a new one."
    assert error.detail == "The key is even."
    assert error.remedy == "Make a new one."


def test_the_disposition_message_has_the_shape_of_the_original() -> None:
    """Stage, two blanks, code, comma, Microsoft's text, our detail (contract 2.3 and 6)."""
    error = errors.KeyTooShort(key="RSA 1024", minimum=2048, template="WebServer")

    assert error.disposition_message == (
        "Denied by Policy Module  0x80094811, The public key does not meet the minimum size "
        "required by the specified certificate template. The key of the request is RSA 1024; "
        "template 'WebServer' needs at least 2048 bits."
    )


def test_a_disposition_message_holds_no_double_quote_because_clients_cut_there() -> None:
    error = errors.NameNotAllowed('The name "x" is not allowed.', remedy="Ask for another.")

    assert "The name 'x' is not allowed." in error.disposition_message
    assert '"' not in error.disposition_message


def test_a_disposition_message_is_one_line_whatever_the_detail_holds() -> None:
    error = errors.NameNotAllowed("one\r\ntwo\nthree", remedy="")

    assert len(error.disposition_message.splitlines()) == 1


def test_an_unknown_template_is_refused_in_the_words_that_clients_search_for() -> None:
    error = errors.TemplateNotSupported("WebSrv", offered=("User", "WebServer"))

    assert error.disposition_message == (
        "Denied by Policy Module  0x80094800, The request was for a certificate template that is "
        "not supported by the Active Directory Certificate Services policy: WebSrv."
    )
    assert error.remedy == "Choose a template that this CA offers you: User, WebServer."


def test_somebody_who_is_offered_no_template_is_told_so() -> None:
    error = errors.TemplateNotSupported("WebServer", offered=())

    assert error.remedy.endswith("offers you: none.")


def test_an_unknown_template_with_a_hostile_name_is_quoted_visibly_on_one_line() -> None:
    """A template name from a BMPString may hold anything."""
    error = errors.TemplateNotSupported('a"b\n\x00\u202ec', offered=())

    assert "a'b\\u000a\\u0000\\u202ec" in error.disposition_message
    assert len(error.disposition_message.splitlines()) == 1
