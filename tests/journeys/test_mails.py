"""The shop's mails as a customer's mail program shows them: on a telephone, in a window, by day and by night."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils.timezone import now
from playwright.sync_api import Browser, Page

from orders.models import Order
from payments.letters import compose
from payments.models import Letter, Payment, Refund, Refusal
from tests.shop import deliver, goods, placed, started, stripe_event

pytestmark = [pytest.mark.django_db, pytest.mark.browser]
LANGUAGES = ["fr", "de", "it", "en"]
PHONE, WINDOW, SMALLEST = 390, 700, 320
PICTURES = os.environ.get("KOOKUT_PICTURES")
"""A folder: then every mail is also photographed there, to be looked at."""
BROKEN = r"""() => [...document.querySelectorAll('.label, .nowrap')].flatMap(each => {
  const text = each.firstChild, range = document.createRange();
  return [...text.data.matchAll(/\S+/g)].map(word => {
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    return range.getClientRects().length > 1 ? word[0] : '';
  }).filter(Boolean);
})"""
"""Words of labels, and numbers, that stand on two lines."""
Scene = Callable[[Order], object]


def confirmation(order: Order) -> object:
    return settled(order).pk


def link(order: Order) -> object:
    return settled(order).pk


def refused(order: Order) -> object:
    return started(order, "twint", status="failed", refusal=Refusal.GENERIC, returned_at=now()).pk


def expired(order: Order) -> object:
    started(order, status="expired", left_at=now())
    return order.pk


def late_refunded(order: Order) -> object:
    payment = started(order)
    Order.objects.filter(pk=order.pk).update(
        status="cancelled", cancel_reason="customer", cancelled_at=now(), holds_stock=False
    )
    deliver(stripe_event(payment))
    return Refund.objects.get(payment=payment).pk


def surplus_refunded(order: Order) -> object:
    second = started(order, "twint", status="expired")
    settled(order)
    deliver(stripe_event(second))
    return Refund.objects.get(payment=second).pk


def review(order: Order) -> object:
    return of_another_amount(order).pk


def refunded(order: Order) -> object:
    return given_back(settled(order), 2900, "Bol ébréché à l’arrivée").pk


def shipped(order: Order) -> object:
    settled(order)
    Order.objects.filter(pk=order.pk).update(shipped_at=now(), tracking="99.34.123456.78901234")
    order.refresh_from_db()
    return order.pk


def held(order: Order) -> object:
    return settled(order).pk


def to_staff(order: Order) -> object:
    of_another_amount(order)
    return order.letters.get(kind="to_staff").about


SCENES: dict[Letter.Kind, Scene] = {
    Letter.Kind.CONFIRMATION: confirmation,
    Letter.Kind.LINK: link,
    Letter.Kind.REFUSED: refused,
    Letter.Kind.EXPIRED: expired,
    Letter.Kind.LATE_REFUNDED: late_refunded,
    Letter.Kind.SURPLUS_REFUNDED: surplus_refunded,
    Letter.Kind.REVIEW: review,
    Letter.Kind.REFUNDED: refunded,
    Letter.Kind.SHIPPED: shipped,
    Letter.Kind.HELD: held,
    Letter.Kind.TO_STAFF: to_staff,
}


def settled(order: Order) -> Payment:
    payment = started(order)
    deliver(stripe_event(payment))
    payment.refresh_from_db()
    return payment


def of_another_amount(order: Order) -> Payment:
    payment = started(order)
    deliver(stripe_event(payment, amount_total=payment.amount + 100))
    payment.refresh_from_db()
    return payment


def given_back(payment: Payment, amount: int, reason: str) -> Refund:
    refund: Refund = payment.refunds.create(
        amount=amount, status="succeeded", settled_at=now(), reference=f"re_{payment.pk.hex}", reason=reason
    )
    return refund


def written(kind: Letter.Kind, **changes: Any) -> EmailMultiAlternatives:
    """The mail of that kind, as it leaves; of an order with a long name of goods."""
    bowl = goods(names={"fr": "Bol à déjeuner en grès émaillé, bleu du lac Léman, tourné à la main"})
    pot = goods(names={"fr": "Donaudampfschifffahrtsgesellschaftskapitänsmütze"}, price=24_850)
    order = placed(bowl, pot, **{"quantity": 2} | changes)
    about = SCENES[kind](order)
    order.refresh_from_db()
    letter, _created = Letter.objects.get_or_create(order=order, kind=kind, about=str(about))
    return compose(letter)


def html_of(message: EmailMultiAlternatives) -> str:
    (part,) = message.alternatives
    return str(part[0])


@pytest.fixture(scope="module")
def reader(browser: Browser) -> Iterator[Page]:
    """A mail program."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", SCENES)
def test_a_mail_can_be_read_on_every_screen_and_fetches_nothing(kind: Letter.Kind, language: str, reader: Page) -> None:
    asked: list[str] = []
    reader.on("request", lambda request: asked.append(request.url))
    message = written(kind, language=language)

    reader.set_content(html_of(message))

    assert reader.locator("html").get_attribute("lang") == (language if kind != Letter.Kind.TO_STAFF else "fr")
    assert reader.locator("h1").count() == 1
    for width in (WINDOW, PHONE, SMALLEST):
        reader.set_viewport_size({"width": width, "height": 800})
        assert reader.evaluate("document.documentElement.scrollWidth") <= width
        assert reader.evaluate(BROKEN) == []
        photograph(reader, f"{kind}-{language}-{width}")
    if PICTURES:
        (Path(PICTURES) / f"{kind}-{language}.txt").write_text(f"{message.subject}\n\n{message.body}")
    assert asked == []


def photograph(reader: Page, name: str) -> None:
    if not PICTURES:
        return
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        reader.emulate_media(color_scheme=scheme)
        reader.screenshot(path=Path(PICTURES) / f"{name}-{scheme}.png", full_page=True)
