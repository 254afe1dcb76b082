"""What people do at the desk to take certificates back, in one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from enrollment.ca.revocation import Reason
from tests.admin.conftest import submit

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from enrollment.models import Certificate

STATUS = "/admin/certificates/status/"
LIST = "/admin/enrollment/certificate/"


def issue(user: User, name: str = "www.example.com", **options: Any) -> Certificate:
    row = submit(user, name, template="WebServer", **options).certificate
    assert row is not None
    return row


def ask(client: Client, act: str, *rows: Certificate, **fields: str) -> Any:
    """Choose an act; return the page that asks again."""
    return client.post(STATUS, {"act": act, "certificate": [row.pk for row in rows], **fields})


def confirm(client: Client, act: str, *rows: Certificate, **fields: str) -> str:
    """Confirm an act; return the page that follows."""
    said = {"act": act, "certificate": [row.pk for row in rows], "confirmed": "1", **fields}
    return str(client.post(STATUS, said, follow=True).content.decode())


def confirm_all(client: Client, act: str, **fields: str) -> str:
    """Choose an act for a set, read the page, and confirm what it counted."""
    page = client.post(STATUS, {"act": act, **fields})
    newest = str(page.context["asked"].newest)
    return confirm(client, act, newest=newest, **fields)


def state_of(row: Certificate) -> str:
    """Return ``valid``, or the reason for which a certificate is not."""
    row.refresh_from_db()
    return "valid" if row.revoked_at is None else Reason(row.revocation_reason or 0).label


def page_of(client: Client, row: Certificate) -> str:
    return client.get(f"{LIST}{row.pk}/change/").content.decode()
