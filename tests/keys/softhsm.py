"""A SoftHSM2 token in a folder of its own."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from enrollment import keys
from tests.tools import missing, require, run

if TYPE_CHECKING:
    from collections.abc import Iterator

PIN: Final = "correct-horse-1"
LABEL: Final = "test token"
_PLACES: Final = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)


@dataclass(frozen=True)
class SoftToken:
    """Where the token's driver is and what it reads."""

    module: str
    configuration: Path

    def settings(
        self, *, module: str = "", name: str = LABEL, pin: str = PIN
    ) -> keys.TokenSettings:
        """Return the settings of a site that uses the token."""
        return keys.TokenSettings(module or self.module, name, lambda: pin)

    def ring(self, home: Path) -> keys.KeyRing:
        """Return a key ring that makes keys on the token."""
        return keys.KeyRing(home, store=keys.ON_TOKEN, token=self.settings())

    def environment(self, pin_file: Path) -> dict[str, str]:
        """Return the settings of a live site that uses the token."""
        pin_file.write_text(f"{PIN}\n")
        return {
            "SOFTHSM2_CONF": str(self.configuration),
            "CERTSRV_KEY_STORE": "pkcs11",
            "CERTSRV_PKCS11_MODULE": self.module,
            "CERTSRV_PKCS11_TOKEN": LABEL,
            "CERTSRV_PKCS11_PIN_FILE": str(pin_file),
        }


def make_token(folder: Path) -> SoftToken:
    """Make an empty token, or skip by name."""
    require("softhsm2-util")
    if importlib.util.find_spec("pkcs11") is None:
        missing("python-pkcs11 is not installed")
    module = next((place for place in _PLACES if Path(place).exists()), None)
    if module is None:
        missing("the library of SoftHSM2 is not in one of its usual places")
    assert module is not None
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n"
        "log.level = ERROR\n"
    )
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    made = run(
        "softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", PIN
    )
    assert made.returncode == 0, made.stdout
    return SoftToken(module, configuration)


@pytest.fixture(scope="session")
def soft_token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftToken]:
    """One token for the whole session."""
    before = os.environ.get("SOFTHSM2_CONF")
    yield make_token(tmp_path_factory.mktemp("softhsm"))
    if before is None:
        os.environ.pop("SOFTHSM2_CONF", None)
    else:
        os.environ["SOFTHSM2_CONF"] = before
