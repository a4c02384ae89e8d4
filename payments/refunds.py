"""Money back: asked for by staff or by the shop itself, carried out at the PSP, settled by the PSP's message.

A refund is a row first, then a task, then the PSP's message. What is made at the PSP's dashboard comes in by the same
messages and becomes a row too.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Case, F, Sum, When
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django_tasks import task

from orders.models import Order, TimelineEntry
from orders.money import format_chf
from orders.moves import end, hold, hold_as_seen, hold_goods, put_back, tell
from orders.vat import pro_rata, tax_included
from payments.attestation import note_change
from payments.gateways import gateway
from payments.gateways.base import MadeRefund, RefundNotice, RefundState, Refused, Replayed, Unreachable
from payments.letters import due
from payments.models import Dispute, Letter, Method, Payment, Refund, SetAside, WebhookEvent

log = logging.getLogger(__name__)
Actor = TimelineEntry.Actor
Told = TimelineEntry.Kind
Status = Refund.Status

TWINT_DAYS = timedelta(days=180)
"""After that long TWINT gives nothing back (docs.stripe.com/payments/twint)."""
KEY_LIFE = {"stripe": timedelta(hours=20), "paypal": timedelta(days=40)}
"""For how long a PSP is trusted to know an idempotency key again."""
AGAIN = timedelta(minutes=5)
TOLD_BEFORE = (Letter.Kind.SURPLUS_REFUNDED, Letter.Kind.LATE_REFUNDED)
"""Who got one of these about a refund knows that his money goes back by it."""
READ_AFTER = timedelta(hours=24)
"""A refund that the PSP has accepted and told nothing more about is read live after that long."""


class NotRefundable(Exception):
    """The refund may not be asked for; `sentence` says why, in the language in use."""

    def __init__(self, sentence: object) -> None:
        super().__init__(str(sentence))
        self.sentence = str(sentence)


@dataclass(frozen=True)
class Wanted:
    """What is to be given back: an amount of centimes, for the whole pro rata or for some pieces of some lines."""

    amount: int
    reason: str
    pieces: dict[int, int] = field(default_factory=dict)
    """Order line id → quantity, when the refund is for these pieces."""
    goods_back: bool = False
    """Whether the pieces (all, when none are named) return to the stock once the money went back."""
    instead_of: UUID | None = None
    """The refund of the same payment that failed, in whose place this one goes."""


def ask(payment_id: UUID, wanted: Wanted, by: User | None = None, seen: str | None = None) -> Refund:
    """Ask for a refund of a payment; a task carries it out, or first a second person releases it. `by` is None when the
    shop itself asks, `seen` the order's journal as `by` saw it.

    Raises NotRefundable with the reason: nothing to refund, too much, disputed, too late for TWINT, in the place of
    what did not fail or is dealt with already. Raises Meanwhile.
    """
    with transaction.atomic():
        order = hold_as_seen(Payment.objects.values_list("order_id", flat=True).get(pk=payment_id), seen)
        payment = order.payments.get(pk=payment_id)
        refuse_what_cannot_be(order, payment, wanted)
        return write(order, payment, wanted, by)


def needs_two(payment: Payment, amount: int) -> bool:
    """Whether a second person has to release what a person asks to be given back: it, and what was given of the same
    payment without a second person, are above the limit together. Exact only while the caller holds the Order row."""
    alone = payment.refunds.filter(requested_by__isnull=False, released_by__isnull=True).exclude(status=Status.FAILED)
    given = alone.exclude(status=Status.PROPOSED).aggregate(sum=Sum("amount"))["sum"] or 0
    return bool(given + amount > settings.REFUND_FOUR_EYES_ABOVE)


def release(refund_id: UUID, by: User, seen: str | None = None) -> Refund:
    """PROPOSED → REQUESTED, by another person than who proposed it; a task carries it out.

    Raises NotRefundable, Meanwhile.
    """
    with transaction.atomic():
        order = hold_as_seen(_order_of(refund_id), seen)
        refund = _proposed(refund_id)
        if refund.requested_by == by:
            raise NotRefundable(_("Another person must release it than who proposed it."))
        refuse_by_its_payment(refund.payment)
        moved = Refund.objects.filter(pk=refund.pk, status=Status.PROPOSED)
        # Requested now: until the PSP knows it, its age says how long it has been due.
        moved.update(status=Status.REQUESTED, released_by=by, created_at=now(), next_try_at=now() + AGAIN)
        proposer = refund.requested_by.get_username() if refund.requested_by else ""
        facts = {"amount": refund.printed, "proposer": proposer}
        tell(order, Told.REFUND_RELEASED, Actor.STAFF, by.get_username(), **facts)
        _set_off(refund)
    return refund


def turn_down(refund_id: UUID, by: User, reason: str, seen: str | None = None) -> None:
    """Delete a proposal, by its proposer or another person. No money ever was on its way: the timeline keeps the rest.

    Raises NotRefundable, Meanwhile.
    """
    with transaction.atomic():
        order = hold_as_seen(_order_of(refund_id), seen)
        refund = _proposed(refund_id)
        tell(order, Told.REFUND_TURNED_DOWN, Actor.STAFF, by.get_username(), amount=refund.printed, reason=reason)
        refund.delete()


def _order_of(refund_id: UUID) -> int:
    order = Payment.objects.filter(refunds__pk=refund_id).values_list("order_id", flat=True).first()
    if order is None:
        raise NotRefundable(_("It was decided on meanwhile."))
    return order


def _proposed(refund_id: UUID) -> Refund:
    refund = Refund.objects.select_related("payment", "requested_by").filter(pk=refund_id).first()
    if refund is None or refund.status != Status.PROPOSED:
        raise NotRefundable(_("It was decided on meanwhile."))
    return refund


def write(order: Order, payment: Payment, wanted: Wanted, by: User | None) -> Refund:
    """Write the row and let a task carry it out, in the caller's transaction, which holds the order.

    What a person asks above the limit is proposed only.
    """
    proposed = by is not None and needs_two(payment, wanted.amount)
    refund = Refund.objects.create(
        status=Status.PROPOSED if proposed else Status.REQUESTED,
        payment=payment,
        amount=wanted.amount,
        reason=wanted.reason,
        lines=[{"line": line, "quantity": quantity} for line, quantity in sorted(wanted.pieces.items())],
        vat=_vat_of(order, payment, wanted.amount, wanted.pieces),
        goods_back=wanted.goods_back,
        requested_by=by,
        instead_of_id=wanted.instead_of,
        next_try_at=None if proposed else now() + AGAIN,
    )
    tell(
        order,
        Told.REFUND_PROPOSED if proposed else Told.REFUND_REQUESTED,
        Actor.STAFF if by else Actor.SYSTEM,
        by.get_username() if by else "",
        amount=refund.printed,
        reason=refund.reason,
    )
    if not proposed:
        _set_off(refund)
    return refund


def _set_off(refund: Refund) -> None:
    """Let a task carry it out; where it is all that was left of the payment, the parcel stays here."""
    if not refund.payment.refundable():
        note_change(refund.payment)
    carry_out_soon.enqueue(str(refund.pk))


def refuse_what_cannot_be(order: Order, payment: Payment, wanted: Wanted) -> None:
    """Raises NotRefundable. What it says is sure only while the caller holds the order."""
    if payment.status != Payment.Status.AUTHORISED or payment.authorised_at is None:
        raise NotRefundable(_("No money has come with this payment."))
    left = payment.refundable()
    if left < 1:
        raise NotRefundable(_("Nothing is left of this payment that could be refunded."))
    if wanted.amount < 1:
        raise NotRefundable(_("The amount must be above zero."))
    if wanted.amount > left:
        raise NotRefundable(_("At most %(left)s can still be refunded.") % {"left": payment.printed(left)})
    if wanted.goods_back and not payment.settles:
        raise NotRefundable(_("This payment did not settle the order: its goods stay where they are."))
    if wanted.goods_back and not wanted.pieces and wanted.amount < left:
        raise NotRefundable(_("Name the pieces that come back: this refund leaves a part of the order paid."))
    _refuse_pieces_that_are_not_left(order, payment, wanted)
    if wanted.instead_of:
        _refuse_a_place_that_is_not_free(payment, wanted.instead_of, wanted.amount)
    refuse_by_its_payment(payment)


def refuse_by_its_payment(payment: Payment) -> None:
    """Raises NotRefundable where a payment can give nothing back now."""
    if payment.disputes.filter(status=Dispute.Status.OPEN).exists():
        raise NotRefundable(_("The payment is disputed: the refund waits for the end of the dispute."))
    if payment.method == Method.TWINT and payment.authorised_at and now() - payment.authorised_at > TWINT_DAYS:
        raise NotRefundable(_("TWINT refunds payments for 180 days only: agree on another way with the customer."))


def _refuse_pieces_that_are_not_left(order: Order, payment: Payment, wanted: Wanted) -> None:
    """Pieces are sold once and given back once, for their price at most: the notices name them."""
    given = Counter[int]()
    for refund in payment.refunds.exclude(status=Status.FAILED):
        given.update(refund.pieces)
    lines = {line.pk: line for line in order.lines.filter(pk__in=wanted.pieces)}
    left = {pk: line.quantity - given[pk] for pk, line in lines.items()}
    if any(not 1 <= quantity <= left.get(line, 0) for line, quantity in wanted.pieces.items()):
        raise NotRefundable(_("The order has no such pieces left to be refunded."))
    price = sum(lines[line].unit_price * quantity for line, quantity in wanted.pieces.items())
    if wanted.pieces and wanted.amount > price:
        raise NotRefundable(
            _("These pieces cost %(price)s: give more back without naming them.") % {"price": format_chf(price)}
        )


def _refuse_a_place_that_is_not_free(payment: Payment, instead_of: UUID, amount: int) -> None:
    """A refund that failed is asked for again once, and for no less than is left of it: that ends its item."""
    failed = payment.refunds.filter(pk=instead_of, status=Status.FAILED).first()
    if failed is None:
        raise NotRefundable(_("The refund in whose place it would go is not of this payment, or did not fail."))
    closed = SetAside.objects.filter(kind=SetAside.Kind.REFUND_FAILED, about=failed.pk).exists()
    if closed or payment.refunds.filter(instead_of=failed).exists():
        raise NotRefundable(
            _("The refund that failed is dealt with: another was asked for in its place, or it was set aside.")
        )
    owed = min(failed.amount, payment.refundable())
    if amount < owed:
        raise NotRefundable(
            _("In its place go at least %(owed)s: give less without naming it.") % {"owed": payment.printed(owed)}
        )


def _vat_of(order: Order, payment: Payment, amount: int, pieces: dict[int, int]) -> list[dict[str, object]]:
    """The refund's base and tax per rate: of its pieces, or pro rata of what the refunds before it left of the order.

    The refunds of a whole order add up to its VAT, to the centime. Money that settled nothing was for no supply, and
    has no VAT (LTVA art. 18).
    """
    if not payment.settles:
        return []
    sold = {share.rate: share.base + share.tax for share in order.vat_shares}
    gross, tax = _refunded_per_rate(payment)
    left = {rate: max(sold[rate] - gross[rate], 0) for rate in sold}
    weights = Counter[Decimal]()
    for line in order.lines.filter(pk__in=pieces):
        weights[line.vat_rate] += line.unit_price * pieces[line.pk]
    parts = _within(amount, weights or left, left) if amount <= sum(left.values()) else pro_rata(amount, sold)
    vat = []
    for rate, part in sorted(parts.items(), reverse=True):
        # Rounded over all refunds together, so that their odd centimes do not add up.
        own = min(max(tax_included(gross[rate] + part, rate) - tax[rate], 0), part)
        vat.append({"rate": f"{rate.normalize():f}", "base": part - own, "tax": own})
    return vat


def _within(amount: int, weights: Mapping[Decimal, int], left: Mapping[Decimal, int]) -> dict[Decimal, int]:
    """Split an amount by weights, of no rate more than is left of it: what goes beyond falls to the other rates."""
    parts = {rate: min(part, left[rate]) for rate, part in pro_rata(amount, weights).items()}
    beyond = amount - sum(parts.values())
    if beyond:
        rest = {rate: left[rate] - parts.get(rate, 0) for rate in left}
        for rate, part in pro_rata(beyond, rest).items():
            parts[rate] = parts.get(rate, 0) + part
    return {rate: part for rate, part in parts.items() if part}


def _refunded_per_rate(payment: Payment) -> tuple[Counter[Decimal], Counter[Decimal]]:
    """Gross and tax, by rate, of the refunds that went or are on their way."""
    gross, tax = Counter[Decimal](), Counter[Decimal]()
    for refund in payment.refunds.exclude(status=Status.FAILED):
        for share in refund.vat:
            gross[Decimal(share["rate"])] += share["base"] + share["tax"]
            tax[Decimal(share["rate"])] += share["tax"]
    return gross, tax


# Out ----------------------------------------------------------------------------------------------------------------


def carry_out(refund_id: UUID | str) -> str:
    """Have the PSP make a refund that was asked for; returns what came of it, in a word. Nothing once it has taken it.

    May be called as often as one likes: the key that goes along makes the PSP give once.
    """
    refund = _claim(refund_id)
    if refund is None:
        return "not due"
    psp = gateway(refund.payment.provider)
    try:
        made = psp.find_refund(refund) if _key_is_old(refund) else None
        if made is None:
            made = psp.refund(refund, _key(refund))
    except Replayed:
        _spend_key(refund)
        return "unknown"
    except Unreachable:
        log.warning("A PSP did not answer a refund", extra={"order": refund.payment.order.number})
        return "unknown"
    except Refused as refused:
        _note(refund, None, refused.code)
        return "refused"
    _note(refund, made, "")
    return str(made.state)


def _spend_key(refund: Refund) -> None:
    """The PSP keeps repeating a failure of its own under this key: another key, unless it has the refund after all."""
    if gateway(refund.payment.provider).find_refund(refund) is None:
        spent = Refund.objects.filter(pk=refund.pk, key_number=refund.key_number)
        spent.update(key_number=refund.key_number + 1)


@task()
def carry_out_soon(refund: str) -> str:
    """`carry_out`, by a worker: the sweep does it too, later.

    Once the PSP may have forgotten the key, by the sweep alone: its claim keeps two from looking and giving at once.
    """
    if _key_is_old(Refund.objects.select_related("payment").get(pk=refund)):
        return "left to the sweep"
    return carry_out(refund)


@transaction.atomic
def _claim(refund_id: UUID | str) -> Refund | None:
    hold(payments__refunds__pk=refund_id)
    refund = Refund.objects.select_related("payment__order").get(pk=refund_id)
    if refund.status != Status.REQUESTED or refund.reference:
        return None
    if refund.payment.disputes.filter(status=Dispute.Status.OPEN).exists():
        # The PSP would refuse it, and a dispute that is lost takes the money by itself.
        Refund.objects.filter(pk=refund.pk).update(next_try_at=Now() + READ_AFTER)
        return None
    if _key_is_old(refund):
        # The PSP may have forgotten the key: it is asked for our id first, and only then, with another key, to give.
        refund.key_number += 1
        Refund.objects.filter(pk=refund.pk).update(key_number=refund.key_number)
    Refund.objects.filter(pk=refund.pk).update(next_try_at=Now() + AGAIN)
    return refund


def _key(refund: Refund) -> str:
    return f"{refund.pk}-{refund.key_number}" if refund.key_number else str(refund.pk)


def _key_is_old(refund: Refund) -> bool:
    return now() - refund.created_at > KEY_LIFE[refund.payment.provider]


@transaction.atomic
def _note(refund: Refund, made: MadeRefund | None, refusal: str) -> None:
    """Keep what our call was told. Success is believed to the PSP's message alone."""
    order = hold(payments__refunds__pk=refund.pk)
    if made:
        refund.reference = made.reference
        Refund.objects.filter(pk=refund.pk, reference__isnull=True).update(
            reference=made.reference, next_try_at=Now() + READ_AFTER
        )
    refused = refusal or (made and made.state == RefundState.FAILED)
    if refused and _move(refund, [Status.REQUESTED], Status.FAILED, refusal=refusal[:60]):
        _raise_failure(order, refund)


# In -----------------------------------------------------------------------------------------------------------------


def settle(event: WebhookEvent, order: Order, payment: Payment, notice: RefundNotice) -> str:
    """Apply the PSP's word about a refund, in the inbox's transaction; returns the outcome in a sentence."""
    refund = _meant(payment, notice) or _found(order, payment, notice)
    match notice.state:
        case RefundState.SUCCEEDED:
            before = [Status.PROPOSED, Status.REQUESTED, Status.FAILED]
            if not _move(refund, before, Status.SUCCEEDED, event=event, reference=notice.reference):
                return gettext_noop("This refund is already here")
            tell(order, Told.REFUND_SUCCEEDED, Actor.BANK, amount=refund.printed)
            note_change(payment)
            _return_goods(order, refund)
            if payment.settles and payment.refunded() >= payment.amount:
                end(order, Order.CancelReason.REFUNDED, Actor.BANK)
            if not Letter.objects.filter(order=order, kind__in=TOLD_BEFORE, about=refund.pk).exists():
                due(order, Letter.Kind.REFUNDED, about=refund.pk)
            return gettext_noop("Refunded")
        case RefundState.FAILED:
            before = [Status.PROPOSED, Status.REQUESTED, Status.SUCCEEDED]
            note_change(payment)
            if not _move(refund, before, Status.FAILED, event=event, reference=notice.reference):
                return gettext_noop("This failure is already here")
            _raise_failure(order, refund)
            return gettext_noop("The refund failed")
        case RefundState.PENDING:
            Refund.objects.filter(pk=refund.pk, status=Status.REQUESTED).update(
                reference=refund.reference or notice.reference, next_try_at=Now() + READ_AFTER
            )
            return gettext_noop("The refund is on its way")


def _raise_failure(order: Order, refund: Refund) -> None:
    """Tell the timeline and staff that money which was to go back has not."""
    told = tell(order, Told.REFUND_FAILED, Actor.BANK, amount=refund.printed)
    due(order, Letter.Kind.TO_STAFF, about=told.pk)
    # What somebody may have set aside was an earlier failure of it.
    SetAside.objects.filter(kind=SetAside.Kind.REFUND_FAILED, about=refund.pk).delete()


def _meant(payment: Payment, notice: RefundNotice) -> Refund | None:
    """Ours by the id that it carries, else by its reference."""
    refunds = payment.refunds.select_for_update(no_key=True)
    if notice.refund_id and (refund := refunds.filter(pk=notice.refund_id).first()):
        return refund
    return refunds.filter(reference=notice.reference).first()


def _found(order: Order, payment: Payment, notice: RefundNotice) -> Refund:
    """A refund that was made at the PSP's dashboard: it always gets in, however the sums stand."""
    amount = notice.amount or payment.received_amount or payment.amount
    tell(order, Told.REFUND_FOUND, Actor.BANK, amount=payment.printed(amount))
    return Refund.objects.create(
        payment=payment,
        amount=amount,
        reason="",
        vat=_vat_of(order, payment, amount, {}),
        reference=notice.reference,
        next_try_at=now() + READ_AFTER,
    )


def _move(
    refund: Refund,
    before: Iterable[str],
    after: str,
    *,
    event: WebhookEvent | None = None,
    reference: str | None = None,
    refusal: str = "",
) -> bool:
    moved = Refund.objects.filter(pk=refund.pk, status__in=list(before)).update(
        status=after,
        settled_by=event,
        # What a paper says stays: a notice that was given out names the moment, whatever bounces later.
        settled_at=Case(When(numbered=True, then=F("settled_at")), default=now()),
        reference=refund.reference or reference,
        refusal=refusal,
        next_try_at=None,
    )
    if moved:
        refund.status = after
    return bool(moved)


def _return_goods(order: Order, refund: Refund) -> None:
    """Put the refund's pieces back into the stock, once and no more than is out, whatever bounces later."""
    if not refund.goods_back or not order.holds_stock:
        return
    hold_goods(order)
    out = _what_is_out(order)
    if not Refund.objects.filter(pk=refund.pk, goods_returned=False).update(goods_returned=True):
        return
    if refund.lines:
        _put_back(order, {line: min(quantity, out[line]) for line, quantity in refund.pieces.items()})
    else:
        return_what_is_out(order)


def return_what_is_out(order: Order) -> None:
    """Put all goods of an order back into the stock that are not there again already; the caller holds the order."""
    if order.holds_stock:
        hold_goods(order)
        _put_back(order, _what_is_out(order))
        Order.objects.filter(pk=order.pk).update(holds_stock=False)
        order.holds_stock = False


def _what_is_out(order: Order) -> dict[int, int]:
    """Order line id → pieces that no refund has brought back."""
    out = Counter(dict(order.lines.values_list("pk", "quantity")))
    for refund in Refund.objects.filter(payment__order=order, goods_returned=True):
        out.subtract(refund.pieces)
    return out


def _put_back(order: Order, pieces: Mapping[int, int]) -> None:
    products = dict(order.lines.values_list("pk", "product_id"))
    put_back({products[line]: quantity for line, quantity in pieces.items() if quantity > 0})
