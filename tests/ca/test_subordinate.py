"""A CA below another one: what it asks for, and which answers it takes.

Each wrong answer stands beside the right one, which differs in that one thing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from enrollment.ca import answer_errors, hresult, subordinate
from enrollment.ca.answer_errors import AnswerRefused
from enrollment.ca.ca_path import spki
from tests import make
from tests.ca import parents
from tests.ca.parents import YEAR, Parent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OURS = make.key("ec:p256", 80)
NAME = "Example Issuing CA"
_ANY = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


# --- the answer ---


def awaited(**options: Any) -> subordinate.Awaited:
    key = options.pop("key", OURS).public_key()
    own = parents.name(NAME).public_bytes()
    bare = parents.certificate(key, parents.name("x"), parents.name("x"), OURS)
    return subordinate.Awaited(spki(bare), own, **options)


def answer(parent: Parent, *, subject: x509.Name | None = None, **spoiled: Any) -> x509.Certificate:
    """Return what `parent` makes of our request."""
    named = parents.name(NAME) if subject is None else subject
    return parents.certificate(
        OURS.public_key(), named, spoiled.pop("issuer", parent.subject), parent.key, **spoiled
    )


def judge(
    certificate: x509.Certificate, *known: Parent | x509.Certificate, **options: Any
) -> subordinate.Answer:
    above = [each.certificate if isinstance(each, Parent) else each for each in known]
    now = options.pop("now", make.NOW)
    return subordinate.judge(certificate, above, awaited(**options), now=now)


def names_in(chain: Sequence[bytes]) -> list[str]:
    return [x509.load_der_x509_certificate(each).subject.rfc4514_string() for each in chain]


ROOT = parents.root()


def test_an_answer_below_a_root_is_taken_without_remarks() -> None:
    found = judge(answer(ROOT), ROOT)

    assert found.chain == (ROOT.certificate.public_bytes(Encoding.DER),)
    assert found.common_name == NAME
    assert found.remarks == ()


def test_the_chain_is_put_in_order_whatever_order_it_came_in() -> None:
    policy = parents.policy_ca(ROOT)
    stranger = parents.root("Somebody Else", 75)
    ours = answer(policy)

    for known in ((ROOT, policy), (policy, stranger, ROOT)):
        assert names_in(judge(ours, *known).chain) == ["CN=Example Policy CA", "CN=Example Root"]


def test_of_a_renewed_root_the_certificate_that_is_valid_now_is_taken() -> None:
    ended = parents.root(end=make.NOW - timedelta(hours=1))

    found = judge(answer(ROOT), ended, ROOT)

    assert found.chain == (ROOT.certificate.public_bytes(Encoding.DER),)


def test_a_cross_certificate_beside_the_root_does_not_lead_astray() -> None:
    """The self-signed certificate is the shorter way, and the one that machines trust."""
    older = parents.root("Older Root", 76)
    cross = parents.certificate(
        ROOT.key.public_key(),
        ROOT.subject,
        older.subject,
        older.key,
    )

    assert names_in(judge(answer(ROOT), cross, older, ROOT).chain) == ["CN=Example Root"]
    assert names_in(judge(answer(ROOT), cross, older).chain) == ["CN=Example Root", "CN=Older Root"]


def test_a_root_that_changed_its_key_is_followed_to_the_older_one() -> None:
    """A self-issued certificate (new key, old name, signed by the old key) is no root."""
    new = parents.root(number=77)
    linking = parents.certificate(
        new.key.public_key(),
        new.subject,
        ROOT.subject,
        ROOT.key,
    )

    assert len(judge(answer(new), linking, ROOT).chain) == 2


# Each row: how the answer or its chain is spoiled, the fault, and words that must be said.
def _path_length(length: int) -> tuple[x509.Certificate, tuple[Parent, ...]]:
    above = parents.root(path_length=length)
    policy = parents.policy_ca(above)
    return answer(policy), (policy, above)


def _policy(**spoiled: Any) -> tuple[x509.Certificate, tuple[Parent, ...]]:
    policy = parents.policy_ca(ROOT, **spoiled)
    return answer(policy), (policy, ROOT)


def _ours(**spoiled: Any) -> tuple[x509.Certificate, tuple[Parent, ...]]:
    return answer(ROOT, **spoiled), (ROOT,)


def _without_root() -> tuple[x509.Certificate, tuple[Parent, ...]]:
    policy = parents.policy_ca(ROOT)
    return answer(policy), (policy,)


def _circle() -> tuple[x509.Certificate, tuple[Parent, ...]]:
    policy = parents.policy_ca(ROOT)
    crossed = parents.certificate(
        ROOT.key.public_key(),
        ROOT.subject,
        policy.subject,
        policy.key,
    )
    return answer(policy), (policy, Parent(crossed, ROOT.key))


def _changed_key() -> tuple[x509.Certificate, tuple[Parent, ...]]:
    old = parents.root(path_length=1)
    new = parents.root(number=77)
    linking = parents.certificate(new.key.public_key(), new.subject, old.subject, old.key)
    return answer(new), (Parent(linking, new.key), old)


def _weak_root() -> tuple[x509.Certificate, tuple[Parent, ...]]:
    weak = parents.root(kind="rsa:1024")
    return answer(weak), (weak,)


WRONG = [
    pytest.param(lambda: _ours(ca=None), "NotACa", "no basic constraints", id="no constraints"),
    pytest.param(lambda: _ours(ca=False), "NotACa", "says CA:FALSE", id="an end entity"),
    pytest.param(
        lambda: _ours(usage=("crl_sign",)), "UsageMissing", "lacks keyCertSign", id="no certSign"
    ),
    pytest.param(
        lambda: _ours(usage=("key_cert_sign",)), "UsageMissing", "lacks cRLSign", id="no cRLSign"
    ),
    pytest.param(
        lambda: _ours(begin=make.NOW + timedelta(hours=1)),
        "OutsideValidity", "not valid before 2026-11-23 13:00 UTC; it is 2026-11-23 12:00 here",
        id="not yet valid",
    ),
    pytest.param(
        lambda: _ours(end=make.NOW), "OutsideValidity", "ended on 2026-11-23", id="ended"
    ),
    pytest.param(
        lambda: _ours(end=make.NOW + timedelta(hours=23)),
        "OutsideValidity", "in less than a day", id="ends at once",
    ),
    pytest.param(
        lambda: _ours(subject=x509.Name([])), "NameUnusable", "empty subject", id="no name"
    ),
    pytest.param(
        lambda: _ours(subject=ROOT.subject), "NameUnusable", "both called", id="parent's name"
    ),
    pytest.param(
        lambda: (answer(ROOT), ()), "IssuerMissing",
        "certificate of 'CN=Example Root', which signed 'CN=Example Issuing CA', is missing",
        id="no chain",
    ),
    pytest.param(
        _without_root, "IssuerMissing", "'CN=Example Root', which signed 'CN=Example Policy CA'",
        id="no root",
    ),
    pytest.param(_circle, "NoRoot", "in a circle", id="a circle"),
    pytest.param(
        lambda: (answer(ROOT), (parents.root(number=78),)),
        "SignatureWrong", "was not made by the key of 'CN=Example Root'", id="another root's name",
    ),
    pytest.param(lambda: _policy(ca=None), "NotACa", "Policy CA' is not", id="parent is no CA"),
    pytest.param(
        lambda: _policy(usage=("crl_sign",)), "UsageMissing", "Policy CA", id="parent may not sign"
    ),
    pytest.param(
        lambda: _policy(end=make.NOW), "OutsideValidity", "'CN=Example Policy CA' ended",
        id="parent ended",
    ),
    pytest.param(
        lambda: _path_length(1), "PathTooLong", "allows 1 CA below it (pathLenConstraint)"
        ", and here are 2", id="limit at the root",
    ),
    pytest.param(
        lambda: _policy(path_length=0), "PathTooLong", "Policy CA' allows no CA below it",
        id="limit at the parent",
    ),
    pytest.param(lambda: _ours(algorithm=parents.SHA1), "TooWeak", "ECDSA with SHA-1", id="SHA-1"),
    pytest.param(
        lambda: _policy(algorithm=parents.SHA1), "TooWeak", "Policy CA' is signed with ECDSA",
        id="SHA-1 above",
    ),
    pytest.param(
        lambda: _ours(algorithm=parents.SLH_DSA), "AlgorithmUnknown", "signed with SLH-DSA-SHA2",
        id="an algorithm we do not compute",
    ),
    pytest.param(_weak_root, "TooWeak", "RSA key of 1024 bits", id="RSA 1024"),
    pytest.param(
        lambda: _ours(extensions=[(UNKNOWN, True)]), "CriticalUnknown", "extension 1.2.3.4",
        id="critical",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "fault", "words"), WRONG)
def test_a_wrong_answer_is_refused_with_its_reason_and_a_remedy(
    spoil: Callable[[], tuple[x509.Certificate, tuple[Parent, ...]]], fault: str, words: str
) -> None:
    certificate, known = spoil()

    with pytest.raises(AnswerRefused) as caught:
        judge(certificate, *known)

    assert type(caught.value).__name__ == fault
    assert words in caught.value.detail
    assert caught.value.remedy


RIGHT = [
    pytest.param(lambda: _ours(usage=None), "", id="no key usage at all"),
    pytest.param(
        lambda: _ours(usage=(*parents.CA_USAGE, "digital_signature")), "", id="more usage"
    ),
    pytest.param(
        lambda: _ours(end=make.NOW + timedelta(days=2)), "in 2 days; no certificate", id="short"
    ),
    pytest.param(lambda: _ours(path_length=0), "allows no CA below it", id="limit 0 at our own"),
    pytest.param(lambda: _path_length(2), "allows 2 CAs below it", id="limit that is enough"),
    pytest.param(_changed_key, "allows 1 CA below it", id="a self-issued one does not count"),
    pytest.param(lambda: _policy(path_length=1), "allows 1 CA below it", id="limit 1 at parent"),
    pytest.param(
        lambda: _policy(usage=("key_cert_sign",)), "", id="a parent that signs no lists"
    ),
    pytest.param(
        lambda: (answer(w := parents.root(algorithm=parents.SHA1)), (w,)), "",
        id="SHA-1 over a root by itself",
    ),
    pytest.param(
        lambda: (answer(w := parents.root(algorithm=parents.SLH_DSA)), (w,)), "",
        id="an unknown algorithm over a root by itself",
    ),
    pytest.param(lambda: _ours(extensions=[(UNKNOWN, False)]), "", id="unknown, not critical"),
    pytest.param(
        lambda: _ours(subject=parents.name("Sub", (NameOID.ORGANIZATION_NAME, "Example"))),
        "changed the name from 'CN=Example Issuing CA' to 'CN=Sub, O=Example'", id="another name",
    ),
    pytest.param(lambda: _ours(aki=False), "no authority key identifier", id="no AKI"),
    pytest.param(
        lambda: _policy(end=make.NOW + YEAR), "before this CA's certificate does", id="short parent"
    ),
    pytest.param(
        lambda: _ours(
            extensions=[
                (x509.NameConstraints([x509.DNSName("example.com")], [x509.DNSName("x.org")]), True)
            ]
        ),
        "permitted example.com, excluded x.org", id="name constraints",
    ),
    pytest.param(
        lambda: _ours(
            extensions=[(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)]
        ),
        "for these purposes only: client authentication", id="purposes",
    ),
    pytest.param(
        lambda: _ours(
            extensions=[(x509.ExtendedKeyUsage([_ANY]), False)]
        ),
        "", id="any purpose",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("made", "remark"), RIGHT)
def test_an_answer_that_only_looks_like_a_wrong_one_is_taken(
    made: Callable[[], tuple[x509.Certificate, tuple[Parent, ...]]], remark: str
) -> None:
    certificate, known = made()

    found = judge(certificate, *known)

    assert found.certificate == certificate.public_bytes(Encoding.DER)
    assert remark in " ".join(found.remarks)
    assert bool(found.remarks) is bool(remark)


def test_a_changed_octet_anywhere_in_the_chain_is_noticed() -> None:
    policy = parents.policy_ca(ROOT)
    spoiled = policy.certificate.public_bytes(Encoding.DER).replace(b"Policy", b"Police")
    ours = answer(policy, issuer=parents.name("Example Police CA"))

    with pytest.raises(answer_errors.SignatureWrong, match="Police CA"):
        judge(ours, x509.load_der_x509_certificate(spoiled), ROOT)


def test_a_key_that_has_signed_keeps_its_name() -> None:
    """Its lists would name another issuer than the certificates they are about."""
    other = answer(ROOT, subject=parents.name("Another Name"))

    with pytest.raises(answer_errors.NameUnusable, match="another name"):
        judge(other, ROOT, keeps_name=True)
    assert judge(other, ROOT).common_name == "Another Name"
    assert judge(answer(ROOT), ROOT, keeps_name=True).remarks == ()


# --- which certificate of a file is the answer ---


def test_the_certificate_for_the_key_is_found_among_others() -> None:
    ours = answer(ROOT)

    assert subordinate.for_keys([ROOT.certificate, ours], [awaited()])[0] == ours


def test_of_two_for_the_key_the_younger_is_taken() -> None:
    older = answer(ROOT, begin=make.NOW - timedelta(days=9))
    younger = answer(ROOT)

    assert subordinate.for_keys([younger, older], [awaited()])[0] == younger


def test_a_certificate_for_another_key_is_refused_with_both_fingerprints() -> None:
    wanted = awaited(key=make.key("ec:p256", 81))

    with pytest.raises(answer_errors.OtherKey) as caught:
        subordinate.for_keys([answer(ROOT)], [wanted])

    found = subordinate.fingerprint(awaited().spki)
    assert f"'CN=Example Issuing CA' with {found}" in caught.value.detail
    assert f"Wanted: {subordinate.fingerprint(wanted.spki)}" in caught.value.detail


# --- the words ---

FAULTS = [
    value
    for value in vars(answer_errors).values()
    if isinstance(value, type) and issubclass(value, AnswerRefused) and value is not AnswerRefused
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_that_windows_knows_carries_its_code(fault: type[AnswerRefused]) -> None:
    sentence = str(fault("It is wrong.", remedy="Mend it."))

    assert sentence.startswith("It is wrong. Mend it.")
    assert (hresult.TEXTS[fault.hresult][0] in sentence) is bool(fault.hresult)
