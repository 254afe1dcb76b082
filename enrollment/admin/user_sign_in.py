"""How an account signs in, and what an administrator can do when it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone

from enrollment.services import lockout, second_factor

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def of(row: User) -> dict[str, Any]:
    """Return what the page of an account shows of its sign-in."""
    return {
        "waits": lockout.waits_of(row.get_username(), timezone.now()),
        "factors": second_factor.of(row),
        "codes_left": second_factor.codes_left(row),
        "needs_factor": second_factor.is_required(row),
    }


def unlock(request: HttpRequest, object_id: str) -> HttpResponse:
    """End the waits of an account."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    row = _account(request, object_id)
    name = row.get_username()
    if lockout.lift(name, actor=request.user.get_username(), now=timezone.now()):
        messages.success(request, f"The account {name} may try again.")
    else:
        messages.warning(request, f"Nobody has to wait to sign in as {name}.")
    return redirect("admin:auth_user_change", row.pk)


def reset_factors(request: HttpRequest, object_id: str) -> HttpResponse:
    """Take the second factors of an account away, for somebody who has lost them."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    row = _account(request, object_id)
    name, actor = row.get_username(), request.user.get_username()
    if second_factor.reset(row, actor=actor, now=timezone.now()):
        messages.success(request, f"The account {name} has no second factor any more.")
    else:
        messages.warning(request, f"The account {name} had no second factor.")
    return redirect("admin:auth_user_change", row.pk)


def _account(request: HttpRequest, object_id: str) -> User:
    """Return an account that the asker may change.

    Raises:
        Http404: there is none.
        PermissionDenied: they may not.
    """
    entry = admin.site.get_model_admin(User)
    if not entry.has_change_permission(request):
        raise PermissionDenied
    row = get_object_or_404(User, pk=object_id if object_id.isdecimal() else 0)
    if not entry.has_change_permission(request, row):
        raise PermissionDenied
    return row
