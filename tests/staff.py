"""Staff in the tests: their password, their telephone, and a back office that is open already."""

import time

from django.contrib.auth.models import User
from django.test import Client
from django.utils.timezone import now
from playwright.sync_api import Page

from kookut import access, second_factor
from kookut.models import SecondFactor

PASSWORD = "a long word for staff"
SECRET = b"twenty bytes, a key."


def with_second_factor(user: User) -> User:
    """The person, whose telephone has SECRET."""
    factor = second_factor.begin(user, SECRET)
    SecondFactor.objects.filter(pk=factor.pk).update(confirmed_at=now())
    return user


def code(steps: int = 0, secret: bytes = SECRET) -> str:
    """What the telephone shows now, or showed so many half minutes away from now."""
    return second_factor.code_at(secret, int(time.time()) // second_factor.STEP + steps)


def sign_in(client: Client, user: User) -> Client:
    """Open the back office without its door: the session after password and code."""
    with_second_factor(user)
    client.force_login(user)
    session = client.session
    session[access.FACTOR] = SecondFactor.objects.get(user=user).pk
    session.save()
    return client


def sign_in_by_hand(page: Page, name: str) -> None:
    """Log in on the page that is shown, in French: password, then code."""
    page.get_by_label("Nom d’utilisateur").fill(name)
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.locator("[type=submit]").first.click()
    page.get_by_label("Code").fill(code())
    page.get_by_role("button", name="Continuer").click()


def form_of(client: Client, address: str) -> dict[str, object]:
    """What a browser would send back of the form without a change."""
    response = client.get(address)
    assert response.status_code == 200
    form = response.context["adminform"].form
    fields: dict[str, object] = {}
    for bound in form:
        value = bound.value()
        if value is not None and value is not False and value != "":
            fields[bound.html_name] = value
        if bound.field.show_hidden_initial and value is not None:
            fields[bound.html_initial_name] = value
    fields.pop("upload", None)
    return fields
