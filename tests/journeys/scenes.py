"""Every page and state of the shop that customers see, set up the short way, for what must hold on each of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils.timezone import now
from playwright.sync_api import Page

from kookut import errors
from orders.checkout import remember_order
from orders.codes import grouped, new_code
from orders.models import Order, Product, ShippingMethod, TimelineEntry
from orders.moves import cancel, hold, tell
from payments import attestation
from payments.handoff import LONGEST_HOLD
from payments.models import CODE_LENGTH, Attestation, Dispute, Payment, Refund, Refusal
from payments.papers import VERIFICATIONS_A_MINUTE
from tests.demo.catalogue import fill_catalogue
from tests.sandbox.client import Sandbox
from tests.shop import DETAILS, deliver, fill_cart, goods, placed, started, stripe_event

SLOW, VERY_SLOW = timedelta(minutes=3), timedelta(minutes=12)


@dataclass
class Stage:
    """A browser before the shop, which has the demo's goods."""

    page: Page
    shop: str
    sandbox: Sandbox

    def __post_init__(self) -> None:
        fill_catalogue()
        self.client = Client()

    @property
    def goods(self) -> list[Product]:
        return list(Product.objects.filter(slug__in=["bol-gres-lac", "miel-montagne"]))

    def open(self, path: str) -> None:
        """Show a page of the shop, in the session of `client`."""
        for name, cookie in self.client.cookies.items():
            self.page.context.add_cookies([{"name": name, "value": cookie.value, "url": self.shop}])
        self.page.goto(self.shop + path)

    def press(self, button: str = "main form [type=submit]") -> None:
        self.page.locator(button).last.click()

    def fill_cart(self, *slugs: str, quantity: int = 1, details: dict[str, str] | None = None) -> None:
        goods = list(Product.objects.filter(slug__in=slugs)) if slugs else self.goods
        fill_cart(self.client, *goods, quantity=quantity)
        if details:
            self.client.post("/coordonnees/", DETAILS | details)

    def order(self, **changes: Any) -> Order:
        return placed(*self.goods, **changes)

    def open_order(self, order: Order, query: str = "") -> None:
        self.open(f"/commande/{order.token}/{query}")


Scene = Callable[[Stage], None]
SCENES: dict[str, Scene] = {}


def scene(show: Scene) -> Scene:
    SCENES[show.__name__.replace("_", "-")] = show
    return show


# The goods and the cart.


@scene
def catalogue(stage: Stage) -> None:
    stage.open("/")


@scene
def catalogue_of_a_category(stage: Stage) -> None:
    stage.open("/rayons/vaisselle/")


@scene
def catalogue_searched_and_sorted(stage: Stage) -> None:
    stage.open("/?sort=-price")
    stage.page.fill("[name=q]", "noyer")
    stage.press("form.search button")
    stage.page.click(".menu summary")


@scene
def catalogue_without_a_find(stage: Stage) -> None:
    stage.open("/rayons/epicerie/?q=samovar")


@scene
def catalogue_with_some_of_the_words(stage: Stage) -> None:
    stage.open("/?q=gr%C3%A8s+noyer")


@scene
def catalogue_in_pages(stage: Stage) -> None:
    for number in range(40):
        goods(names={"fr": f"Assiette creuse {number}"}, position=number)
    stage.open("/?page=2")


@scene
def product(stage: Stage) -> None:
    stage.open("/articles/bol-gres-lac/")


@scene
def product_nearly_gone(stage: Stage) -> None:
    stage.open("/articles/couteau-office-noyer/")


@scene
def product_sold_out(stage: Stage) -> None:
    stage.open("/articles/theiere-gres-noyer/")


@scene
def product_added(stage: Stage) -> None:
    stage.open("/articles/bol-gres-lac/")
    stage.press("form.add button")


@scene
def product_too_many(stage: Stage) -> None:
    stage.open("/articles/couteau-office-noyer/")
    stage.page.fill("[name=quantity]", "3")
    stage.press("form.add button")


@scene
def cart_empty(stage: Stage) -> None:
    stage.open("/panier/")


@scene
def cart_beside_an_order_that_waits(stage: Stage) -> None:
    stage.fill_cart()
    session = stage.client.session
    remember_order(session, stage.order())
    session.save()
    stage.open("/panier/")


@scene
def catalogue_beside_an_order_that_waits(stage: Stage) -> None:
    cart_beside_an_order_that_waits(stage)
    stage.open("/")


@scene
def cart(stage: Stage) -> None:
    stage.fill_cart(quantity=2)
    stage.open("/panier/")


@scene
def cart_with_errors(stage: Stage) -> None:
    cart(stage)
    for quantity in stage.page.locator("[name^=quantity]").all():
        quantity.fill("100")
    stage.press("[name=checkout]")


@scene
def cart_with_a_line_removed(stage: Stage) -> None:
    cart(stage)
    stage.page.locator("[name^=quantity]").first.fill("0")
    stage.press("form#basket .actions [type=submit]")


@scene
def cart_changed(stage: Stage) -> None:
    stage.fill_cart(quantity=2)
    change_the_catalogue()
    stage.open("/panier/")


@scene
def cart_too_large(stage: Stage) -> None:
    Product.objects.filter(slug="batterie-casseroles-cuivre").update(price=90_000_000)
    stage.client.post("/articles/batterie-casseroles-cuivre/", {"quantity": "2"})
    stage.open("/panier/")


@scene
def cart_undeliverable(stage: Stage) -> None:
    stage.fill_cart()
    ShippingMethod.objects.update(active=False)
    stage.open("/panier/")


def change_the_catalogue() -> None:
    Product.objects.filter(slug="bol-gres-lac").update(stock=1)
    Product.objects.filter(slug="miel-montagne").update(price=1850)


# Details and review.


@scene
def details(stage: Stage) -> None:
    stage.client.post("/articles/bol-gres-lac/", {"quantity": "1"})
    stage.open("/coordonnees/")


@scene
def details_with_errors(stage: Stage) -> None:
    details(stage)
    stage.page.fill("[name=email]", "claire@")
    stage.page.fill("[name=delivery_postcode]", "12")
    stage.page.fill("[name=phone]", "12")
    stage.page.check("[name=other_billing]")
    stage.press()


@scene
def details_billed_elsewhere(stage: Stage) -> None:
    details(stage)
    stage.page.check("[name=other_billing]")


@scene
def details_for_a_company(stage: Stage) -> None:
    stage.fill_cart(details={"delivery_organisation": "Atelier du Lac SA", "delivery_postcode": "9490"})
    stage.open("/coordonnees/")
    stage.press()


@scene
def details_with_hints(stage: Stage) -> None:
    stage.fill_cart(details={"email": "claire@gmial.com", "delivery_street": "Rue de Carouge"})
    stage.open("/coordonnees/")


@scene
def review(stage: Stage) -> None:
    stage.fill_cart()
    stage.open("/paiement/")


@scene
def review_with_a_choice(stage: Stage) -> None:
    review(stage)
    stage.page.check("[value=twint]")


@scene
def review_billed_elsewhere(stage: Stage) -> None:
    details = {
        "email": "claire@gmial.com",
        "phone": "079 123 45 67",
        "delivery_extra": "c/o Müller",
        "other_billing": "on",
        "billing_name": "Jean-Rodolphe de Watteville-Desgouttes",
        "billing_organisation": "Atelier du Lac SA",
        "billing_extra": "Case postale 12",
        "billing_street": "Chemin de l’Ancienne-Tuilerie 112b",
        "billing_postcode": "1009",
        "billing_town": "Pully",
        "billing_country": "CH",
    }
    stage.fill_cart(details=details)
    stage.open("/paiement/")


@scene
def review_beside_another_open_order(stage: Stage) -> None:
    cart_beside_an_order_that_waits(stage)
    stage.open("/paiement/")


@scene
def review_without_a_choice(stage: Stage) -> None:
    review(stage)
    stage.press()


@scene
def review_above_twints_limit(stage: Stage) -> None:
    stage.fill_cart("batterie-casseroles-cuivre")
    stage.open("/paiement/")


@scene
def review_changed(stage: Stage) -> None:
    stage.fill_cart(quantity=2)
    change_the_catalogue()
    stage.open("/paiement/")


@scene
def review_of_another_day(stage: Stage) -> None:
    review_with_a_choice(stage)
    stage.page.evaluate("document.querySelector('[name=delivery_by]').value = '2026-11-20'")
    stage.press()


@scene
def psp_silent(stage: Stage) -> None:
    review(stage)
    stage.sandbox.break_calls("down", calls=20)
    stage.page.check("[value=card]")
    stage.press()


# The order's page.


@scene
def order_open(stage: Stage) -> None:
    order = stage.order()
    started(order)
    stage.open_order(order)


@scene
def order_left(stage: Stage) -> None:
    order = stage.order(
        billing_organisation="Atelier du Lac SA",
        billing_street="Chemin de l’Ancienne-Tuilerie 112b",
        billing_postcode="1009",
        billing_town="Pully",
        billing_country="CH",
    )
    started(order, "twint", left_at=now())
    stage.open_order(order)


@scene
def order_waiting(stage: Stage) -> None:
    wait_for_the_bank(stage, timedelta(seconds=40))


@scene
def order_no_longer_updating(stage: Stage) -> None:
    wait_for_the_bank(stage, timedelta(seconds=40), "?auto=0")


@scene
def order_waiting_long(stage: Stage) -> None:
    wait_for_the_bank(stage, SLOW)


@scene
def order_waiting_very_long(stage: Stage) -> None:
    wait_for_the_bank(stage, VERY_SLOW)


@scene
def order_undecided(stage: Stage) -> None:
    order = stage.order()
    deliver(stripe_event(started(order, "twint", returned_at=now()), payment_status="unpaid"))
    stage.open_order(order)


def wait_for_the_bank(stage: Stage, since: timedelta, query: str = "") -> None:
    order = stage.order()
    started(order, created_at=now() - since, returned_at=now() - since)
    stage.open_order(order, query)


@scene
def order_accepted(stage: Stage) -> None:
    order = stage.order(quantity=2)
    deliver(stripe_event(started(order)))
    stage.open_order(order)


@scene
def order_paid_twice(stage: Stage) -> None:
    order = stage.order()
    first = started(order)
    first_event = stripe_event(first)
    deliver(stripe_event(first, "checkout.session.expired"))
    deliver(stripe_event(started(order)))
    deliver(first_event)
    stage.open_order(order)


@scene
def order_under_review(stage: Stage) -> None:
    order = stage.order()
    payment = started(order)
    deliver(stripe_event(payment, amount_total=payment.amount + 100))
    stage.open_order(order)


@scene
def order_paid_too_late(stage: Stage) -> None:
    order = stage.order()
    payment = started(order)
    paid = stripe_event(payment)
    deliver(stripe_event(payment, "checkout.session.expired"))
    cancel_order(order, Order.CancelReason.CUSTOMER)
    deliver(paid)
    stage.open_order(order)


@scene
def order_paid_too_late_and_accepted(stage: Stage) -> None:
    order = stage.order()
    payment = started(order)
    paid = stripe_event(payment)
    deliver(stripe_event(payment, "checkout.session.expired"))
    cancel_order(order, Order.CancelReason.EXPIRED)
    deliver(paid)
    stage.open_order(order)


@scene
def order_payment_going_back(stage: Stage) -> None:
    stage.open_order(going_back(stage, Refund.Status.REQUESTED))


@scene
def order_open_after_a_payment_went_back(stage: Stage) -> None:
    stage.open_order(going_back(stage, Refund.Status.SUCCEEDED))


def going_back(stage: Stage, status: Refund.Status) -> Order:
    order = stage.order()
    payment = started(order)
    deliver(stripe_event(payment, amount_total=payment.amount + 100))
    payment.refunds.create(amount=payment.amount + 100, status=status, settled_at=now())
    return order


@scene
def order_refunded(stage: Stage) -> None:
    stage.open_order(wholly_refunded(stage, Refund.Status.SUCCEEDED))


@scene
def order_refund_bounced(stage: Stage) -> None:
    stage.open_order(wholly_refunded(stage, Refund.Status.FAILED))


def wholly_refunded(stage: Stage, status: Refund.Status) -> Order:
    order, payment = accepted(stage)
    payment.refunds.create(amount=payment.amount, status=status, settled_at=now())
    Order.objects.filter(pk=order.pk).update(
        status=Order.Status.CANCELLED, cancel_reason=Order.CancelReason.REFUNDED, holds_stock=False
    )
    return order


@scene
def order_refunded_in_part(stage: Stage) -> None:
    order, payment = accepted(stage)
    bowl = order.lines.get(unit_price=2800)
    given_back(payment, 2800, lines=[{"line": bowl.pk, "quantity": 1}])
    payment.refunds.create(amount=1650, status=Refund.Status.REQUESTED)
    stage.open_order(order)


def given_back(payment: Payment, amount: int, **more: Any) -> Refund:
    share = {"rate": "8.1", "base": amount, "tax": 0}
    refund: Refund = payment.refunds.create(
        amount=amount, status=Refund.Status.SUCCEEDED, settled_at=now(), vat=[share], reference=f"re_{amount}", **more
    )
    return refund


def accepted(stage: Stage) -> tuple[Order, Payment]:
    order = stage.order()
    payment = started(order)
    deliver(stripe_event(payment))
    return order, payment


def cancel_order(order: Order, reason: Order.CancelReason) -> None:
    with transaction.atomic():
        cancel(hold(pk=order.pk), reason, TimelineEntry.Actor.CUSTOMER)


@scene
def order_refund_under_way(stage: Stage) -> None:
    order, payment = accepted(stage)
    payment.refunds.create(amount=payment.amount, status=Refund.Status.REQUESTED)
    stage.open_order(order)


@scene
def order_sent(stage: Stage) -> None:
    order, _payment = accepted(stage)
    attestation.of(order)
    Order.objects.filter(pk=order.pk).update(shipped_at=now(), tracking="99.00.123456.12345678")
    stage.open_order(order)


@scene
def order_disputed(stage: Stage) -> None:
    order, payment = accepted(stage)
    dispute(payment, Dispute.Status.OPEN)
    stage.open_order(order)


@scene
def order_dispute_lost_in_part(stage: Stage) -> None:
    order, payment = accepted(stage)
    dispute(payment, Dispute.Status.LOST, amount=2800, decided_at=now())
    stage.open_order(order)


def dispute(payment: Payment, status: Dispute.Status, **changes: Any) -> None:
    facts = {"reference": f"dp_{payment.pk}", "reason": "fraudulent", "amount": payment.amount}
    payment.disputes.create(status=status, **(facts | changes))
    with transaction.atomic():
        order = hold(pk=payment.order_id)
        tell(order, TimelineEntry.Kind.DISPUTE, TimelineEntry.Actor.BANK, amount=0, reason="fraudulent", state=status)


@scene
def order_too_late_to_pay(stage: Stage) -> None:
    order = stage.order()
    deliver(stripe_event(started(order), "checkout.session.expired"))
    Order.objects.filter(pk=order.pk).update(created_at=now() - LONGEST_HOLD)
    stage.open_order(order)


@scene
def order_expired(stage: Stage) -> None:
    order = stage.order()
    deliver(stripe_event(started(order), "checkout.session.expired"))
    stage.open_order(order)


def refused(refusal: Refusal) -> Scene:
    def show(stage: Stage) -> None:
        order = stage.order()
        method = "paypal" if refusal == Refusal.PAYPAL else "twint" if refusal == Refusal.TIMEOUT else "card"
        started(order, method, status=Payment.Status.FAILED, refusal=refusal)
        stage.open_order(order)

    return show


def cancelled(reason: Order.CancelReason) -> Scene:
    def show(stage: Stage) -> None:
        order = stage.order()
        started(order, status=Payment.Status.EXPIRED)
        cancel_order(order, reason)
        stage.open_order(order)

    return show


SCENES |= {f"order-refused-{refusal}": refused(refusal) for refusal in Refusal}
SCENES |= {
    f"order-cancelled-{reason}": cancelled(reason)
    for reason in Order.CancelReason
    if reason != Order.CancelReason.REFUNDED
}


@scene
def order_retried_without_a_choice(stage: Stage) -> None:
    order = stage.order()
    stage.open_order(order)
    stage.press(".button.wide")


# The verification of papers.


def open_verdict(stage: Stage, paper: Attestation) -> None:
    stage.open(f"/v/{grouped(paper.code)}/")


@scene
def verify(stage: Stage) -> None:
    stage.open("/v/")


@scene
def verify_without_a_code(stage: Stage) -> None:
    verify(stage)
    stage.press()


@scene
def verify_by_the_number(stage: Stage) -> None:
    verify(stage)
    stage.page.fill("[name=code]", "AP-2026-000412")
    stage.press()


@scene
def verified(stage: Stage) -> None:
    open_verdict(stage, attestation.of(accepted(stage)[0]))


@scene
def verified_refunded_in_part(stage: Stage) -> None:
    order, payment = accepted(stage)
    given_back(payment, 2800)
    open_verdict(stage, attestation.of(order))


@scene
def verified_refunded(stage: Stage) -> None:
    order, payment = accepted(stage)
    given_back(payment, payment.amount)
    open_verdict(stage, attestation.of(order))


@scene
def verified_disputed(stage: Stage) -> None:
    order, payment = accepted(stage)
    dispute(payment, Dispute.Status.OPEN)
    open_verdict(stage, attestation.of(order))


@scene
def verified_refund_notice(stage: Stage) -> None:
    open_verdict(stage, attestation.of_refund(given_back(accepted(stage)[1], 2800)))


@scene
def verified_bounced(stage: Stage) -> None:
    refund = given_back(accepted(stage)[1], 2800)
    paper = attestation.of_refund(refund)
    Refund.objects.filter(pk=refund.pk).update(status=Refund.Status.FAILED)
    open_verdict(stage, paper)


@scene
def verified_unknown(stage: Stage) -> None:
    stage.open(f"/v/{new_code(CODE_LENGTH)}/")


@scene
def verified_mistyped(stage: Stage) -> None:
    stage.open("/v/7F3Q-20KX-9M4DD/")


# The rest of the site.


@scene
def find_order(stage: Stage) -> None:
    stage.open("/commande/")


@scene
def find_order_asked(stage: Stage) -> None:
    stage.open("/commande/?asked")


@scene
def find_order_with_errors(stage: Stage) -> None:
    find_order(stage)
    stage.page.fill("[name=number]", "KK-0000")
    stage.press()


def fixed(path: str) -> Scene:
    return lambda stage: stage.open(path)


SCENES |= {
    "secure-payment": fixed("/paiement-securise/"),
    "confidentiality": fixed("/confidentialite/"),
    "terms": fixed("/conditions/"),
    "contact": fixed("/contact/"),
    "not-found": fixed("/nulle-part/"),
    "not-allowed": fixed("/webhooks/stripe/"),
    "order-not-found": fixed("/commande/nul-n-en-sait-rien/"),
}


@scene
def form_too_old(stage: Stage) -> None:
    """What a form says whose cookie is gone."""
    review(stage)
    stage.page.context.clear_cookies(name="csrf")
    stage.page.check("[value=card]")
    stage.press()


@scene
def field_sent_twice(stage: Stage) -> None:
    stage.open("/articles/bol-gres-lac/")
    stage.page.evaluate("document.querySelector('form.add').append(document.querySelector('#id_quantity').cloneNode())")
    stage.press("form.add button")


@scene
def too_many_requests(stage: Stage) -> None:
    for _ in range(VERIFICATIONS_A_MINUTE):
        stage.client.get("/v/7F3Q-20KX-9M4DD/")
    stage.open("/v/7F3Q-20KX-9M4DD/")


def broken(answer: Callable[[HttpRequest], HttpResponse], path: str = "/panne/") -> Scene:
    """What the shop answers when it is broken, as a browser shows it."""

    def show(stage: Stage) -> None:
        made = answer(RequestFactory().get(path))
        body, headers = made.content.decode(), {"Content-Type": made["Content-Type"]}
        stage.page.route(f"**{path}", lambda route: route.fulfill(status=made.status_code, body=body, headers=headers))
        stage.open(path)

    return show


def without_database(request: HttpRequest) -> HttpResponse:
    try:
        raise OperationalError
    except OperationalError:
        return errors.server_error(request)


SCENES |= {
    "forbidden": broken(lambda request: errors.permission_denied(request, PermissionDenied())),
    "server-error": broken(errors.server_error),
    "unavailable": broken(without_database),
}
