"""Is the CA in order: its certificate and those above, its keys, lists and responders?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509

from enrollment import conf, keys
from enrollment.ca import names
from enrollment.ca.check import Check, Severity, Verdict, critical, ok, warning
from enrollment.models import CertificateRevocationList, Responder, Template
from enrollment.services import (
    authority,
    crl_rows,
    directory,
    keyring,
    limits,
    publication,
    responders,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from enrollment.ca.issuer import Issuer
    from enrollment.models import Authority

CERTIFICATE: Final = "CA certificate"
ABOVE: Final = "Certificate above the CA"
KEY: Final = "CA key"
LIST: Final = "CRL"
RESPONDER: Final = "OCSP responder"
# So young a key has perhaps not been served yet.
_NO_RESPONDER_YET: Final = timedelta(days=1)


def certificate(now: datetime) -> Iterator[Check]:
    """Look at the CA certificate that issues now."""
    issuer = authority.issuer_of(authority.current())
    yield _check(CERTIFICATE, _validity(issuer, now))


def _validity(issuer: Issuer, now: datetime) -> Verdict:
    end = f"{issuer.not_after:%Y-%m-%d}"
    if not issuer.not_before <= now < issuer.not_after:
        return critical(
            f"It is not valid now; it ends on {end}. Correct the clock, or run: python manage.py "
            "ca renew"
        )
    left = issuer.not_after - now
    severity = limits.CA_CERTIFICATE.severity(left, issuer.not_after - issuer.not_before)
    longest = _longest_template()
    if longest is not None and left < longest.validity:
        return Verdict(
            max(severity, Severity.WARNING),
            f"It ends on {end}, so certificates of '{longest.name}', which last "
            f"{longest.validity.days} days, are already cut short. Renew it in good time: python "
            "manage.py ca renew",
        )
    if severity is not Severity.OK:
        return Verdict(severity, f"It ends on {end}. Renew it: python manage.py ca renew")
    return ok(f"Valid until {end}.")


@dataclass(frozen=True, slots=True)
class _Longest:
    name: str
    validity: timedelta


def _longest_template() -> _Longest | None:
    """Return what the CA promises longest to end entities.

    Certificates of other CAs are left out: five years of them would be cut short for half the life
    of a root, and a warning that stands for years is not read.
    """
    if not conf.current().is_enterprise:
        alone = directory.standalone()
        return _Longest(alone.display_name, alone.validity)
    row = Template.objects.filter(published=True, is_ca=False).order_by("-validity_days").first()
    return None if row is None else _Longest(row.display_name, timedelta(days=row.validity_days))


def above(now: datetime) -> Iterator[Check]:
    """Look at the certificates above the CA's own."""
    for octets in authority.issuer_of(authority.current()).chain:
        found = x509.load_der_x509_certificate(octets)
        end = found.not_valid_after_utc
        severity = limits.ABOVE.severity(end - now, end - found.not_valid_before_utc)
        sentence = f"Valid until {end:%Y-%m-%d}."
        if severity is not Severity.OK:
            verb = "ended" if end <= now else "ends"
            sentence = (
                f"It {verb} on {end:%Y-%m-%d}; what this CA issued is not trusted after that. Ask "
                "its owner for the renewed one, and for a new certificate of this CA below it."
            )
        yield Check(ABOVE, severity, sentence, names.display(found.subject))


def key(now: datetime) -> Iterator[Check]:
    """Open the key of each CA certificate that still signs."""
    if keyring.can_reopen():
        # From where it is kept, not from the memory of this process.
        keys.forget_signers()
    newest = authority.current()
    for row in publication.signing_keys(now) or [newest]:
        yield _check(KEY, _opens(row), _about(row, newest))


def _opens(row: Authority) -> Verdict:
    try:
        authority.signer_of(row)
    except keys.PassphraseMissing as error:
        if keyring.is_serving():
            return critical(str(error))
        return ok(
            "Not checked: it is encrypted, and this command was not told the passphrase. The "
            "site that runs looks for itself."
        )
    except keys.KeyProblem as error:
        return critical(str(error))
    return ok("It opens, belongs to the certificate, and only we can read it.")


def lists(now: datetime) -> Iterator[Check]:
    """Look at the newest lists of each key, as they were stored."""
    newest = authority.current()
    last = conf.current().crl_partitions
    for row in publication.signing_keys(now):
        about = _about(row, newest)
        for delta in (False, True) if conf.current().delta_period else (False,):
            for partition in sorted({0, last}):
                kind = " ".join(
                    word
                    for word in (
                        about,
                        "delta" if delta else "",
                        f"partition {partition}" if partition else "",
                    )
                    if word
                )
                found = crl_rows.newest_list(row.key_index, delta=delta, partition=partition)
                yield _check(LIST, _list(found, now), kind)


def _list(newest: CertificateRevocationList | None, now: datetime) -> Verdict:
    if newest is None:
        return critical("None was published. Run: python manage.py crl publish")
    end = f"{newest.next_update:%Y-%m-%d %H:%M}"
    overlap = newest.next_update - newest.next_publish
    if newest.next_update <= now:
        return critical(
            f"Number {newest.number} ended {end}, and certificates are refused because of it. Run: "
            "python manage.py crl publish"
        )
    late = now - newest.next_publish
    if late < min(limits.LIST_GRACE, overlap / 4):
        return ok(f"Number {newest.number} is valid until {end}.")
    is_close = newest.next_update - now < overlap * limits.LIST_CRITICAL_SHARE
    return Verdict(
        Severity.CRITICAL if is_close else Severity.WARNING,
        f"Number {newest.number} was due to be replaced {newest.next_publish:%Y-%m-%d %H:%M}, and "
        f"ends {end}. Run: python manage.py crl publish",
    )


def responder(now: datetime) -> Iterator[Check]:
    """Look at the OCSP responder certificate of each key, and at its key."""
    newest = authority.current()
    for row in publication.signing_keys(now):
        yield _check(RESPONDER, _responder(row, now), _about(row, newest))


def _responder(row: Authority, now: datetime) -> Verdict:
    held = Responder.objects.filter(authority__key_index=row.key_index).first()
    if held is None:
        if now - row.created_at < _NO_RESPONDER_YET:
            return ok("None yet; the site makes one when it serves.")
        return warning("There is none. The site makes one while it serves; its log says why not.")
    end = f"{held.not_after:%Y-%m-%d %H:%M}"
    severity = limits.RESPONDER.severity(held.not_after - now, held.not_after - held.not_before)
    # A CA that ends first cuts its responder short; that is told of the CA.
    if severity is not Severity.OK and held.not_after < authority.issuer_of(row).not_after:
        verb = "ended" if held.not_after <= now else "ends"
        return Verdict(
            severity,
            f"Its certificate {verb} {end} and was not renewed. The site does that while it "
            "serves; its log says why not.",
        )
    try:
        responders.signer_of(held)
    except keys.PassphraseMissing:
        return ok(f"Its certificate is valid until {end}; its key is encrypted and was not tried.")
    except keys.KeyProblem as error:
        return critical(f"Its key cannot be used: {error}")
    return ok(f"Its certificate is valid until {end}.")


def _about(row: Authority, newest: Authority) -> str:
    """Name the key, where there is more than one."""
    is_only = row.key_index == 0 and newest.key_index == 0
    return "" if is_only else f"key {row.key_index}"


def _check(name: str, verdict: Verdict, about: str = "") -> Check:
    return Check(name, verdict.severity, verdict.finding, about)
