"""Virtual environments of the clients, one each: two of them share an import name.

They are kept in `.cache/clients`, so only the first run installs anything.
"""

import subprocess
import sys
from pathlib import Path

from tests.live import ROOT, clean_environment
from tests.tools import missing

FOLDER = ROOT / ".cache" / "clients"

# Pinned as published; the old client does not run with today's transport.
PACKAGES = {
    "certsrv": ("certsrv==2.1.1", "requests_ntlm==1.3.0"),
    "python-certsrv": ("python-certsrv==1.0.0", "urllib3<2", "requests<2.30", "six"),
}


def interpreter(client: str) -> Path:
    """Return the Python that has this client, installing it the first time."""
    folder = FOLDER / client
    python = folder / "bin" / "python"
    wanted = "\n".join(PACKAGES[client])
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        _install(folder, python, PACKAGES[client])
        stamp.write_text(wanted)
    return python


def _install(folder: Path, python: Path, packages: tuple[str, ...]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--no-input", *packages],
    )
    for step in steps:
        done = subprocess.run(
            step, env=clean_environment(), capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode:
            missing(f"{packages[0]} cannot be installed: {done.stderr.strip()[-300:]}")
