"""`manage.py set_up_roles`."""

from io import StringIO

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command

from kookut.roles import ROLES

pytestmark = pytest.mark.django_db


def test_roles_are_set_up_as_often_as_one_likes_and_say_what_changed() -> None:
    first, again, mended = StringIO(), StringIO(), StringIO()
    call_command("set_up_roles", stdout=first)
    assert "reading: new\nreading: + orders.view_category\n" in first.getvalue()
    call_command("set_up_roles", stdout=again)
    assert again.getvalue() == "Nothing to change.\n"
    reading = Group.objects.get(name="reading")
    allowed = reading.permissions.get(codename="view_order")
    reading.permissions.set(Group.objects.get(name="manager").permissions.filter(codename="change_product"))
    call_command("set_up_roles", stdout=mended)
    assert "reading: + orders.view_order\n" in mended.getvalue()
    assert "reading: - orders.change_product\n" in mended.getvalue()
    assert allowed in reading.permissions.all()


def test_each_role_may_more_than_reading_and_none_more_than_the_manager() -> None:
    for name in ("support", "accounting"):
        assert ROLES["reading"] < ROLES[name] < ROLES["manager"]
