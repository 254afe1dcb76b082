"""What the database knows of a request's names and of the certificate it renews."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.contrib.auth.models import User
from django.db.models import Count, Exists, OuterRef, Q, Value, Window
from django.db.models.functions import Length, Lower, RowNumber, StrIndex
from django.db.models.lookups import Exact

from enrollment.ca import keys
from enrollment.ca.hosts_within import with_hosts_within
from enrollment.ca.name_policy import OWNED, is_owned, is_wildcard
from enrollment.ca.names import COMMON_NAME, DNS, EMAIL, IP, UPN, HeldName, display
from enrollment.ca.policy import Counts, Holder, Knowledge, LostKey
from enrollment.ca.renewal import EarlierCertificate
from enrollment.ca.revocation import COMPROMISES, Reason
from enrollment.ca.template import Approval, HeldNames, SubjectSource
from enrollment.models import Account, Certificate, CertificateName
from enrollment.services import name_grants
from enrollment.services.prepared import PreparedSelect

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from django.db.models import QuerySet

    from enrollment.ca.policy import Requester
    from enrollment.ca.request import CertificationRequest
    from enrollment.ca.template import CertificateTemplate

MOST_HOLDERS = 50
MOST_WILDCARDS = 20
LONGEST_NAME = 255

_SAME_KEY_AND_SUBJECT = PreparedSelect(
    lambda spki, subject, requester: (
        Certificate.objects.filter(spki_sha256=spki, subject=subject, requester=requester)
        .order_by("-pk")
        .values_list("pk")[:1]
    ),
    "a key",
    "a subject",
    "a requester",
)
_GIVEN_HOST = PreparedSelect(
    lambda host: (
        Account.objects.annotate(host=Lower("dns_name"))
        .filter(host=host)
        .order_by("pk")
        .values_list("user__username")[:MOST_HOLDERS]
    ),
    "a host",
)
# The keys' rows by the index of keys, however many certificates there are.
_MOST_ALIKE = 1 + len(keys.USUAL_EXPONENTS)
_LOST = PreparedSelect(
    lambda *spkis: (
        Certificate.objects.filter(spki_sha256__in=spkis, revocation_reason__in=COMPROMISES)
        .order_by("pk")
        .values_list("serial_number", "revocation_reason")[:1]
    ),
    *(f"key {number}" for number in range(_MOST_ALIKE)),
)

_NEWEST = PreparedSelect(lambda: Certificate.objects.order_by("-pk").values_list("pk")[:1])


def newest() -> int:
    """Return the key of the newest certificate, 0 where there is none."""
    return next((pk for (pk,) in _NEWEST.rows()), 0)


def holders(names: Iterable[HeldName], requester: Requester, now: datetime) -> tuple[Holder, ...]:
    """Return who else holds valid certificates with any of `names`; at most `MOST_HOLDERS`.

    Without the requester's own, however many those are: they must not crowd the others out. Nor may
    one name crowd out another: the newest of each come first, and of many names that many.
    """
    wanted = {name.value[:LONGEST_NAME] for name in names}
    if not wanted:
        return ()
    # Nor may common names that belong to nobody: fifty of them are soon made.
    hosts = {value for value in wanted if is_owned(HeldName(COMMON_NAME, value))}
    rows = (
        CertificateName.objects.filter(
            Q(kind__in=OWNED) | Q(kind=COMMON_NAME, value__in=hosts),
            value__in=wanted,
            not_after__gt=now,
            certificate__revoked_at__isnull=True,
        )
        .exclude(certificate__requester=requester.name)
        .select_related("certificate")
        .only("kind", "value", "not_after", "certificate__requester", "certificate__serial_number")
        .annotate(turn=Window(RowNumber(), partition_by="value", order_by="-pk"))
        .order_by("turn", "-pk")[: max(MOST_HOLDERS, len(wanted))]
    )
    return tuple(
        Holder(
            HeldName(row.kind, row.value),
            row.certificate.requester,
            row.certificate.serial_number,
            row.not_after,
        )
        for row in rows
    )


def in_directory(names: tuple[HeldName, ...], requester: Requester) -> tuple[Holder, ...]:
    """Return the other accounts to which the directory gives one of `names`.

    User principal names are not looked up: whoever is not their owner waits for that alone.
    """
    values = {
        kind: {name.value for name in names if name.kind == kind and is_owned(name)}
        for kind in (DNS, COMMON_NAME, EMAIL)
    }
    hosts = (values[DNS] | values[COMMON_NAME]) - {requester.dns_name.casefold()}
    addresses = values[EMAIL] - {requester.email.casefold()}
    found: list[Holder] = []
    # One or two, nearly always: the prepared statement costs less than one for all of them.
    for host in hosts:
        others = (user for (user,) in _GIVEN_HOST.rows(host) if user != requester.name)
        found += (Holder(HeldName(DNS, host), user) for user in others)
    if addresses:
        users = User.objects.annotate(address=Lower("email")).filter(address__in=addresses)
        theirs = users.exclude(username=requester.name).values_list("address", "username")
        found += (Holder(HeldName(EMAIL, mail), user) for mail, user in theirs[:MOST_HOLDERS])
    return tuple(found)


def granted_before(
    names: tuple[HeldName, ...], template: CertificateTemplate, requester: Requester
) -> bool:
    """Whether one earlier, unrevoked certificate of this requester and template had all `names`."""
    # Of a name that is longer than the table, nobody knows whether it was the same to its end.
    if not names or any(len(name.value) > LONGEST_NAME for name in names):
        return False
    rows = Certificate.objects.filter(
        requester=requester.name, template_name=template.name, revoked_at__isnull=True
    )
    for name in names:
        rows = rows.filter(
            Exists(
                CertificateName.objects.filter(
                    certificate=OuterRef("pk"), kind=name.kind, value=name.value[:LONGEST_NAME]
                )
            )
        )
    return rows.exists()


def counts(
    names: tuple[HeldName, ...],
    template: CertificateTemplate,
    requester: Requester,
    now: datetime,
) -> Counts:
    """Count what was issued within the period of the template's limits, up to each limit."""
    limits = template.limits
    lately = Certificate.objects.filter(
        template_name=template.name, issued_at__gt=now - limits.period
    ).order_by()
    return Counts(
        requester=_up_to(lately.filter(requester=requester.name), limits.requester),
        name=_most_for_one(names, lately) if limits.name else 0,
        in_all=_up_to(lately, limits.in_all),
    )


def _most_for_one(names: tuple[HeldName, ...], rows: QuerySet[Certificate]) -> int:
    """Count the certificates of the owned name that has most; a host is one, wherever it stands."""
    alike: dict[tuple[str, ...], set[str]] = {}
    for name in filter(is_owned, names):
        kinds = (name.kind,) if name.kind in (EMAIL, UPN) else (DNS, IP, COMMON_NAME)
        alike.setdefault(kinds, set()).add(name.value[:LONGEST_NAME])
    counted = (
        rows.filter(names__kind__in=kinds, names__value__in=values)
        .values("names__value")
        .annotate(many=Count("pk", distinct=True))
        .order_by("-many")
        .values_list("many", flat=True)
        for kinds, values in alike.items()
    )
    return max((each.first() or 0 for each in counted), default=0)


def _up_to(rows: QuerySet[Certificate], most: int) -> int:
    """Count rows without reading more than the limit needs."""
    return len(rows.values_list("pk")[:most]) if most else 0


def earlier_certificate(signer_certificate: bytes) -> Certificate | None:
    """Return our record of a certificate that signed a request: ours to the last octet."""
    thumbprint = hashlib.sha256(signer_certificate).hexdigest()
    return Certificate.objects.filter(thumbprint_sha256=thumbprint).first()


def as_earlier(row: Certificate | None) -> EarlierCertificate | None:
    """Return the core's value of a certificate that is being renewed."""
    if row is None:
        return None
    return EarlierCertificate(
        requester=row.requester,
        serial_number=row.serial_number,
        names=frozenset(HeldName(name.kind, name.value) for name in row.names.all()),
        not_after=row.not_after,
        is_revoked=row.revoked_at is not None,
        is_held=row.revocation_reason == Reason.CERTIFICATE_HOLD,
        lost_key=lost_key(*keys.spkis_alike(_key_in(row))),
    )


def lost_key(*spkis: str) -> LostKey | None:
    """Return the certificate with one of these keys that was revoked because others have the key.

    Args:
        spkis: of a key, from `keys.spkis_alike`.
    """
    if not spkis:
        return None
    filled = (*spkis, *spkis[:1] * (_MOST_ALIKE - len(spkis)))
    for serial_number, reason in _LOST.rows(*filled):
        return LostKey(serial_number, Reason(reason))
    return None


def same_key_and_subject(request: CertificationRequest, requester: Requester) -> Certificate | None:
    """Return the newest certificate that a plain PKCS #10 with an old key and subject renews.

    The renewal of the article: IIS writes a new PKCS #10 with the key it has. The link is shown
    and gives no rights (ms-facts section b.1).
    """
    found = _SAME_KEY_AND_SUBJECT.rows(
        _key_of(request),
        display(request.subject)[:1024],
        requester.name,
    )
    # Only the key is known; the other columns are read when somebody looks at them.
    return Certificate.from_db(None, ["id"], found[0]) if found else None


def gather(  # noqa: PLR0913 - all that knowledge is made of
    request: CertificationRequest,
    names: tuple[HeldName, ...],
    template: CertificateTemplate,
    requester: Requester,
    earlier: Certificate | None,
    *,
    now: datetime,
    with_holders: bool,
) -> Knowledge:
    """Collect what `policy.decide` may look at.

    `with_holders` looks up who holds the names also where the template does not mind.
    """
    from_request = template.subject_source is SubjectSource.REQUEST
    minds = from_request and template.held_names is not HeldNames.IGNORE
    return Knowledge(
        holders=everybody_with(names, requester, now, from_request=from_request)
        if with_holders or minds
        else (),
        name_grants=name_grants.of(template, requester) if from_request else None,
        counts=counts(names, template, requester, now) if template.limits else Counts(),
        granted_before=template.approval is Approval.FIRST_TIME
        and granted_before(names, template, requester),
        earlier_spki=_spki(earlier) if earlier and template.same_key_renewal else None,
        lost_key=lost_key(*_keys_of(request)),
        wildcards_over_others=wildcards_over_others(names, requester, now)
        if minds
        else frozenset(),
    )


def wildcards_over_others(
    names: tuple[HeldName, ...], requester: Requester, now: datetime, *, besides: Iterable[str] = ()
) -> frozenset[HeldName]:
    """Return the wildcards among `names` that stand for hosts of others, and are not one's own yet.

    What a valid certificate of the requester has is the requester's own. For the rest, the table of
    names is read from end to end, once for all wildcards of a request; of more than
    `MOST_WILDCARDS` every one counts as standing for others.

    Args:
        names: of the certificate as it would be signed.
        requester: who asks.
        now: timezone-aware UTC.
        besides: hosts of others that stand in no certificate yet.
    """
    # Of a common name and a host in the SAN that are the same, the host.
    wildcards = list({name.value: name for name in names if is_wildcard(name)}.values())
    if wildcards:
        own = CertificateName.objects.filter(
            kind__in=(DNS, COMMON_NAME),
            value__in=[name.value for name in wildcards],
            not_after__gt=now,
            certificate__requester=requester.name,
            certificate__revoked_at__isnull=True,
        )
        has = set(own.values_list("value", flat=True))
        wildcards = [name for name in wildcards if name.value not in has]
    if len(wildcards) > MOST_WILDCARDS:
        return frozenset(wildcards)
    if not wildcards:
        return frozenset()
    # A star within a label counts as one alone: what it spares is not looked at.
    domains = {_domain(name.value) for name in wildcards}
    certified = (
        CertificateName.objects.filter(
            _directly_below("value", domains), kind__in=(DNS, COMMON_NAME)
        )
        .filter(not_after__gt=now, certificate__revoked_at__isnull=True)
        .exclude(certificate__requester=requester.name)
        .order_by()
        .values_list("value", flat=True)
        .distinct()
    )
    given = (
        Account.objects.annotate(host=Lower("dns_name"))
        .filter(_directly_below("host", domains))
        .exclude(user__username=requester.name)
        .values_list("host", flat=True)
    )
    hosts = (*certified[:MOST_HOLDERS], *given[:MOST_HOLDERS], *besides)
    above = {_domain(host) for host in hosts if "." in host}
    return frozenset(name for name in wildcards if _domain(name.value) in above)


def _domain(host: str) -> str:
    """Return what stands behind the first label, with its leading dot."""
    return host[host.find(".") :]


def _directly_below(column: str, domains: Iterable[str]) -> Q:
    """Match hosts with one label before one of `domains`, a leading dot each (RFC 9525 6.3)."""
    matches = Q()
    for domain in domains:
        first_dot = StrIndex(column, Value("."))
        where = Length(column) - (len(domain) - 1)
        matches |= Q(Exact(first_dot, where), **{f"{column}__endswith": domain})
    return matches


def everybody_with(
    names: tuple[HeldName, ...], requester: Requester, now: datetime, *, from_request: bool
) -> tuple[Holder, ...]:
    """Return who else has any of `names`, by a certificate or by the directory."""
    wanted = with_hosts_within(names)
    certified = holders(wanted, requester, now)
    return (*certified, *in_directory(wanted, requester)) if from_request else certified


def _key_of(request: CertificationRequest) -> str:
    """Return what the key of a request is looked up by; one that cannot be loaded is in no row."""
    return keys.spki_sha256(request.public_key) if request.public_key is not None else ""


def _keys_of(request: CertificationRequest) -> tuple[str, ...]:
    return keys.spkis_alike(request.public_key) if request.public_key is not None else ()


def _key_in(row: Certificate) -> PublicKeyTypes:
    return x509.load_der_x509_certificate(bytes(row.der)).public_key()


def _spki(row: Certificate) -> bytes:
    return _key_in(row).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
