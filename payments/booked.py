"""The lines of a PSP's account, each with the payment or refund of ours that it belongs to. Nothing of them is kept."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar
from uuid import UUID

from django.db.models import Q

from payments.gateways import gateway
from payments.gateways.base import Entry, Move
from payments.models import Payment, Provider, Refund

BATCH = 500
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Line:
    """A line and its rows. `payment` has its order; both are None for what is not of this shop."""

    entry: Entry
    payment: Payment | None = None
    refund: Refund | None = None

    @property
    def is_ours(self) -> bool:
        """Whether the shop knows the money, or the line carries its mark: other shops may use the same account."""
        return any((self.payment, self.refund, self.entry.payment_id, self.entry.refund_id))


def contents(provider: Provider, payout: str) -> Iterator[Line]:
    """What an automatic payout holds, line by line; nothing where the PSP does not tell. Raises Unreachable."""
    return lines(provider, gateway(provider).contents(payout))


def lines(provider: Provider, entries: Iterable[Entry]) -> Iterator[Line]:
    """The entries as they come, with their rows; so many at a time are in memory."""
    for batch in batches(entries):
        yield from _with_rows(provider, batch)


def batches(things: Iterable[Thing]) -> Iterator[list[Thing]]:
    rest = iter(things)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _with_rows(provider: Provider, entries: list[Entry]) -> Iterator[Line]:
    by_money, by_id = _payments(provider, entries)
    refunds = _refunds(provider, entries, by_money)
    for entry in entries:
        money = entry.money_reference or ""
        payment = by_money.get(money) or (by_id.get(entry.payment_id) if entry.payment_id else None)
        refund = refunds.get(entry.reference or "") or refunds.get(str(entry.refund_id))
        bounced = refunds.get(money) if entry.move == Move.DISPUTE and money not in by_money else None
        if bounced:
            # PayPal books what comes back of a refund as a reversal of that refund.
            yield Line(replace(entry, move=Move.REFUND), bounced.payment, bounced)
        elif entry.move == Move.REFUND and refund:
            yield Line(entry, refund.payment, refund)
        else:
            yield Line(entry, payment)


def _payments(provider: Provider, entries: list[Entry]) -> tuple[dict[str, Payment], dict[UUID, Payment]]:
    money = {entry.money_reference for entry in entries if entry.money_reference}
    marks = {entry.payment_id for entry in entries if entry.payment_id}
    payments = list(
        Payment.objects.filter(Q(money_reference__in=money) | Q(pk__in=marks), provider=provider).select_related(
            "order"
        )
    )
    return {one.money_reference: one for one in payments if one.money_reference}, {one.pk: one for one in payments}


def _refunds(provider: Provider, entries: list[Entry], payments: dict[str, Payment]) -> dict[str, Refund]:
    """By their reference at the PSP and by our id."""
    given = {entry.reference for entry in entries if entry.move == Move.REFUND and entry.reference}
    bounced = {
        entry.money_reference
        for entry in entries
        if entry.move == Move.DISPUTE and entry.money_reference and entry.money_reference not in payments
    }
    marks = {entry.refund_id for entry in entries if entry.refund_id}
    refunds = Refund.objects.filter(
        Q(reference__in=given | bounced) | Q(pk__in=marks), payment__provider=provider
    ).select_related("payment__order")
    found: dict[str, Refund] = {}
    for refund in refunds if given or bounced or marks else []:
        found |= {str(refund.pk): refund, refund.reference or str(refund.pk): refund}
    return found
