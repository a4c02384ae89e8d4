import time, pytest
from django.db import connection
from django.test import Client
from tests.payments.steps import *
from tests.payments.conftest import *
from tests.shop import *
from payments.sweep import sweep
from payments.refunds import ask, Wanted, carry_out
from payments import attention


def cpu(label, f, n=20):
    t = time.perf_counter()
    c = time.process_time()
    for _ in range(n):
        f()
    print(
        f"{label:30} wall {(time.perf_counter() - t) / n * 1000:.2f} ms cpu {(time.process_time() - c) / n * 1000:.2f}"
    )


@pytest.mark.django_db(transaction=True)
def test_t(psps):
    cpu("reset", psps.reset)
    cpu("placed", placed)
    os_ = []
    cpu("hand_off card", lambda: os_.append(ordered("card")))
    cpu("hand_off paypal", lambda: os_.append(ordered("paypal")))
    cpu("statement 40", psps.payments)
    pages = [p for o, p in os_]
    it = iter(pages)
    cpu("pay card", lambda: psps.pay_by_card(next(it)))
    ws = psps.collect()
    print(len(ws))
    it2 = iter(ws)
    cpu("deliver", lambda: bring(next(it2)), n=len(ws))
    c = Client()
    o = os_[0][0]
    p = o.payments.get()
    cpu("return", lambda: c.get(f"/commande/{o.token}/retour/{p.pk}/"))
    cpu("page", lambda: c.get(f"/commande/{o.token}/"))
    cpu("sweep1", sweep, n=1)
    cpu("sweep", sweep, n=5)
    cpu("items", attention.items)

    def trunc():
        with connection.cursor() as cur:
            cur.execute(
                "TRUNCATE orders_order, orders_product, orders_shippingmethod, orders_orderline, orders_timelineentry, payments_payment, payments_refund, payments_dispute, payments_webhookevent, payments_letter, payments_attestation, payments_channel, django_tasks_db_dbtaskresult CASCADE"
            )

    cpu("truncate", trunc, n=5)

    def one():
        psps.reset()
        trunc()
        o, p = paid(psps, "card")
        sweep()

    cpu("one", one, n=5)
    print(connection.queries_log)
