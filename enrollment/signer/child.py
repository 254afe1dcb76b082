"""The signer as a child of `serve`: started before the site, started again when it dies.

It lives as long as any process of the site: each of them holds the writing end of a pipe, and the
signer ends when the last one is gone, however it went.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from enrollment.signer.server import answers

if TYPE_CHECKING:
    from collections.abc import Sequence

_MANAGE: Final = Path(__file__).resolve().parents[2] / "manage.py"
_POLL_SECONDS: Final = 0.05
_PAUSE_SECONDS: Final = 1.0


class SignerNotStarted(Exception):
    """It ended before it answered; it has said why itself."""


class SignerChild:
    """Starts the signer and watches over it."""

    def __init__(self, path: Path, command: Sequence[str] = ()) -> None:
        """Name the socket at which it shall answer."""
        self._path = path
        self._reading, self._writing = os.pipe()
        self._command = command or (
            sys.executable,
            str(_MANAGE),
            "signer",
            "--until-closed",
            str(self._reading),
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    def start(self) -> None:
        """Start it, and wait until it answers; it may ask for a passphrase meanwhile.

        Raises:
            SignerNotStarted: it ended instead.
        """
        self._launch()
        while not answers(self._path):
            if self._ended():
                raise SignerNotStarted("The signer process did not start; see above for why.")
            time.sleep(_POLL_SECONDS)

    def watch(self) -> None:
        """Start it again if it has ended, at most once a second; never waits."""
        if self._ended() and time.monotonic() - self._started > _PAUSE_SECONDS:
            self._launch()

    def _launch(self) -> None:
        self._started = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            self._command, pass_fds=(self._reading,)
        )

    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None
