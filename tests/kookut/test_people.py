"""Who looks after the accounts of staff locks nobody out of looking after them."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.staff import form_of, sign_in

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/auth/user/"


@pytest.fixture
def olga() -> User:
    return User.objects.create_superuser("olga", password="a long word for staff 1")


@pytest.fixture
def client(olga: User) -> Client:
    return sign_in(Client(), olga)


def save(client: Client, person: User, **changed: str) -> str:
    """Save the page of a person; returns what it says, and nothing once it is saved. An empty word unticks."""
    page = f"{PEOPLE}{person.pk}/change/"
    typed = {name: value for name, value in (form_of(client, page) | changed).items() if value != ""}
    answer = client.post(page, typed, headers={"Accept-Language": "en"})
    return "" if answer.status_code == 302 else answer.content.decode()


@pytest.mark.parametrize("power", ["is_active", "is_staff", "is_superuser"])
def test_nobody_locks_themselves_out(client: Client, olga: User, power: str) -> None:
    assert "take this away from yourself" in save(client, olga, **{power: ""})
    assert getattr(User.objects.get(), power)
    assert not save(client, olga, first_name="Olga")
    other = User.objects.create_superuser("pia")
    assert not save(client, other, **{power: ""})
    assert not getattr(User.objects.get(username="pia"), power)


def test_two_people_do_not_differ_by_the_case_of_their_letters_alone(client: Client, olga: User) -> None:
    new = {"username": "Olga", "is_staff": "on", "password1": "given words 1", "password2": "given words 1"}
    assert client.post(f"{PEOPLE}add/", new).status_code == 200
    pia = User.objects.create_user("pia", is_staff=True)
    assert "Somebody has this name" in save(client, pia, username="OLGA")
    assert not save(client, pia, username="Pia")
    assert {user.username for user in User.objects.all()} == {"olga", "Pia"}


def test_people_are_deactivated_never_deleted(client: Client, olga: User) -> None:
    answer = client.post(f"{PEOPLE}{olga.pk}/delete/", {"post": "yes"}, headers={"Accept-Language": "en"})
    assert answer.status_code == 403
    assert "People are never deleted" in answer.content.decode()
    assert User.objects.filter(pk=olga.pk).exists()
