"""What a program that signs in with every request costs, over the same request without a name."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from benchmarks import measure, site

if TYPE_CHECKING:
    from collections.abc import Callable

_ADDRESS: Final = "/empty"
_KEPT: Final = "Basic, password checked before"
_TOKEN: Final = "token"  # noqa: S105 - a word


def run() -> None:
    """Measure on a site of its own, and print."""
    found = site.measured_apart("benchmarks.signin", ca_key="ec:p256")
    rows = [(name, f"{seconds * 1e3:,.2f}") for name, seconds in found.items()]
    print("## Signing in with every request: milliseconds over the empty view, one process\n")
    print(measure.table(("way", "ms more"), rows))
    print()


def seconds_more() -> dict[str, float]:
    """Seconds that each way adds to a request for the empty view, the whole of Django around it."""
    import django  # noqa: PLC0415 - this process is for that

    django.setup()
    from django.contrib.auth.models import User  # noqa: PLC0415 - after the settings
    from django.utils import timezone  # noqa: PLC0415 - after the settings

    from enrollment.services import tokens  # noqa: PLC0415 - after the settings

    admin = User.objects.get(username="admin")
    wish = tokens.Wish("benchmark", 1)
    _, secret = tokens.make(admin, wish, actor="admin", now=timezone.now())
    basic = _asking(f"Basic {site.AUTHORIZATION}")
    start = time.perf_counter()
    basic()
    first = time.perf_counter() - start
    ways = {_KEPT: basic, _TOKEN: _asking(f"Bearer {secret}")}
    pairs = {name: measure.compare(_asking(""), act) for name, act in ways.items()}
    return {"Basic, first time": first} | {
        name: pair.ours - pair.floor for name, pair in pairs.items()
    }


def _asking(authorization: str) -> Callable[[], object]:
    from django.test import Client  # noqa: PLC0415 - after the settings

    headers = {"authorization": authorization} if authorization else {}
    client = Client(SERVER_NAME="localhost", headers=headers)

    def ask() -> Any:  # noqa: ANN401 - a response of the test client
        answer = client.get(_ADDRESS)
        if answer.status_code != 200:  # noqa: PLR2004 - HTTP
            raise RuntimeError(answer.content.decode())
        return answer

    return ask


if __name__ == "__main__":
    print(json.dumps(seconds_more()))
