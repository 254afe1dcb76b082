"""Where the time of one submission goes, measured in one process without a network.

Each phase is a function of the product, wrapped with a clock. A phase inside another is taken off
the outer one, so the rows add up to the whole.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from benchmarks import site
from benchmarks.measure import table

if TYPE_CHECKING:
    import cProfile
    from collections.abc import Callable

_CALLS: Final = 300
_PHASES: Final = {
    "parse and prove": ("enrollment.services.judgement", "read"),
    "decide": ("enrollment.services.judgement", "judge"),
    "prepare": ("enrollment.ca.issuance", "prepare"),
    "sign and verify": ("enrollment.ca.issuance", "sign_content"),
    "store": ("enrollment.services.issuance", "_store"),
}
_DATABASE: Final = "database statements and commits"
_REST: Final = "everything else (Django, middleware, sign-in, views, audit)"


class Clock:
    """Adds up the time of nested phases, each without what is inside it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside: list[float] = []

    def timed(self, name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function."""

        def wrapped(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - any function
            self._inside.append(0.0)
            start = time.perf_counter()
            try:
                return act(*arguments, **options)
            finally:
                spent = time.perf_counter() - start
                self.seconds[name] = self.seconds.get(name, 0.0) + spent - self._inside.pop()
                if self._inside:
                    self._inside[-1] += spent

        return wrapped


def run() -> None:
    """Measure on a site of its own, and print."""
    found = site.measured_apart("benchmarks.phases", ca_key="rsa:3072")
    whole = sum(found.values())
    rows = [
        (name, f"{seconds * 1e3:.2f}", f"{seconds / whole:.0%}") for name, seconds in found.items()
    ]
    print("## Where the time of one submission goes (one process, no network)\n")
    print(table(("phase", "ms", "share"), [*rows, ("whole", f"{whole * 1e3:.2f}", "100%")]))
    print()


def measure(profiler: cProfile.Profile | None = None) -> dict[str, float]:
    """Submit many requests through Django's test client; seconds per request by phase."""
    import django  # noqa: PLC0415 - this process is for that

    django.setup()
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - after the settings
    from django.test import Client  # noqa: PLC0415 - after the settings

    from benchmarks.http import fields, request_pem  # noqa: PLC0415 - after the settings

    clock = Clock()
    key = ec.generate_private_key(ec.SECP256R1())
    forms = [fields(request_pem(key, f"host{index}.example.com")) for index in range(_CALLS + 20)]
    client = Client(
        SERVER_NAME="localhost", headers={"authorization": f"Basic {site.AUTHORIZATION}"}
    )
    for form in forms[:20]:
        _submit(client, form)
    if profiler is None:
        _wrap(clock)
    else:
        profiler.enable()
    act = clock.timed(_REST, lambda form: _submit(client, form))
    for form in forms[20:]:
        act(form)
    if profiler is not None:
        profiler.disable()
    return {name: seconds / _CALLS for name, seconds in sorted(clock.seconds.items(), key=_most)}


def profile() -> str:
    """Profile submissions through Django's test client, for whoever wants to make them faster."""
    import cProfile  # noqa: PLC0415 - after the settings
    import io  # noqa: PLC0415 - after the settings
    import pstats  # noqa: PLC0415 - after the settings

    profiler = cProfile.Profile()
    measure(profiler)
    text = io.StringIO()
    stats = pstats.Stats(profiler, stream=text)
    stats.sort_stats("tottime").print_stats(45)
    stats.sort_stats("cumtime").print_stats(120)
    return text.getvalue()


def _most(item: tuple[str, float]) -> float:
    return -item[1]


def _submit(client: Any, form: dict[str, str]) -> None:  # noqa: ANN401 - imported late
    answer = client.post("/certsrv/certfnsh.asp", form)
    if b"certnew.cer?ReqID=" not in answer.content:
        raise RuntimeError(answer.content.decode())


def _wrap(clock: Clock) -> None:
    from django.db import connection  # noqa: PLC0415 - after the settings
    from django.template.backends.django import Template  # noqa: PLC0415 - after the settings

    from enrollment.ca import issuance  # noqa: PLC0415 - after the settings

    # The linter is a default argument of `prepare`, so it is exchanged there.
    defaults: dict[str, Any] = issuance.prepare.__kwdefaults__ or {}
    defaults["check"] = clock.timed("lint", defaults["check"])
    for name, (module_name, function) in _PHASES.items():
        module = import_module(module_name)
        setattr(module, function, clock.timed(name, getattr(module, function)))
    Template.render = clock.timed("render", Template.render)  # type: ignore[method-assign] # here only
    connection.execute_wrappers.append(
        lambda execute, *rest: clock.timed(_DATABASE, execute)(*rest)
    )
    connection.commit = clock.timed(_DATABASE, connection.commit)  # type: ignore[method-assign] # here only


if __name__ == "__main__":
    print(profile() if sys.argv[1:] == ["profile"] else json.dumps(measure()))
