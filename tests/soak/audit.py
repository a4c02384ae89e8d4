"""Compare the shop's books with the PSPs', once everything is at rest; every sentence that comes out is a violation.

Money     every centime at a PSP is an effective order's, went back, or is named by an item of the staff's list
Orders    none is effective without its money, none is still open
Stock     what there was at first is what is left and what orders hold
Letters   none is missing, and none came twice, unless a kill fell between sending and noting
Papers    every order that was effective has its attestation, the numbers have no gap, the timeline tells of it
Words     who was told that the payment is accepted has, or had, an effective order
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.message import EmailMessage

from django.db.models import Count, Exists, F, Max, OuterRef, Sum

from orders.models import Order, OrderLine, Product, TimelineEntry
from payments import attention
from payments.letters import message_id
from payments.models import Attestation, Dispute, Letter, Payment, Refund
from tests.sandbox.books import Books
from tests.sandbox.client import Json
from tests.sandbox.mailbox import parsed

SECONDS_AROUND_A_KILL = 5.0
"""How far from a kill a mail may have been sent whose noting the kill prevented."""
OF_MONEY_HERE = {
    "mismatch",
    "gone",
    "second",
    "late",
    "means",
    "refund_failed",
    "proposed",
    "dispute",
    "written_off",
}
"""The items that speak of money which is here and settles nothing."""
OF_MONEY_UNHEARD = {"unannounced", "unapplied"}
"""The items that speak of money of which no message could be applied."""
GOES_BACK = (Letter.Kind.LATE_REFUNDED, Letter.Kind.SURPLUS_REFUNDED)
"""Who got one of these about a refund knows that his money goes back by it, and gets no other letter of it."""


@dataclass(frozen=True)
class Mail:
    """One of the mailbox: its Message-ID, when it came (Unix seconds), to whom, and whether with an attestation."""

    id: str
    at: float
    to: str
    has_attestation: bool

    @classmethod
    def of(cls, message: EmailMessage, at: float) -> "Mail":
        names = [part.get_filename() or "" for part in message.iter_attachments()]
        attested = any(name.startswith(f"{Attestation.Series.ATTESTATION}-") for name in names)
        return cls(str(message["Message-ID"]), at, str(message["To"]), attested)


def kept(books: Books) -> list[Mail]:
    """What the mailbox holds, oldest first."""
    return [Mail.of(parsed(mail), mail["at"]) for mail in books.walk("mail", newest_first=False)]


@dataclass(frozen=True)
class Witness:
    """What others than the shop know: the PSPs' statement, the mailbox (oldest first), the stock that there was at
    first by SKU, the tokens of orders that were called paid, and the moments (Unix) at which a part was killed that
    sends, takes or notes mails."""

    rows: list[Json]
    mails: list[Mail]
    stock: Mapping[str, int]
    told: Collection[str] = ()
    kills: Collection[float] = ()


def violations(seen: Witness) -> list[str]:
    """Everything in the shop's rows that does not fit what others know."""
    return [
        *_money(seen.rows),
        *_effective(seen.rows),
        *_open(),
        *_stock(seen.stock),
        *_letters(seen.mails, seen.kills),
        *_papers(),
        *_words(seen.told),
    ]


# Money ---------------------------------------------------------------------------------------------------------------


def _money(rows: list[Json]) -> Iterator[str]:
    payments = {str(payment.pk): payment for payment in Payment.objects.select_related("order")}
    for row in rows:
        if not row["received"]:
            continue
        payment = payments.get(row["reference"])
        if payment is None:
            yield f"{row['page']}: {row['received']} came for no payment of the shop"
        else:
            yield from _of_payment(row, payment)


def _of_payment(row: Json, payment: Payment) -> Iterator[str]:
    name = f"{payment.order.number}, payment {payment.pk}"
    kept = row["received"] - row["refunded"] - row["refunding"] - row["disputed"]
    if payment.status != Payment.Status.AUTHORISED:
        if kept and not _is_named(payment, OF_MONEY_UNHEARD):
            yield f"{name}: {kept} kept at the PSP, the payment is {payment.status}, and no item names it"
        return
    if payment.received_amount != row["received"] and not _is_named(payment, OF_MONEY_HERE):
        yield f"{name}: the shop says {payment.received_amount} came, the PSP {row['received']}"
    yield from _back(name, row, payment)
    if payment.settles and payment.order.status == Order.Status.EFFECTIVE:
        return
    if kept and not _is_named(payment, OF_MONEY_HERE):
        yield f"{name}: {kept} kept, the order is {payment.order.status}, and no item names it"


def _back(name: str, row: Json, payment: Payment) -> Iterator[str]:
    """Refunds and disputes, sum by sum."""
    for status, there in ((Refund.Status.SUCCEEDED, row["refunded"]), (Refund.Status.REQUESTED, row["refunding"])):
        here = payment.refunds.filter(status=status).aggregate(sum=Sum("amount"))["sum"] or 0
        if here != there:
            yield f"{name}: refunds {status} of {here} here, of {there} at the PSP"
    lost = payment.disputes.filter(status=Dispute.Status.LOST).aggregate(sum=Sum("amount"))["sum"] or 0
    if lost < _reversed(row):
        yield f"{name}: {_reversed(row)} reversed at the PSP, {lost} known as lost here"
    known = dict(payment.disputes.values_list("reference", "status"))
    for dispute in row["disputes"]:
        if dispute["id"] not in known:
            yield f"{name}: the dispute {dispute['id']} is not here"
        elif (known[dispute["id"]] == Dispute.Status.OPEN) != _is_open(dispute):
            yield f"{name}: the dispute {dispute['id']} is {known[dispute['id']]} here, {dispute['status']} there"


def _reversed(row: Json) -> int:
    """Centimes that PayPal took back for good; of a dispute that it decided, too."""
    if row["psp"] != "paypal":
        return 0
    held: int = sum(one["amount"] for one in row["disputes"] if one["status"] != "RESOLVED")
    return int(row["disputed"]) - held


def _is_open(dispute: Json) -> bool:
    return dispute["status"] not in ("RESOLVED", "won", "lost", "warning_closed", "prevented")


def _is_named(payment: Payment, kinds: set[str]) -> bool:
    if any(item.kind in kinds for item in attention.items(order=payment.order)):
        return True
    # What cannot be applied stands on the whole list only.
    return any(item.kind in kinds and item.order == payment.order for item in attention.items() if item.order)


# Orders --------------------------------------------------------------------------------------------------------------


def _effective(rows: list[Json]) -> Iterator[str]:
    """An effective order has one settling payment, and the PSP has its money, or had it until a dispute took it."""
    at_psp = {row["reference"]: row for row in rows}
    for order in Order.objects.filter(status=Order.Status.EFFECTIVE).prefetch_related("payments"):
        settling = [payment for payment in order.payments.all() if payment.settles]
        if len(settling) != 1:
            yield f"{order.number}: effective with {len(settling)} settling payments"
            continue
        row = at_psp.get(str(settling[0].pk))
        if row is None or (row["received"], row["currency"]) != (order.total, order.currency):
            yield f"{order.number}: effective for {order.total}, the PSP has {row and row['received']}"
        elif row["received"] <= row["refunded"]:
            yield f"{order.number}: effective although its money went back"


def _open() -> Iterator[str]:
    """At rest nothing waits, but for what a person was told of."""
    for order in Order.objects.filter(status=Order.Status.PENDING):
        if not attention.items(order=order):
            yield f"{order.number}: still pending, and no item names it"
    for payment in Payment.objects.filter(status=Payment.Status.STARTED).select_related("order"):
        if not attention.items(order=payment.order):
            yield f"{payment.order.number}: payment {payment.pk} is still started, and no item names it"


# Stock ---------------------------------------------------------------------------------------------------------------


def _stock(stock: Mapping[str, int]) -> Iterator[str]:
    held = dict(
        OrderLine.objects.filter(order__holds_stock=True)
        .values_list("product__sku")
        .annotate(held=Sum("quantity"))
        .order_by()
    )
    for sku, left in Product.objects.filter(sku__in=stock).values_list("sku", "stock"):
        if left + held.get(sku, 0) != stock[sku]:
            yield f"{sku}: {stock[sku]} at first, {left} left and {held.get(sku, 0)} held"
    for order in Order.objects.filter(holds_stock=False).exclude(status=Order.Status.CANCELLED):
        # Staff may take goods back with a part of the money: then a refund says so.
        if not Refund.objects.filter(payment__order=order, goods_returned=True).exists():
            yield f"{order.number}: {order.status}, but it holds no goods"
    for order in Order.objects.filter(holds_stock=True, status=Order.Status.CANCELLED):
        if order.cancel_reason != Order.CancelReason.REFUNDED:
            yield f"{order.number}: cancelled ({order.cancel_reason}), but it still holds goods"


# Letters -------------------------------------------------------------------------------------------------------------


def _letters(mails: list[Mail], kills: Collection[float]) -> Iterator[str]:
    sent: dict[str, list[Mail]] = defaultdict(list)
    for mail in mails:
        sent[mail.id].append(mail)
    yield from _missing(set(sent))
    for id, same in sent.items():
        for mail in same[:-1]:
            if not any(abs(mail.at - kill) < SECONDS_AROUND_A_KILL for kill in kills):
                yield f"{id}: sent {len(same)} times, and nothing was killed about the time"
    yield from _too_many_confirmations([same[0] for same in sent.values()])


def _too_many_confirmations(mails: Iterable[Mail]) -> Iterator[str]:
    """As many different ones as orders that became effective, whatever the rows say."""
    paid = Counter(Order.objects.filter(effective_at__isnull=False).values_list("email", flat=True))
    confirmed = Counter(mail.to for mail in mails if mail.has_attestation)
    for email, count in confirmed.items():
        if count > paid[email]:
            yield f"{email}: {count} confirmations for {paid[email]} effective orders"


def _missing(sent: set[str]) -> Iterator[str]:
    letters = list(Letter.objects.select_related("order"))
    for letter in letters:
        if letter.sent_at is None:
            yield f"{letter.order.number}: the letter {letter.kind} was not sent after {letter.tries} tries"
        elif message_id(letter) not in sent:
            yield f"{letter.order.number}: the letter {letter.kind} is noted as sent, but never came"
    yield from _unwritten({(letter.order_id, letter.kind, letter.about) for letter in letters})


def _unwritten(written: set[tuple[int, str, str]]) -> Iterator[str]:
    """The letters that the money itself calls for."""
    for payment in Payment.objects.filter(status=Payment.Status.AUTHORISED).select_related("order"):
        order = payment.order
        # Of money that has all gone back before the mail could leave, the refund's own letter tells.
        is_kept = order.status == Order.Status.EFFECTIVE
        if payment.settles and is_kept and (order.pk, Letter.Kind.CONFIRMATION, str(payment.pk)) not in written:
            yield f"{order.number}: no confirmation was ever written"
        for refund in payment.refunds.filter(status=Refund.Status.SUCCEEDED):
            if not any((order.pk, kind, str(refund.pk)) in written for kind in (*GOES_BACK, Letter.Kind.REFUNDED)):
                yield f"{order.number}: no letter of the refund {refund.pk} was ever written"


# Papers --------------------------------------------------------------------------------------------------------------


def _papers() -> Iterator[str]:
    for order in Order.objects.filter(effective_at__isnull=False, attestation=None):
        yield f"{order.number}: effective, and without an attestation"
    issued = Attestation.objects.values("series", "year").order_by().annotate(last=Max("n"), count=Count("pk"))
    for one in issued.filter(last__gt=F("count")):
        yield f"{one['series']}-{one['year']}: {one['count']} numbers were given, and the last is {one['last']}"
    told = TimelineEntry.objects.filter(order=OuterRef("pk"))
    became = told.filter(kind__in=[TimelineEntry.Kind.EFFECTIVE, TimelineEntry.Kind.REVIVED])
    for order in Order.objects.filter(~Exists(became), effective_at__isnull=False):
        yield f"{order.number}: it became effective, and its timeline does not say so"
    for order in Order.objects.filter(~Exists(told.filter(kind=TimelineEntry.Kind.CANCELLED)), status="cancelled"):
        yield f"{order.number}: it was cancelled, and its timeline does not say so"


# Words ---------------------------------------------------------------------------------------------------------------


def _words(told: Collection[str]) -> Iterator[str]:
    for order in Order.objects.filter(token__in=told, effective_at=None):
        yield f"{order.number}: its customer was told that it is paid, and it never was"
