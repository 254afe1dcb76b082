"""A CA whose chain leaves no room for another one makes none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from enrollment.ca import errors, issuance
from enrollment.ca.issuer import Issuer
from tests import make
from tests.ca import parents
from tests.ca.parents import Parent


def issuer(own: int | None, policy: int | None, root: int | None) -> Issuer:
    """Return our CA below a policy CA below a root, each with its limit."""
    top = parents.root(path_length=root)
    middle = parents.policy_ca(top, path_length=policy)
    ours = parents.policy_ca(middle, "Example Issuing CA", path_length=own)
    above = tuple(each.certificate.public_bytes(Encoding.DER) for each in (middle, top))
    return Issuer(ours.certificate, chain=above)


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        ((None, None, None), None),
        ((0, None, None), 0),
        ((None, 1, None), 0),
        ((None, 3, None), 2),
        ((None, None, 2), 0),
        ((2, 2, 3), 1),
    ],
)
def test_the_tightest_limit_on_the_way_counts(
    limits: tuple[int | None, int | None, int | None], left: int | None
) -> None:
    assert issuer(*limits).path_length == left


def test_a_root_of_our_own_has_no_limit() -> None:
    assert make.authority()[0].path_length is None


def prepare(issuing: Issuer, *, is_ca: bool) -> issuance.PreparedCertificate:
    return issuance.prepare(
        make.request(),
        make.template(is_ca=is_ca),
        issuing,
        make.requester(),
        serial_number=7,
        now=make.NOW,
        backdate=timedelta(minutes=10),
        check=lambda _tbs, _algorithm: (),
    )


def test_a_ca_below_a_ca_that_may_have_none_is_refused() -> None:
    with pytest.raises(errors.NoCaBelow) as caught:
        prepare(issuer(0, None, None), is_ca=True)

    assert caught.value.hresult == 0x800B0104
    assert "higher up" in caught.value.remedy


def test_a_leaf_there_and_a_ca_where_there_is_room_are_not() -> None:
    assert prepare(issuer(0, None, None), is_ca=False).serial_number == 7
    assert prepare(issuer(1, None, None), is_ca=True).serial_number == 7


def test_a_self_issued_certificate_does_not_count() -> None:
    """RFC 5280 section 4.2.1.9: a root that changed its key stands in the path twice."""
    old = parents.root(path_length=2)
    new = parents.root(number=79)
    linking = parents.certificate(new.key.public_key(), new.subject, old.subject, old.key)
    ours = parents.policy_ca(Parent(linking, new.key), "Example Issuing CA")
    above = tuple(each.public_bytes(Encoding.DER) for each in (linking, old.certificate))

    assert Issuer(ours.certificate, chain=above).path_length == 1
