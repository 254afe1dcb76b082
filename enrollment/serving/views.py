"""Is it alive, is it ready: asked by supervisors and load balancers, without an account."""

import logging

from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from enrollment.models import Authority
from enrollment.services import authority, awaited, keyring, outage

log = logging.getLogger(__name__)


@login_not_required  # a supervisor has no account
@never_cache
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer that this process answers."""
    return _text(200, "alive")


@login_not_required  # a load balancer has no account
@never_cache
@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """Answer whether requests can be served: a database, a CA in it, and its key on this node."""
    try:
        missing = "" if Authority.objects.exists() else awaited.no_certificate_yet()
        authority.check_current_key()
    except DatabaseError as error:
        log.warning("not ready: %s", outage.explain(error) or error)
        return _text(503, "the database does not answer")
    except keyring.KeyProblem as problem:
        log.warning("not ready: %s", problem)
        return _text(503, "the key of the CA cannot be used here; the log says why")
    return _text(503, missing) if missing else _text(200, "ready")


def _text(status: int, sentence: str) -> HttpResponse:
    return HttpResponse(f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8")
