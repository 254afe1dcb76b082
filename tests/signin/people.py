"""Who signs in, in these tests."""

import base64

PASSWORD = "correct horse battery"


def basic(name: str, password: str = PASSWORD) -> dict[str, str]:
    """Return the headers of a program that sends its credentials unasked."""
    token = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}
