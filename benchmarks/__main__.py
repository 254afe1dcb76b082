"""`python -m benchmarks [core] [lint] [http] [revocation] [ocsp] [lists] [signin]`: or all."""

from __future__ import annotations

import sys

from benchmarks import measure


def main(names: list[str]) -> int:
    """Run the benchmarks named, or all."""
    from benchmarks import core, http, lists, revocation, signin, status  # noqa: PLC0415 - each is imported when it is asked for

    benchmarks = {
        "core": core.run,
        "lint": core.run_lint,
        "http": http.run,
        "revocation": revocation.run,
        "ocsp": status.run,
        "lists": lists.run,
        "signin": signin.run,
    }
    unknown = set(names) - set(benchmarks) - {"profile"}
    if unknown:
        print(f"Unknown: {', '.join(sorted(unknown))}. There are: {', '.join(benchmarks)}.")
        return 2
    print("\n".join(f"- {line}" for line in measure.machine()), end="\n\n")
    for name in names or benchmarks:
        if name == "profile":
            print(core.profile())
        else:
            benchmarks[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
