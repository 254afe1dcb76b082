"""What a process of a node can be told about second factors."""

from __future__ import annotations


def codes(name: str) -> list[str]:
    """Give somebody a second factor, and return its recovery codes."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from enrollment.services import second_factor
    from tests.signin.second_factors import give_app

    user = User.objects.get(username=name)
    second_factor.reset(user, actor="test", now=timezone.now())
    give_app(user)
    return second_factor.make_codes(user, timezone.now())


def show(name: str, code: str) -> bool:
    """Show a code as somebody's second factor; return whether it was believed."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from enrollment.services import second_factor

    user = User.objects.get(username=name)
    return second_factor.check_code(user, code, timezone.now()) is not None
