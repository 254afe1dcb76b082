"""What hypothesis writes into a well-formed request is what is read out of it, or refused."""

from __future__ import annotations

import unicodedata

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enrollment.ca import der, names
from enrollment.ca.errors import EnrollmentError
from enrollment.ca.request import CertificationRequest, parse_certification_request
from tests import messages
from tests.fuzz import mutate

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
# Every kind of string that AD CS takes, with the encoding of its characters.
STRINGS = {0x0C: "utf-8", 0x1C: "utf-32-be", 0x1E: "utf-16-be"}


def read(subject: bytes, *attributes: bytes) -> CertificationRequest | None:
    """Read a request for what was written; None when it is refused."""
    try:
        return parse_certification_request(mutate.request(subject, *attributes))
    except EnrollmentError:
        return None


@QUICK
@given(TEXTS, st.sampled_from(sorted(STRINGS)))
def test_a_common_name_of_any_string_type(text: str, tag: int) -> None:
    if tag == der.BMP_STRING:
        text = "".join(sign for sign in text if ord(sign) < 0x10000) or "a"
    request = read(messages.name(("2.5.4.3", der.tlv(tag, text.encode(STRINGS[tag])))))

    if request is None:
        return
    (attribute,) = request.subject
    assert attribute.value == text
    assert not {unicodedata.category(sign) for sign in names.display(request.subject)} & HIDDEN


@QUICK
@given(st.lists(TEXTS, max_size=4))
def test_alternative_names(values: list[str]) -> None:
    encoded = b"".join(der.implicit(2, value.encode()) for value in values)
    extension = messages.extension("2.5.29.17", der.sequence(encoded))
    request = read(messages.common_name("a"), messages.extension_request(extension))

    if request is None:
        return
    assert [name.value for name in request.subject_alternative_name] == values


@QUICK
@given(TEXTS, TEXTS)
def test_a_pair_of_name_and_value(name: str, value: str) -> None:
    plain = [text for text in (name, value) if all(ord(sign) < 0x10000 for sign in text)]
    if len(plain) < 2:
        return
    pair = messages.attribute(messages.MICROSOFT + "13.2.1", messages.name_value_pair(name, value))
    request = read(messages.common_name("a"), pair)

    assert request is not None
    assert request.microsoft.name_value_pairs == ((name, value),)
