"""Money that has gone back before its coming was heard of (case 49)."""

import pytest
from django.test import Client

from orders.models import Order
from payments.models import Payment, Refund
from tests.payments.steps import bring_messages
from tests.sandbox.client import Sandbox
from tests.shop import fill_cart, order_and_pay

pytestmark = pytest.mark.django_db


def test_case_49_money_that_went_back_before_its_coming_was_heard_of_pays_nothing(
    client: Client, sandbox: Sandbox
) -> None:
    sandbox.change(hold_webhooks=True)
    fill_cart(client)
    page = order_and_pay(client, "paypal")["Location"]
    back = sandbox.approve_paypal(page).url
    assert back
    client.get(back)  # captures
    sandbox.refund(page)

    bring_messages(sandbox)

    payment = Payment.objects.get()
    assert (payment.status, payment.settles, payment.why_not) == ("authorised", False, "gone")
    assert payment.received_amount == payment.amount
    assert Order.objects.get().status == Order.Status.PENDING
    assert [refund.status for refund in Refund.objects.all()] == ["succeeded"]
    assert len(sandbox.payment(page)["refunds"]) == 1
