"""What others were granted since a request was judged; asked once more at the commit.

Two requests for one name, or for the last certificate of a limit, may be judged at the same moment,
and neither sees the other's certificate. Whoever commits second sees it here.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from django.db import connection

from enrollment.ca import policy
from enrollment.ca.hosts_within import with_hosts_within
from enrollment.ca.name_policy import Holder, is_wildcard
from enrollment.ca.policy import Case, Counts, Decision
from enrollment.ca.template import HeldNames, SubjectSource
from enrollment.models import CertificateName, SigningRecord
from enrollment.services import knowledge, locks, weak_keys
from enrollment.services.prepared import PreparedSelect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from enrollment.ca.names import HeldName
    from enrollment.ca.template import CertificateTemplate
    from enrollment.services.judgement import Judgement

_MOST: Final = 1000

_UNDERWAY: Final = PreparedSelect(
    lambda: (
        SigningRecord.objects.filter(state=SigningRecord.State.COMMITTED)
        .order_by("pk")
        .values_list("request__requester", "request__names", "template_name", "serial_number")[
            :_MOST
        ]
    )
)
_STORED_SINCE: Final = PreparedSelect(
    lambda newest: (
        CertificateName.objects.filter(certificate_id__gt=newest)
        .order_by()
        .values_list("value")[:_MOST]
    ),
    -1,
)

# Of a request whose certificate is being signed: requester, names, template, serial number.
_Underway = tuple[str, list[str], str, str]


def decide_again(judged: Judgement, *, now: datetime) -> Decision:
    """Decide with what is known now; call it in the transaction that commits the content.

    From here to the end of the transaction nobody else gets that far.
    """
    template = judged.template
    if template is None or not _minds(template, judged.names):
        return judged.decision
    locks.hold("names and limits")
    # Before the certificates are asked for: what is signed in between is then seen twice.
    underway = _read_underway()
    if _is_untouched(judged, template, underway):
        return judged.decision
    known = replace(
        judged.knowledge,
        holders=_holders(judged, template, underway, now),
        counts=_counts(judged, template, underway, now),
        wildcards_over_others=_wildcards(judged, template, underway, now),
    )
    if known == judged.knowledge:
        return judged.decision
    weak = weak_keys.known()
    case = Case(judged.request, template, judged.requester, known, weak, judged.agents)
    return policy.decide(case)


def _read_underway() -> list[_Underway]:
    rows = _UNDERWAY.rows()
    return [
        (requester, json.loads(names) if isinstance(names, str) else names, template, serial)
        for requester, names, template, serial in rows
    ]


def _is_untouched(
    judged: Judgement, template: CertificateTemplate, underway: Sequence[_Underway]
) -> bool:
    """Whether what is stored or signed since concerns other names, at a fraction of the cost."""
    # On PostgreSQL a lower key may be committed after a higher one; SQLite has one writer.
    if connection.vendor != "sqlite":
        return False
    if template.limits or any(is_wildcard(name) for name in judged.names):
        return not underway and knowledge.newest() == judged.newest
    stored = [value for (value,) in _STORED_SINCE.rows(judged.newest)]
    looked_at = with_hosts_within(judged.names)
    wanted = {value for name in looked_at for value in (name.value, name.value[:255])}
    touched = (stored, *(names for _, names, _, _ in underway))
    return len(stored) < _MOST and all(wanted.isdisjoint(values) for values in touched)


def _minds(template: CertificateTemplate, names: tuple[HeldName, ...]) -> bool:
    return bool(template.limits) or (bool(names) and _minds_names(template))


def _minds_names(template: CertificateTemplate) -> bool:
    from_request = template.subject_source is SubjectSource.REQUEST
    return from_request and template.held_names is HeldNames.WAIT


def _holders(
    judged: Judgement, template: CertificateTemplate, underway: Sequence[_Underway], now: datetime
) -> tuple[Holder, ...]:
    if not _minds_names(template):
        return judged.knowledge.holders
    found = knowledge.everybody_with(judged.names, judged.requester, now, from_request=True)
    return found + tuple(
        Holder(name, requester, serial_number, now)
        for requester, values, _, serial_number in underway
        for name in with_hosts_within(judged.names)
        if requester != judged.requester.name and name.value in values
    )


def _wildcards(
    judged: Judgement, template: CertificateTemplate, underway: Sequence[_Underway], now: datetime
) -> frozenset[HeldName]:
    if not _minds_names(template):
        return judged.knowledge.wildcards_over_others
    mine = judged.requester.name
    signing = [value for requester, values, *_ in underway if requester != mine for value in values]
    return knowledge.wildcards_over_others(judged.names, judged.requester, now, besides=signing)


def _counts(
    judged: Judgement, template: CertificateTemplate, underway: Sequence[_Underway], now: datetime
) -> Counts:
    if not template.limits:
        return judged.knowledge.counts
    counts = knowledge.counts(judged.names, template, judged.requester, now)
    alike = [one for one in underway if one[2] == template.name]
    wanted = {name.value for name in judged.names}
    return Counts(
        requester=counts.requester + sum(one[0] == judged.requester.name for one in alike),
        name=counts.name + sum(not wanted.isdisjoint(one[1]) for one in alike),
        in_all=counts.in_all + len(alike),
    )
