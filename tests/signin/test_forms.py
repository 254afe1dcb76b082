"""Forms of the sign-in pages in a browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from enrollment.conf_people import SecondFactor
from tests.conftest import PASSWORD
from tests.signin.second_factors import give_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User

PAGES = (
    "/accounts/login/?again=1",
    "/accounts/password/",
    "/accounts/tokens/",
    "/accounts/factors/app/",
    "/accounts/factors/passkey/",
    "/accounts/second-factor/?again=1",
)


@pytest.mark.django_db
@pytest.mark.parametrize("address", PAGES)
def test_every_form_that_is_posted_carries_one_token(
    address: str, alice: User, configure: Callable[..., None]
) -> None:
    configure(second_factor=SecondFactor(), sign_in=("basic", "token"))
    client = Client(SERVER_NAME="localhost")
    client.post("/accounts/login/", {"username": alice.username, "password": PASSWORD})
    if "second-factor" in address:
        give_app(alice)

    page = client.get(address)

    assert page.status_code == 200
    forms = re.findall(r'<form[^>]*method="post".*?</form>', page.content.decode(), re.DOTALL)
    assert forms
    assert {form.count('name="csrfmiddlewaretoken"') for form in forms} == {1}
