"""What we write, strict DER readers read back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from hypothesis import example, given
from hypothesis import strategies as st
from pyasn1.codec.der import decoder
from pyasn1.type import char, univ, useful

from enrollment.ca import der


def read(octets: bytes) -> object:
    """Read with an independent strict reader, which must leave nothing over."""
    value, rest = decoder.decode(octets)
    assert not rest
    return value


@given(st.integers())
@example(-128)
@example(-1)
@example(0)
@example(127)
@example(128)
@example(2**127)
def test_an_integer_is_written_in_the_fewest_octets(number: int) -> None:
    """X.690 section 8.3.2: the first nine bits are neither all zeros nor all ones."""
    written = der.integer(number)

    octets = written[2:] if written[1] < 128 else written[2 + (written[1] & 0x7F) :]
    assert int(read(written)) == number  # type: ignore[call-overload]  # pyasn1 has no types
    assert len(octets) == 1 or int.from_bytes(octets[:2], "big") >> 7 not in {0, 0b1_1111_1111}


@given(
    st.one_of(
        st.tuples(st.integers(0, 1), st.integers(0, 39)),
        st.tuples(st.just(2), st.integers(0, 2**40)),
    ),
    st.lists(st.integers(0, 2**70), max_size=8),
)
def test_an_object_identifier_reads_back(first: tuple[int, int], rest: list[int]) -> None:
    dotted = ".".join(map(str, (*first, *rest)))

    assert str(read(der.oid(dotted))) == dotted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "3.1",
        "1.40",
        "0.40",
        "1.2.-5",
        "1.2.x",
        "1..2",
        "1.2.",
        "1.2. 3",
        "1.2.1_0",
        "1.2.٣",
    ],
)
def test_what_is_no_object_identifier_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an object identifier"):
        der.oid(text)


@given(st.binary(max_size=70_000))
def test_octets_of_any_length_read_back(octets: bytes) -> None:
    assert bytes(univ.OctetString(read(der.octet_string(octets)))) == octets


@pytest.mark.parametrize(
    ("count", "written"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8180"),
        (255, "81ff"),
        (256, "820100"),
        (65_535, "82ffff"),
        (65_536, "83010000"),
    ],
)
def test_lengths_change_form_at_their_bounds(count: int, written: str) -> None:
    """X.690 section 10.1: the definite form in the fewest octets."""
    assert der.length(count).hex() == written


@given(st.text(max_size=300))
def test_a_utf8_string_reads_back(text: str) -> None:
    assert str(char.UTF8String(read(der.utf8_string(text)))) == text


@given(st.text(st.characters(max_codepoint=0xD7FF), max_size=300))
def test_a_bmp_string_reads_back(text: str) -> None:
    assert str(char.BMPString(read(der.bmp_string(text)))) == text


@pytest.mark.parametrize(
    ("octets", "written"),
    [
        (der.null(), "0500"),
        (der.boolean(True), "0101ff"),  # noqa: FBT003 - the value itself
        (der.boolean(False), "010100"),  # noqa: FBT003 - the value itself
        (der.printable_string("DE"), "13024445"),
        (der.ia5_string("a@b"), "1603614062"),
        (der.bit_string(b"\xa0", 5), "030205a0"),
        (der.sequence(), "3000"),
        (der.sequence(der.null(), der.null()), "300405000500"),
        (der.explicit(3, der.null()), "a3020500"),
        (der.implicit(2, b"x"), "820178"),
    ],
    ids=str,
)
def test_small_values_are_written_octet_by_octet(octets: bytes, written: str) -> None:
    assert octets.hex() == written


@given(st.lists(st.binary(max_size=20).map(der.octet_string), max_size=6))
def test_a_set_is_sorted_whatever_order_it_was_given_in(parts: list[bytes]) -> None:
    """X.690 section 11.6."""
    assert der.set_of(*parts) == der.set_of(*reversed(parts))
    assert der.set_of(*parts) == der.tlv(der.SET, *sorted(parts))


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        pytest.param(datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), b"491231235959Z", id="2049"),
        pytest.param(datetime(2050, 1, 1, tzinfo=UTC), b"20500101000000Z", id="2050"),
        pytest.param(datetime(1950, 1, 1, tzinfo=UTC), b"500101000000Z", id="1950"),
        pytest.param(datetime(1949, 12, 31, tzinfo=UTC), b"19491231000000Z", id="1949"),
        pytest.param(datetime(850, 1, 1, tzinfo=UTC), b"08500101000000Z", id="year 850"),
        pytest.param(
            datetime(2026, 11, 23, 12, 0, 1, 999_999, tzinfo=UTC), b"261123120001Z", id="cut"
        ),
    ],
)
def test_a_time_changes_its_type_where_rfc_5280_says(moment: datetime, written: bytes) -> None:
    """RFC 5280 section 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050."""
    octets = der.time(moment)

    assert octets[2:] == written
    assert octets[0] == (der.UTC_TIME if len(written) == 13 else der.GENERALIZED_TIME)


@given(
    st.datetimes(
        min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
        max_value=datetime(2400, 1, 1),  # noqa: DTZ001 - hypothesis wants it bare
        timezones=st.just(UTC),
    )
)
def test_a_time_reads_back_to_the_second(moment: datetime) -> None:
    value = read(der.time(moment))

    assert isinstance(value, useful.UTCTime | useful.GeneralizedTime)
    assert value.asDateTime == moment.replace(microsecond=0)


def test_a_name_written_here_is_what_cryptography_writes() -> None:
    """The judge that matters most: the library that parses what we compose."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "www.example.com")])

    written = der.sequence(
        der.set_of(der.sequence(der.oid("2.5.4.3"), der.utf8_string("www.example.com")))
    )

    assert written == name.public_bytes()
