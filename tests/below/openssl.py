"""CAs above ours that OpenSSL keeps, as an operator with a safe and a laptop does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests import tools

if TYPE_CHECKING:
    from pathlib import Path

SUBORDINATE: Final = (
    "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n"
    "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
)
_NEW_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class OpensslCa:
    """A certificate with its key, in files."""

    certificate: Path
    key: Path

    def sign(self, request: Path, answer: Path, *options: str, extensions: str = "") -> Path:
        """Sign a request; with neither options nor extensions, as OpenSSL does by itself."""
        words = list(options)
        if extensions:
            file = answer.with_suffix(".ext")
            file.write_text(extensions)
            words += ["-extfile", str(file)]
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
            "-CAcreateserial", "-sha256", "-out", answer, *words,
        )  # fmt: skip
        return answer


def make_root(folder: Path, subject: str = "/O=Example/CN=Example Root") -> OpensslCa:
    """Make a self-signed CA."""
    made = OpensslCa(folder / "root.pem", folder / "root.key")
    _openssl(
        "req", "-x509", *_NEW_KEY, "-keyout", made.key, "-out", made.certificate,
        "-subj", subject, "-days", "7300", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
    )  # fmt: skip
    return made


def make_policy_ca(folder: Path, above: OpensslCa) -> OpensslCa:
    """Make a CA between a root and ours, by a request like everybody's."""
    made = OpensslCa(folder / "policy.pem", folder / "policy.key")
    request = folder / "policy.csr"
    _openssl(
        "req", "-new", *_NEW_KEY, "-keyout", made.key, "-out", request, "-subj",
        "/O=Example/CN=Example Policy CA",
    )  # fmt: skip
    above.sign(request, made.certificate, "-days", "3650", extensions=SUBORDINATE)
    return made


def _openssl(*arguments: str | Path) -> None:
    done = tools.run("openssl", *arguments)
    assert done.returncode == 0, done.stdout.decode()
