"""What nobody answered for: the database is away, what was sent cannot be stored, or a fault."""

import logging
import sys

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from gunicorn.http.errors import ParseException

from enrollment.protocols.web import unavailable
from enrollment.services import outage
from enrollment.signin import problems

log = logging.getLogger(__name__)


@login_not_required  # it tells nothing
def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an exception that no view, and no middleware, answered (handler500)."""
    error = sys.exc_info()[1]
    if isinstance(error, outage.OUTAGES):
        log.error("%s", outage.explain(error))
        return unavailable.answer(request)
    if outage.is_unstorable(error) or isinstance(error, ParseException):
        # The latter: a body that is not as its head promised, read by whoever wanted the form.
        return problems.bad_request(request, ValueError())
    return problems.server_error(request)
