"""Every page of the back office in the states that staff meet it in, as walks: a shop is set up once, then one page
after another of it is shown."""

import io
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.utils.timezone import localdate, now

from kookut import access
from orders.models import Category, Order, Product, ShippingMethod, TimelineEntry, VatRate
from orders.moves import hold, tell
from payments import attestation
from payments.capture import capture
from payments.handoff import hand_off
from payments.models import Dispute, Letter, Payment, Refund, WebhookEvent
from tests.journeys.scenes import Stage, accepted, dispute, given_back, order_paid_twice
from tests.shop import deliver, started, stripe_event
from tests.staff import PASSWORD, code, sign_in, with_second_factor

Walk = Callable[[Stage], Iterator[str]]
"""Shows one page after another, and gives the name of each once it is shown."""
WALKS: dict[str, Walk] = {}


def walk(show: Walk) -> Walk:
    WALKS[show.__name__.replace("_", "-")] = show
    return show


def enter(stage: Stage) -> User:
    """From here on the pages are shown to somebody who may do everything."""
    staff = User.objects.create_superuser("staff", password=PASSWORD)
    sign_in(stage.client, staff)
    return staff


def submit(stage: Stage) -> None:
    """Press the button of a page in Django's dress."""
    stage.page.locator("[type=submit]:not(#changelist-search *, #logout-form *)").first.click()


def do(stage: Stage) -> None:
    """Press the button of a page in the office's dress."""
    stage.press(".desk-button")


# The door.


@walk
def door(stage: Stage) -> Iterator[str]:
    stage.open("/admin/")
    yield "login"
    stage.page.fill("[name=username]", "staff")
    stage.page.fill("[name=password]", "not the right word")
    submit(stage)
    yield "login-refused"

    user = User.objects.create_superuser("staff", password=PASSWORD)
    stage.client.force_login(user)
    stage.open("/admin/")
    yield "second-factor-set-up"
    stage.page.fill("[name=code]", code(secret=b"not the telephone's."))
    submit(stage)
    yield "second-factor-set-up-refused"
    user.second_factor.delete()
    with_second_factor(user)
    stage.open("/admin/")
    yield "second-factor"
    stage.page.fill("[name=code]", "000000")
    submit(stage)
    yield "second-factor-refused"
    for _ in range(10):
        stage.client.post("/admin/second-factor/", {"code": "000000"})
    stage.page.fill("[name=code]", "000000")
    submit(stage)
    yield "second-factor-locked"


@walk
def desk_of_ones_own(stage: Stage) -> Iterator[str]:
    enter(stage)
    stage.open("/admin/")
    yield "index-of-a-new-shop"
    stage.open("/admin/orders/order/")
    yield "orders-none"
    stage.page.emulate_media(color_scheme="dark")
    stage.open("/admin/orders/vatrate/add/")
    yield "new-rate-in-the-dark"
    stage.page.emulate_media(color_scheme="light")
    stage.open("/admin/password_change/")
    yield "password"
    submit(stage)
    yield "password-refused"
    stage.open("/admin/password_change/done/")
    yield "password-changed"
    stage.open("/admin/second-factor/mine/")
    yield "my-second-factor"
    stage.page.locator("[name=new_codes]").click()
    yield "recovery-codes"
    stage.open("/admin/nulle-part/")
    yield "not-found"
    stage.open("/admin/orders/category/4711/change/")
    yield "not-here"
    be_idle(stage)
    stage.open("/admin/")
    yield "session-ended"
    newcomer = User.objects.create_user("newcomer", is_staff=True)
    sign_in(stage.client, newcomer)
    stage.open("/admin/")
    yield "index-without-a-role"
    stage.open("/admin/balance/")
    yield "not-allowed"


def be_idle(stage: Stage) -> None:
    session = stage.client.session
    session[access.SEEN] -= access.IDLE_SECONDS + 60
    session.save()


# The day, and the lists.


@walk
def trade(stage: Stage) -> Iterator[str]:
    """A month of trade, with every alarm that the first page knows."""
    Product.objects.update(stock=1000)
    for n in (*range(8), 11, 12, 17, 23):
        trade_of_a_day(stage, now() - timedelta(days=n), n)
    for _ in range(4):
        started(stage.order(), "twint", status="failed", refusal="funds")
    started(stage.order(created_at=now() - timedelta(hours=1)), returned_at=now() - timedelta(minutes=50))
    WebhookEvent.objects.update(received_at=now() - timedelta(minutes=50))
    order_paid_twice(stage)
    WebhookEvent.objects.update(received_at=now() - timedelta(minutes=50))
    payment = Payment.objects.filter(settles=True)[0]
    Dispute.objects.create(
        payment=payment, reference="dp_1", reason="fraudulent", amount=900, due_at=now() + timedelta(days=5)
    )
    payment.order.letters.create(kind=Letter.Kind.LINK, about="1", tries=Letter.MOST_TRIES)
    refund = given_back(payment, 2800)
    attestation.of(payment.order)
    attestation.of_refund(refund)
    deliver(b"{}", "t=0,v1=forged")
    enter(stage)
    stage.open("/admin/")
    yield "index"
    for name, address in {
        "orders": "orders/order/",
        "orders-narrowed": "orders/order/?state=paid&attention=1",
        "orders-not-found": "orders/order/?q=samovar",
        "payments": "payments/payment/",
        "payment": f"payments/payment/{payment.pk}/change/",
        "events": "payments/webhookevent/",
        "letters": "payments/letter/",
        "refunds": "payments/refund/",
        "refund-row": f"payments/refund/{refund.pk}/change/",
        "disputes": "payments/dispute/",
        "attestations": "payments/attestation/",
    }.items():
        stage.open(f"/admin/{address}")
        yield name
    stray = WebhookEvent.objects.create(
        provider="stripe",
        event_id="evt_1Qx",
        type="refund.updated",
        livemode=False,
        source="delivered",
        received_at=now() - timedelta(hours=3),
    )
    stage.open(f"/admin/payments/webhookevent/{stray.pk}/change/")
    yield "stray-message"
    stage.open(f"/admin/payments/webhookevent/{stray.pk}/put-aside/")
    do(stage)
    yield "stray-message-refused"
    stage.open("/admin/orders/order/")
    stage.page.locator("[name=_selected_action]").first.check()
    stage.page.select_option("[name=action]", "check_many")
    stage.page.locator("[name=index]").first.click()
    yield "many"
    do(stage)
    yield "many-done"


def trade_of_a_day(stage: Stage, at: datetime, n: int) -> None:
    for method in ["card", "twint", "card"][: 1 + n % 3]:
        payment = started(stage.order(created_at=at), method, created_at=at, returned_at=at - timedelta(seconds=n))
        deliver(stripe_event(payment))
        Payment.objects.filter(pk=payment.pk).update(authorised_at=at)
        Order.objects.filter(pk=payment.order_id).update(effective_at=at)
    if n % 4 == 0:
        started(stage.order(created_at=at), "twint", created_at=at, status="failed", refusal="funds")
        started(stage.order(created_at=at), created_at=at, status="expired")


# What is done about an order.


@walk
def deeds(stage: Stage) -> Iterator[str]:
    order_paid_twice(stage)
    order = Order.objects.get()
    paid = order.payments.get(settles=True)
    staff = enter(stage)
    stage.open(of(order))
    yield "order"
    for deed in ["check", "ship", "note", "send-again/link", "replace-link"]:
        stage.open(of(order, deed))
        yield deed.partition("/")[0]
    stage.open(of(order, "ship"))
    stage.page.fill("[name=tracking]", "99#34")
    do(stage)
    yield "ship-refused"
    stage.open(of(order, "note"))
    stage.page.fill("[name=text]", "4242 4242 4242 4242")
    do(stage)
    yield "note-refused"
    stage.open(of(order, "refund", paid.pk))
    yield "refund"
    stage.page.check("[value=amount]")
    do(stage)
    yield "refund-refused"
    stage.page.check("[value=all]")
    stage.page.fill("[name=reason]", "Fêlé à l’arrivée")
    do(stage)
    yield "refund-restated"
    with transaction.atomic():
        tell(hold(pk=order.pk), TimelineEntry.Kind.NOTE, TimelineEntry.Actor.STAFF, "noah", text="Rappelée, d’accord.")
    do(stage)
    yield "refund-meanwhile"
    stage.open(of(order, "note"))
    stage.page.fill("[name=text]", "Rappelée : elle préfère un échange.\nÀ revoir lundi.")
    do(stage)
    yield "note-done"
    stage.open(f"/admin/orders/order/{order.pk}/history/")
    yield "order-history"

    noah = User.objects.create_user("noah", is_staff=True)
    refund = paid.refunds.create(amount=1250, status="proposed", requested_by=noah, reason="Fêlé", goods_back=True)
    stage.open(of(order, "release", refund.pk))
    yield "release"
    stage.open(of(order, "turn-down", refund.pk))
    do(stage)
    yield "turn-down-refused"
    Refund.objects.filter(pk=refund.pk).update(requested_by=staff)
    stage.open(of(order))
    yield "order-with-a-proposal-of-ones-own"
    stage.open(of(order, "release", refund.pk))
    yield "release-forbidden"


@walk
def deeds_of_bad_days(stage: Stage) -> Iterator[str]:
    enter(stage)
    waiting = stage.order()
    started(waiting, "twint", returned_at=now() - timedelta(minutes=12))
    stage.open(of(waiting))
    yield "order-waiting"
    for deed in ["close-page", "cancel"]:
        stage.open(of(waiting, deed))
        yield deed

    unannounced = stage.order()
    payment = started(unannounced, paid_seen_at=now())
    stage.open(of(unannounced, "accept", payment.pk))
    yield "accept"
    stage.open(of(unannounced))
    yield "order-unannounced"

    order, payment = accepted(stage)
    dispute(payment, Dispute.Status.LOST, decided_at=now())
    stage.open(of(order))
    yield "order-disputed"
    stage.open(of(order, "write-off"))
    yield "write-off"

    order, payment = accepted(stage)
    failed = given_back(payment, 2800)
    Refund.objects.filter(pk=failed.pk).update(status=Refund.Status.FAILED, refusal="lost_or_stolen_card")
    stage.open(of(order))
    yield "order-refund-bounced"
    stage.open(of(order, "refund-again", failed.pk))
    yield "refund-again"
    stage.open(of(order, "set-aside", f"refund_failed:{failed.pk}"))
    yield "set-aside"


def of(order: Order, deed: str = "change", *about: object) -> str:
    return "/".join(["/admin/orders/order", str(order.pk), deed, *map(str, about), ""])


# The goods.


@walk
def goods(stage: Stage) -> Iterator[str]:
    enter(stage)
    bowl = stage.goods[0]
    bowl.adjustments.create(kind="received", difference=2, stock_after=42, note="Bulletin 4711")
    bowl.adjustments.create(kind="lost", difference=-1, stock_after=41)
    category, method = Category.objects.all()[0], ShippingMethod.objects.all()[0]
    rate = VatRate.objects.create(vat_class="normal", rate="8.5", valid_from=localdate() + timedelta(days=40))
    for name, address in {
        "goods": "product/",
        "product": f"product/{bowl.pk}/change/",
        "categories": "category/",
        "category": f"category/{category.pk}/change/",
        "category-delete": f"category/{category.pk}/delete/",
        "delivery-methods": "shippingmethod/",
        "delivery": f"shippingmethod/{method.pk}/change/",
        "delivery-delete": f"shippingmethod/{method.pk}/delete/",
        "rates": "vatrate/",
        "new-rate": "vatrate/add/",
        "rate-to-come": f"vatrate/{rate.pk}/change/",
        "rate-delete": f"vatrate/{rate.pk}/delete/",
    }.items():
        stage.open(f"/admin/orders/{address}")
        yield name
    for name, address in {"product": "product", "category": "category", "delivery": "shippingmethod"}.items():
        stage.open(f"/admin/orders/{address}/add/")
        stage.page.locator("[name=_save]").first.click()
        yield f"new-{name}-refused"
    stage.open("/admin/orders/vatrate/add/")
    stage.page.select_option("[name=vat_class]", "reduced")
    stage.page.fill("[name=rate]", "2.8")
    stage.page.fill("[name=valid_from]", "01.01.2099")
    stage.page.locator("[name=_save]").first.click()
    yield "rate-restated"
    stage.open(f"/admin/orders/shippingmethod/{method.pk}/change/")
    stage.page.fill("[name=price]", "9.50")
    stage.page.locator("[name=_continue]").first.click()
    yield "delivery-saved"
    stage.open(f"/admin/orders/shippingmethod/{method.pk}/history/")
    yield "delivery-history"
    stage.open(f"/admin/orders/product/{bowl.pk}/stock/")
    yield "stock"
    stage.page.check("[value=lost]")
    stage.page.fill("[name=pieces]", "500")
    do(stage)
    yield "stock-refused"


# The books.


@walk
def books(stage: Stage) -> Iterator[str]:
    """Payments that agree, one of which no message told, a payout, and another PSP."""
    sandbox = stage.sandbox
    for method, webhook in (("card", "none"), ("paypal", "none"), ("card", "never")):
        page = hand_off(stage.order(), method)
        if method == "card":
            sandbox.pay_by_card(page, webhook=webhook)
        else:
            sandbox.approve_paypal(page)
    for payment in Payment.objects.filter(method="paypal"):
        capture(payment.pk)
    sandbox.flush()
    sandbox.pay_out("stripe")
    enter(stage)
    stage.open(f"/admin/balance/?first={localdate() - timedelta(days=1)}&last={localdate()}")
    yield "balance"
    stage.open("/admin/balance/?first=2026-01-01&last=2025-01-01")
    yield "balance-refused"
    stage.client.post("/admin/exports/", {"what": "sales", "format": "csv", "first": localdate(), "last": localdate()})
    stage.open("/admin/exports/")
    yield "exports"
    stage.page.fill("[name=first]", "2026-02-01")
    stage.page.fill("[name=last]", "2026-01-01")
    do(stage)
    yield "exports-refused"
    stage.open("/admin/payments/export/")
    yield "exports-made"


# The staff.


@walk
def people(stage: Stage) -> Iterator[str]:
    call_command("set_up_roles", stdout=io.StringIO())
    sonia = with_second_factor(User.objects.create_user("sonia", is_staff=True))
    enter(stage)
    for name, address in {
        "people": "",
        "person": f"{sonia.pk}/change/",
        "person-password": f"{sonia.pk}/password/",
        "reset-second-factor": f"{sonia.pk}/second-factor/",
        "person-history": f"{sonia.pk}/history/",
        "new-person": "add/",
    }.items():
        stage.open(f"/admin/auth/user/{address}")
        yield name
    stage.page.locator("[name=_save]").first.click()
    yield "new-person-refused"


# The same in other languages: their words are longer, and their catalogues their own.


def in_language(language: str) -> Walk:
    def show(stage: Stage) -> Iterator[str]:
        stage.client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
        stage.open("/admin/")
        yield f"{language}-login"
        order_paid_twice(stage)
        given_back(Payment.objects.get(settles=True), 1250)
        order = Order.objects.get()
        enter(stage)
        paid = order.payments.get(settles=True)
        for name, address in {
            "index": "",
            "orders": "orders/order/",
            "order": f"orders/order/{order.pk}/change/",
            "refund": f"orders/order/{order.pk}/refund/{paid.pk}/",
            "stock": f"orders/product/{stage.goods[0].pk}/stock/",
            "events": "payments/webhookevent/",
            "balance": f"balance/?first={localdate()}&last={localdate()}",
            "exports": "exports/",
        }.items():
            stage.open(f"/admin/{address}")
            yield f"{language}-{name}"
        stage.open("/admin/orders/shippingmethod/add/")
        stage.page.locator("[name=_save]").first.click()
        yield f"{language}-new-delivery-refused"

    return show


WALKS |= {f"office-in-{language}": in_language(language) for language in ("de", "it", "en")}
