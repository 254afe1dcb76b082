"""Every page of the desk that shows a model; importing this registers them all.

Django's own pages are registered before (see `certsrv.apps`); ours of users and groups replace two.
"""

from enrollment.admin import (
    agent_grant,
    audit_event,
    authority,
    certificate,
    enrollment_request,
    group,
    name_grant,
    revocation_list,
    template,
    user,
)

__all__ = [
    "agent_grant",
    "audit_event",
    "authority",
    "certificate",
    "enrollment_request",
    "group",
    "name_grant",
    "revocation_list",
    "template",
    "user",
]
