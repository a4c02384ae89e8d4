"""Who may do what: a row for every address of the back office, a column for everybody who may knock."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import transaction
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils.timezone import localdate

from orders.models import Category, Order, Product, ShippingMethod, VatRate
from payments import attestation
from payments.models import Attestation, Dispute, Export, Letter, Payment, Refund, WebhookEvent
from tests.shop import deliver, placed, started, stripe_event
from tests.staff import sign_in, with_second_factor

pytestmark = pytest.mark.django_db

ROLE_NAMES = ("reading", "support", "accounting", "manager")
ALL = frozenset({"staff without a role", *ROLE_NAMES, "superuser"})
READERS = frozenset({*ROLE_NAMES, "superuser"})
SUPPORT = frozenset({"support", "manager", "superuser"})
ACCOUNTING = frozenset({"accounting", "manager", "superuser"})
MANAGERS = frozenset({"manager", "superuser"})
SUPERUSER = frozenset({"superuser"})
NOBODY: frozenset[str] = frozenset()
OUTSIDE = ("anonymous", "customer", "deactivated", "staff with a password only")
REFUSED, LOGIN = 403, "/admin/login/"


@dataclass(frozen=True)
class Row:
    """Who may ask for an address; what stands in it; the form when asking is sending one."""

    who: frozenset[str]
    arguments: Callable[[], list[Any]] = list
    form: dict[str, str] | None = None
    answers: tuple[int, ...] = (200,)
    query: str = ""


def the(model: type[Model]) -> Callable[[], list[Any]]:
    return lambda: [model._default_manager.values_list("pk", flat=True)[0]]


def refund_and_order() -> list[Any]:
    refund = Refund.objects.get()
    return [refund.payment.order_id, refund.pk]


def reset_whom() -> list[Any]:
    return [User.objects.get(username="other").pk]


def coming_rate() -> list[Any]:
    """One that was used stays as it is."""
    return [VatRate.objects.latest("valid_from").pk]


def stray_message() -> list[Any]:
    return [WebhookEvent.objects.get(order=None).pk]


def order_and_payment() -> list[Any]:
    payment = Payment.objects.get()
    return [payment.order_id, payment.pk]


THE_ORDER = the(Order)


def deed(who: frozenset[str], arguments: Callable[[], list[Any]] = THE_ORDER) -> Row:
    """The page of something that is done about an order; who may, and cannot now, is led back to the order."""
    return Row(who, arguments, answers=(200, 303))


def pages(model: type[Model], see: frozenset[str], add: frozenset[str], delete: frozenset[str]) -> dict[str, Row]:
    """The five pages that Django's admin gives a model."""
    name = f"{model._meta.app_label}_{model._meta.model_name}"
    return {
        f"{name}_changelist": Row(see),
        f"{name}_add": Row(add),
        f"{name}_change": Row(see, the(model)),
        f"{name}_history": Row(see, the(model)),
        f"{name}_delete": Row(delete, the(model)),
    }


MATRIX: dict[str, Row] = {
    "index": Row(ALL),
    "app_list": Row(READERS, lambda: ["orders"], answers=(200, 404)),
    "password_change": Row(ALL),
    "password_change_done": Row(ALL),
    "my_second_factor": Row(ALL),
    "jsi18n": Row(ALL),
    "autocomplete": Row(NOBODY),  # no field asks for it
    "view_on_site": Row(ALL, lambda: [1, 1], answers=(404,)),  # no row has a page in the shop that it would lead to
    **pages(Order, READERS, NOBODY, NOBODY),
    "orders_order_export": Row(ACCOUNTING, form={"format": "csv"}),
    "orders_order_attestation": Row(READERS, the(Order)),
    "orders_order_refund_notice": Row(READERS, refund_and_order),
    "orders_order_send_again": deed(SUPPORT, lambda: [*the(Order)(), "link"]),
    "orders_order_check": deed(SUPPORT | ACCOUNTING),
    "orders_order_note": deed(SUPPORT | ACCOUNTING),
    "orders_order_ship": deed(SUPPORT),
    "orders_order_close_page": deed(SUPPORT),
    "orders_order_cancel": deed(SUPPORT),
    "orders_order_replace_link": deed(SUPPORT),
    "orders_order_refund": deed(ACCOUNTING, order_and_payment),
    "orders_order_refund_again": deed(ACCOUNTING, refund_and_order),
    "orders_order_release": deed(ACCOUNTING, refund_and_order),
    "orders_order_turn_down": deed(ACCOUNTING, refund_and_order),
    "orders_order_set_aside": deed(ACCOUNTING, lambda: [*the(Order)(), "doubt:1"]),
    "orders_order_accept": deed(MANAGERS, order_and_payment),
    "orders_order_write_off": deed(MANAGERS),
    **pages(Product, READERS, MANAGERS, NOBODY),
    "orders_product_stock": Row(MANAGERS, the(Product)),
    **pages(Category, READERS, MANAGERS, MANAGERS),
    **pages(ShippingMethod, READERS, MANAGERS, NOBODY),
    **pages(VatRate, READERS, MANAGERS, NOBODY),
    **pages(Payment, READERS, NOBODY, NOBODY),
    **pages(WebhookEvent, READERS, NOBODY, NOBODY),
    "payments_webhookevent_put_aside": deed(ACCOUNTING, stray_message),
    **pages(Refund, READERS, NOBODY, NOBODY),
    **pages(Dispute, READERS, NOBODY, NOBODY),
    **pages(Attestation, READERS, NOBODY, NOBODY),
    **pages(Letter, READERS, NOBODY, NOBODY),
    **pages(Export, ACCOUNTING, NOBODY, NOBODY),
    "balance": Row(ACCOUNTING),
    "exports": Row(ACCOUNTING),
    **pages(User, SUPERUSER, SUPERUSER, NOBODY),
    "auth_user_password_change": Row(SUPERUSER, reset_whom),
    "auth_user_second_factor": Row(SUPERUSER, reset_whom),
}
DOOR = {"login", "logout", "second_factor", "set_up_second_factor"}
"""Open to everybody: tests/kookut/test_access.py says what they do."""


def addresses() -> Iterator[URLPattern]:
    """Every address of the back office."""

    def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns)
            else:
                yield pattern

    (back_office,) = [each for each in get_resolver().url_patterns if getattr(each, "app_name", None) == "admin"]
    assert isinstance(back_office, URLResolver)
    return walk(back_office.url_patterns)


def test_every_address_has_its_row() -> None:
    named = {pattern.name for pattern in addresses() if pattern.name}
    assert named == MATRIX.keys() | DOOR
    # Without a name: old addresses of records, which lead to the new ones, and whatever there is not.
    nameless = [str(pattern.pattern) for pattern in addresses() if not pattern.name]
    assert nameless == ["<path:object_id>/"] * len(admin.site._registry) + ["(?P<url>.*)$"]


@dataclass
class Office:
    """A row of everything, and everybody who may knock."""

    clients: dict[str, Client] = field(default_factory=dict)

    def __post_init__(self) -> None:
        call_command("set_up_roles", stdout=StringIO())
        Category.objects.create(slug="cuisine", names={"fr": "Cuisine"})
        VatRate.objects.create(vat_class="normal", rate="9", valid_from=localdate() + timedelta(days=30))
        order = placed()
        deliver(stripe_event(started(order)))
        payment = Payment.objects.get()
        attestation.of(Order.objects.get())
        payment.refunds.create(
            amount=100, status=Refund.Status.SUCCEEDED, reference="re_1", settled_at=order.created_at
        )
        Dispute.objects.create(payment=payment, reference="dp_1", amount=100, reason="fraudulent")
        WebhookEvent.objects.create(provider="stripe", event_id="evt_0", type="x", livemode=False, source="delivered")
        other = with_second_factor(User.objects.create_user("other", is_staff=True))
        Export.objects.create(by=other, what=Export.What.SALES, format=Export.Format.CSV)
        self.clients |= {name: sign_in(Client(), self.staff(name, name)) for name in ROLE_NAMES}
        self.clients["staff without a role"] = sign_in(Client(), self.staff("new"))
        self.clients["superuser"] = sign_in(Client(), User.objects.create_superuser("root"))
        self.clients["anonymous"] = Client()
        self.clients["customer"] = sign_in(Client(), User.objects.create_user("claire"))
        self.clients["staff with a password only"] = Client()
        self.clients["staff with a password only"].force_login(
            with_second_factor(User.objects.create_superuser("half"))
        )
        gone = User.objects.create_superuser("gone")
        self.clients["deactivated"] = sign_in(Client(), gone)
        User.objects.filter(pk=gone.pk).update(is_active=False)

    def staff(self, name: str, *roles: str) -> User:
        staff = User.objects.create_user(name, is_staff=True)
        staff.groups.set(Group.objects.filter(name__in=roles))
        return staff

    def ask(self, who: str, name: str, row: Row) -> Any:
        address = reverse(f"admin:{name}", args=row.arguments())
        client = self.clients[who]
        return client.get(address) if row.form is None else client.post(address, row.form)


@pytest.fixture(scope="module")
def office(django_db_setup: None, django_db_blocker: Any) -> Iterator[Office]:
    """One for the whole matrix, in a transaction that is rolled back: nothing that it asks for changes a role."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield Office()
        transaction.set_rollback(True)


@pytest.mark.parametrize("name", MATRIX)
def test_only_those_may_who_the_matrix_says(office: Office, name: str) -> None:
    row = MATRIX[name]
    assert row.who <= ALL
    for who in sorted(ALL):
        answer = office.ask(who, name, row)
        expected = row.answers if who in row.who else (REFUSED, 404) if name == "app_list" else (REFUSED,)
        assert answer.status_code in expected, f"{who}: {answer.status_code}"
    for who in OUTSIDE:
        answer = office.ask(who, name, row)
        assert answer.status_code == 302, f"{who}: {answer.status_code}"
        assert answer["Location"].startswith(LOGIN)


@pytest.mark.parametrize("model", [Product, Category, ShippingMethod, VatRate, User, Order, Payment])
def test_only_managers_change_what_can_be_changed(office: Office, model: type[Model]) -> None:
    """Pages that many may see hold a form for some only."""
    name = f"{model._meta.app_label}_{model._meta.model_name}_change"
    goods = {Product, Category, ShippingMethod, VatRate}
    changed = MANAGERS if model in goods else SUPERUSER if model is User else NOBODY
    arguments = {User: reset_whom, VatRate: coming_rate}.get(model, the(model))
    for who in sorted(MATRIX[name].who):
        page = office.ask(who, name, Row(ALL, arguments))
        assert ("_save" in page.content.decode()) == (who in changed), who
        refused = office.ask(who, name, Row(ALL, arguments, {"nothing": "right"}))
        assert refused.status_code == (200 if who in changed else REFUSED), who


def test_a_manager_makes_no_second_account_to_release_a_refund_with(office: Office) -> None:
    """Not even with Django's own permissions: somebody may have been given them in the database."""
    marc, other = office.staff("marc", "manager"), User.objects.get(username="other")
    marc.user_permissions.set(Permission.objects.filter(content_type__model="user"))
    manager = sign_in(Client(), marc)
    password, before = {"password1": "twelve words 2", "password2": "twelve words 2"}, User.objects.count()
    changes = {"username": "other", "is_staff": "on", "is_active": "on", "email": "leila@exemple.ch"}
    for name, arguments, form in (
        ("add", [], {"username": "alias", "is_staff": "on", **password}),
        ("change", [other.pk], changes),
        ("password_change", [other.pk], password),
    ):
        assert manager.post(reverse(f"admin:auth_user_{name}", args=arguments), form).status_code == 403
    now = User.objects.get(pk=other.pk)
    assert (User.objects.count(), now.email, now.password) == (before, "", other.password)


def test_a_new_person_gets_roles_and_a_strong_password(office: Office) -> None:
    role = Group.objects.get(name="support")
    form = {"username": "sonia", "is_staff": "on", "groups": str(role.pk), "password1": "short", "password2": "short"}
    page = office.clients["superuser"].post(reverse("admin:auth_user_add"), form)
    assert page.status_code == 200
    assert "Service clientèle" in page.content.decode()
    strong = form | {"password1": "twelve words 2", "password2": "twelve words 2"}
    assert office.clients["superuser"].post(reverse("admin:auth_user_add"), strong).status_code == 302
    assert User.objects.get(username="sonia").has_perm("orders.send_letters_again")
