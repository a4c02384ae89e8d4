"""Whether a paper is one of ours: what anybody who holds it may learn, and nothing beyond what stands on it."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from orders.codes import grouped, is_valid, normalise
from orders.models import Order
from orders.money import CURRENCY
from payments.models import CODE_LENGTH, Attestation, Dispute, Payment, Refund
from payments.paper import printable


class Verdict(StrEnum):
    AUTHENTIC = "authentic"
    REFUNDED_IN_PART = "refunded_in_part"
    REFUNDED = "refunded"
    DISPUTED = "disputed"  # by the payer's bank, which has not decided yet
    TAKEN_BACK = "taken_back"  # by the payer's bank, after a dispute
    BOUNCED = "bounced"  # a refund notice whose money came back to the shop
    UNKNOWN = "unknown"
    MISTYPED = "mistyped"


@dataclass(frozen=True)
class Verification:
    """What the public page says. Amounts in centimes of `currency`; empty beside the verdict where there is no such
    paper."""

    verdict: Verdict
    code: str
    number: str = ""
    amount: int = 0
    currency: str = CURRENCY
    refunds: tuple[Refund, ...] = ()
    """What went back since, oldest first."""
    taken_back: int = 0
    """What a lost dispute took."""
    is_disputed: bool = False
    """Whether the payer's bank is examining the payment now."""
    at: datetime | None = None
    """When the bank's agreement arrived; of a refund notice, when the money went back."""
    initials: str = ""
    is_refund_notice: bool = False

    @property
    def refunded(self) -> int:
        return sum(refund.amount for refund in self.refunds)

    @property
    def left(self) -> int:
        """Centimes that stay paid after what happened since."""
        return max(self.amount - self.refunded - self.taken_back, 0)

    @property
    def printed_code(self) -> str:
        return grouped(self.code)


def code_in(typed: str) -> str:
    """The code in what somebody typed or pasted, normalised: with or without the address that is printed with it."""
    _site, address, rest = typed.lower().rpartition("/v/")
    return normalise(re.split("[/?#]", rest)[0] if address else typed)


def is_a_number(code: str) -> bool:
    """Whether a normalised code is the number of a paper instead, which says nothing about that."""
    return re.fullmatch(r"(N0)?A[PR]\d{10}", code) is not None


def verify(typed: str) -> Verification:
    """The verdict about a code as somebody typed it.

    A code is random: none can be guessed from another, or from an order. Its check character tells a slip of the
    finger from a code that was never given, so that nobody is accused of a forgery for a typing error.
    """
    code = normalise(typed[:100])
    if len(code) != CODE_LENGTH + 1 or not is_valid(code):
        return Verification(Verdict.MISTYPED, code)
    paper = Attestation.objects.select_related("order", "refund__payment__order").filter(code=code).first()
    if paper is None:
        return Verification(Verdict.UNKNOWN, code)
    return _of_refund(paper, paper.refund) if paper.refund else _of_order(paper)


def _of_order(paper: Attestation) -> Verification:
    assert paper.order is not None  # noqa: S101 - the database holds it for this series
    payment = Payment.objects.prefetch_related("disputes").get(order=paper.order, settles=True)
    refunds = tuple(payment.refunds.filter(status=Refund.Status.SUCCEEDED).order_by("settled_at"))
    found = Verification(
        Verdict.AUTHENTIC,
        paper.code,
        paper.number,
        payment.amount,
        payment.currency,
        refunds,
        payment.taken_back(),
        any(dispute.status == Dispute.Status.OPEN for dispute in payment.disputes.all()),
        payment.authorised_at,
        initials(paper.order),
    )
    return replace(found, verdict=_verdict(found))


def _verdict(found: Verification) -> Verdict:
    """Of an attestation: the gravest of what happened since."""
    if found.taken_back:
        return Verdict.TAKEN_BACK
    if found.refunded >= found.amount:
        return Verdict.REFUNDED
    if found.is_disputed:
        return Verdict.DISPUTED
    return Verdict.REFUNDED_IN_PART if found.refunded else Verdict.AUTHENTIC


def _of_refund(paper: Attestation, refund: Refund) -> Verification:
    stands = refund.status == Refund.Status.SUCCEEDED
    return Verification(
        Verdict.AUTHENTIC if stands else Verdict.BOUNCED,
        paper.code,
        paper.number,
        refund.amount,
        refund.payment.came_in,
        at=refund.settled_at,
        initials=initials(refund.payment.order),
        is_refund_notice=True,
    )


def initials(order: Order) -> str:
    """The first letters of the customer's name: enough to compare with a paper, too little to learn a name.

    As the paper can print them, whose fonts have not every letter.
    """
    words = printable(order.billing_name or order.delivery_name).split()
    letters = [word[0].upper() for word in (words if len(words) < 3 else [words[0], words[-1]])]
    return printable(" ".join(f"{letter}." for letter in letters))
