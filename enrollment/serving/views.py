"""Is it alive, is it ready: asked by supervisors and load balancers, without an account."""

import logging

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from enrollment.models import Authority

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
    """Answer whether requests can be served: a database, and a CA in it."""
    try:
        ready = Authority.objects.exists()
    except DatabaseError:
        log.warning("not ready: the database does not answer")
        return _text(503, "the database does not answer")
    return _text(200, "ready") if ready else _text(503, "there is no CA yet: run manage.py setup")


def _text(status: int, sentence: str) -> HttpResponse:
    return HttpResponse(f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8")
