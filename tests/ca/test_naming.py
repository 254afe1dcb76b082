"""Names of a certificate come from the request or from the directory, never from both."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from enrollment.ca import errors, naming
from enrollment.ca.names import UPN_OID, display, upn_of
from enrollment.ca.template import CLIENT_AUTHENTICATION, CertificateTemplate, SubjectSource
from tests import make


def directory_template(
    subject: str,
    *alternative: str,
    **options: Any,
) -> CertificateTemplate:
    return make.template(
        "User",
        subject_source=SubjectSource.DIRECTORY,
        directory_subject=subject,
        directory_alternative_names=alternative,
        **options,
    )


def test_a_subject_from_the_request_is_kept_octet_by_octet() -> None:
    request = make.request("www.example.com", dns=["www.example.com"], kind="ec:p256")

    chosen = naming.choose(request, make.template(), make.requester())

    assert chosen.subject_der == request.subject_der
    assert chosen.alternative_names == request.subject_alternative_name


def test_a_server_that_names_itself_only_in_the_common_name_gets_it_as_alternative_name() -> None:
    request = make.request("WWW.Example.com", kind="ec:p256")

    chosen = naming.choose(request, make.template(), make.requester())

    assert chosen.alternative_names == (x509.DNSName("www.example.com"),)


def test_alternative_names_in_the_request_are_not_added_to() -> None:
    request = make.request("www.example.com", dns=["other.example.com"], kind="ec:p256")

    chosen = naming.choose(request, make.template(), make.requester())

    assert chosen.alternative_names == (x509.DNSName("other.example.com"),)


@pytest.mark.parametrize("common_name", ["Alice Example", "10.0.0.1", "a_b", None])
def test_a_common_name_that_is_no_host_name_adds_nothing(common_name: str | None) -> None:
    request = make.request(common_name, kind="ec:p256")

    assert naming.host_in_common_name(request, make.template()) == ""


def test_a_template_that_is_not_for_servers_adds_no_host_name() -> None:
    request = make.request("www.example.com", kind="ec:p256")
    template = make.template(extended_key_usages=(CLIENT_AUTHENTICATION,))

    assert naming.choose(request, template, make.requester()).alternative_names == ()


def test_a_template_that_names_from_the_directory_adds_no_host_name() -> None:
    request = make.request("www.example.com", kind="ec:p256")

    assert naming.host_in_common_name(request, directory_template("name")) == ""


def test_names_from_the_directory_use_nothing_of_the_request() -> None:
    request = make.request("evil", dns=["evil.example.com"], kind="ec:p256")
    alice = make.requester("alice", full_name="Alice Example")

    chosen = naming.choose(request, directory_template("person", "upn", "email"), alice)

    assert display(chosen.subject) == "E=alice@example.com, CN=Alice Example"
    assert chosen.subject_der == chosen.subject.public_bytes()
    upn, email = chosen.alternative_names
    assert isinstance(upn, x509.OtherName)
    assert upn_of(upn) == "alice@example.com"
    assert upn.type_id == UPN_OID
    assert email == x509.RFC822Name("alice@example.com")


@pytest.mark.parametrize(
    ("subject", "shown"),
    [("none", ""), ("name", "CN=alice"), ("host", "CN=pc.example.com")],
)
def test_the_directory_names_a_subject_as_the_template_says(subject: str, shown: str) -> None:
    machine = make.requester("alice", dns_name="pc.example.com")

    chosen = naming.choose(
        make.request("x", kind="ec:p256"), directory_template(subject, "dns"), machine
    )

    assert display(chosen.subject) == shown
    assert chosen.alternative_names == (x509.DNSName("pc.example.com"),)


def test_a_long_full_name_is_cut_to_what_a_common_name_may_hold() -> None:
    """RFC 5280 appendix A, ub-common-name: 64."""
    long = make.requester(full_name="x" * 100)

    chosen = naming.choose(make.request("x", kind="ec:p256"), directory_template("name"), long)

    (common_name,) = chosen.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert common_name.value == "x" * 64


def test_a_full_name_of_other_letters_is_cut_between_them() -> None:
    """The library counts octets, of which most scripts take two or three a letter."""
    chosen = naming.choose(
        make.request("x", kind="ec:p256"),
        directory_template("name"),
        make.requester(full_name="\u4e2d" * 40),
    )

    (common_name,) = chosen.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert common_name.value == "\u4e2d" * 21


@pytest.mark.parametrize(
    ("kind", "entry", "error"),
    [
        ("name", {"full_name": "a\nb"}, errors.SubjectInvalid),
        ("host", {"dns_name": "m\u00fcller.example.com"}, errors.DirectoryNameMissing),
        ("person", {"email": "m\u00fcller@example.com"}, errors.DirectoryEmailMissing),
    ],
)
def test_an_entry_that_no_certificate_may_hold_is_refused(
    kind: str, entry: dict[str, str], error: type[errors.EnrollmentError]
) -> None:
    with pytest.raises(error):
        naming.choose(
            make.request("x", kind="ec:p256"), directory_template(kind), make.requester(**entry)
        )


@pytest.mark.parametrize(
    ("subject", "alternative", "error"),
    [
        pytest.param("host", (), errors.DirectoryNameMissing, id="no host name for the subject"),
        pytest.param("none", ("dns",), errors.DirectoryNameMissing, id="no host name for the SAN"),
        pytest.param("person", (), errors.DirectoryEmailMissing, id="no e-mail for the subject"),
        pytest.param("none", ("email",), errors.DirectoryEmailMissing, id="no e-mail for the SAN"),
        pytest.param("none", ("upn",), errors.DirectoryUpnMissing, id="no UPN"),
    ],
)
def test_what_the_directory_lacks_is_refused_by_name(
    subject: str, alternative: tuple[str, ...], error: type[errors.EnrollmentError]
) -> None:
    nobody = make.requester("bob", email="", upn="", dns_name="")

    with pytest.raises(error, match="'bob'"):
        naming.choose(
            make.request("x", kind="ec:p256"), directory_template(subject, *alternative), nobody
        )
