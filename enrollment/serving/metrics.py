"""`/metrics`: for monitoring systems that have a token, and for accounts that may see as much."""

import logging

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from enrollment import conf
from enrollment.services import metrics as measured
from enrollment.serving import exposition, limited
from enrollment.signin import service_token

log = logging.getLogger(__name__)

# The right to read the condition of the CA; of the groups, all but Enrollees have it.
RIGHT = "enrollment.view_condition"


@service_token.opens_with(lambda: conf.current().metrics_token)
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with all numbers."""
    if not service_token.is_shown(request) and not request.user.has_perm(RIGHT):
        raise PermissionDenied
    try:
        families = measured.gather(timezone.now())
    except DatabaseError:
        log.warning("no metrics: the database does not answer")
        return HttpResponse(
            "the database does not answer\n", status=503, content_type="text/plain; charset=utf-8"
        )
    return HttpResponse(
        exposition.text([*families, *limited.families()]), content_type=exposition.CONTENT_TYPE
    )
