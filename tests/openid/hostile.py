"""A provider that says whatever a test wants, and signs it with whatever key."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.loopback import serving
from tests.openid.conftest import CLIENT_ID, begin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client

    from tests.loopback import Handler

KEY: Final = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY: Final = ec.generate_private_key(ec.SECP256R1())
RSA_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public(key: Any, key_id: str, **values: str) -> dict[str, Any]:
    """Return the public half of a key as a provider publishes it."""
    algorithm = jwt.get_algorithm_by_name("RS256" if key is RSA_KEY else "ES256")
    published: dict[str, Any] = json.loads(algorithm.to_jwk(key.public_key()))
    return published | {"kid": key_id, "use": "sig"} | values


@dataclass
class Hostile:
    """What the next answers are, and what was asked."""

    url: str = ""
    description: dict[str, Any] = field(default_factory=dict)
    keys: list[dict[str, Any]] = field(default_factory=lambda: [public(KEY, "one")])
    answer: bytes = b""
    status: int = 200
    asked: list[str] = field(default_factory=list)
    form: dict[str, str] = field(default_factory=dict)
    authorization: str = ""

    def serve(self, handler: Handler) -> None:
        """Answer one request."""
        self.asked.append(handler.path)
        if handler.path == "/.well-known/openid-configuration":
            known = {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            }
            handler.give(json.dumps(known | self.description).encode())
        elif handler.path == "/keys":
            handler.give(json.dumps({"keys": self.keys}).encode())
        else:
            sent = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
            self.form = {name: values[0] for name, values in parse_qs(sent.decode()).items()}
            self.authorization = handler.headers.get("Authorization", "")
            handler.give(self.answer, self.status)

    def claims(self, asked_nonce: str, /, **spoiled: Any) -> dict[str, Any]:
        """Return what a good token says, with some of it spoiled; None leaves a claim out."""
        now = int(time.time())
        good = {
            "iss": self.url,
            "sub": "248289761001",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked_nonce,
            "preferred_username": "alice",
            "groups": ["PKI Users"],
        }
        return {name: value for name, value in (good | spoiled).items() if value is not None}

    def give(self, token: str) -> None:
        """Give this token for the next code."""
        self.answer = json.dumps(
            {"access_token": "x", "token_type": "Bearer", "id_token": token}
        ).encode()


def signed(claims: dict[str, Any], key: Any = KEY, algorithm: str = "ES256", **headers: str) -> str:
    """Return a token."""
    return jwt.encode(claims, key, algorithm, headers={"kid": "one"} | headers)


@contextlib.contextmanager
def running() -> Iterator[Hostile]:
    """Serve one while the block runs."""
    made = Hostile()
    with serving(made.serve) as url:
        made.url = url
        yield made


def sign_in(client: Client, hostile: Hostile, *, query: str = "", **spoiled: Any) -> int:
    """Sign in with a token of which something is spoiled; return the status."""
    asked = begin(client)[1]
    hostile.give(signed(hostile.claims(asked["nonce"], **spoiled)))
    return finish(client, asked["state"], query)


def finish(client: Client, state: str, query: str = "") -> int:
    """Come back from the provider; return the status."""
    return client.get(f"/accounts/oidc/callback/?state={state}&code=abc{query}").status_code
