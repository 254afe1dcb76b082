"""Runs inside the environment of a client: one call from standard input, its outcome as JSON.

Usage: python drive_certsrv.py <certsrv|python-certsrv> < call.json
"""

import importlib
import json
import sys
from typing import Any


def connect(client: str, call: dict[str, Any]) -> Any:  # a stranger's class
    """Return the client's object, as its manual says to make it."""
    # By name: to this project's own tools, `certsrv` is the Django project.
    module: Any = importlib.import_module("certsrv")
    server = f"localhost:{call['port']}"
    if client == "python-certsrv":
        server = f"https://{server}"
    more = {"auth_method": call["auth_method"]} if "auth_method" in call else {}
    return module.Certsrv(server, call["name"], call["password"], cafile=call["ca_file"], **more)


def main() -> None:
    """Call the method named, and print what came of it."""
    call = json.load(sys.stdin)
    try:
        result = getattr(connect(sys.argv[1], call), call["method"])(*call["arguments"])
    except Exception as error:  # noqa: BLE001  # whatever the client raises is its answer
        outcome = {
            "raised": type(error).__name__,
            "text": str(error),
            "req_id": getattr(error, "req_id", None),
        }
    else:
        text = result.decode("latin-1") if isinstance(result, bytes) else result
        outcome = {"returned": text}
    json.dump(outcome, sys.stdout)


main()
