"""What the shop asks of a PSP, in the shop's words. A gateway knows no model: it reads a payment's attributes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol
from uuid import UUID


class GatewayError(Exception):
    """Something went wrong at a PSP: BadSignature, Refused, Declined or Unreachable.

    BadSignature   the message is not the PSP's
    Refused        the PSP said no, definitely: asking again gives the same answer
    Declined       a capture only: the customer must go back to the same page, to choose or to confirm there
    Unreachable    nobody knows what happened: ask again
    """


class BadSignature(GatewayError):
    """The message is not proven to come from the PSP. Says nothing about what was expected."""


class Refused(GatewayError):
    """The PSP said no. `code` is its word for why, `refusal` our class of it (a value of models.Refusal)."""

    def __init__(self, code: str, refusal: str = "generic") -> None:
        super().__init__(code)
        self.code = code
        self.refusal = refusal


class Unreachable(GatewayError):
    """No definite answer: time-out, 5xx, too many requests, nonsense instead of JSON."""


class OutOfTime(Unreachable):
    """The calls took longer than they may together."""


class Unclear(Unreachable):
    """The PSP answered, but what it said cannot be acted upon: it shows no such thing, or a state unknown here."""


class NotPermitted(Unreachable):
    """The PSP knows our key or app, which may not do this: somebody has to allow it at the PSP's dashboard."""


class Replayed(Unreachable):
    """The PSP repeats what it answered when this key was used before: an error of its own, whatever came of it."""


class NotConfigured(Unclear):
    """The provider is switched off in this shop's settings: what waits for it, waits until it is back."""


class Declined(GatewayError):
    """PayPal took nothing of what the customer agreed to; on the same page she may choose another account, or confirm.

    `refusal` is our class of its reason, a value of models.Refusal.
    """

    def __init__(self, code: str, refusal: str) -> None:
        super().__init__(code)
        self.refusal = refusal


class PageState(StrEnum):
    OPEN = "open"  # the customer can pay there
    APPROVED = "approved"  # PayPal only: the customer agreed, nothing is captured
    PENDING = "pending"  # the bank has not decided yet
    PAID = "paid"  # the PSP holds the money
    DEAD = "dead"  # nobody can pay there any more


class Kind(StrEnum):
    PAID = "paid"  # the PSP holds the money
    PENDING = "pending"  # the bank has not decided yet
    APPROVED = "approved"  # PayPal only: to be captured
    FAILED = "failed"  # the PSP says that this payment failed
    EXPIRED = "expired"  # the PSP says that this page is dead
    DECLINED = "declined"  # a try failed on a page that stays open: `refusal` says why
    REFUND = "refund"  # money went back, is going back, or bounced
    DISPUTE = "dispute"  # the customer's bank asks for the money back, or the PSP took it back
    OTHER = "other"  # handled types that change nothing here


class RefundState(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class DisputeState(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"


class OrderFacts(Protocol):
    @property
    def number(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def language(self) -> str: ...


class PaymentFacts(Protocol):
    """What a gateway may read of a payment."""

    id: UUID
    method: str
    amount: int
    currency: str
    received_currency: str
    """That of the money that came; empty before."""
    page_reference: str | None
    money_reference: str | None
    expires_at: datetime

    @property
    def order(self) -> OrderFacts: ...


class RefundFacts(Protocol):
    """What a gateway may read of a refund; the amount is in centimes of the payment's currency."""

    id: UUID
    amount: int
    reference: str | None

    @property
    def payment(self) -> PaymentFacts: ...


@dataclass(frozen=True)
class MadeRefund:
    """A refund as the PSP has it now."""

    reference: str
    state: RefundState


@dataclass(frozen=True)
class RefundNotice:
    """What a message says of a refund. `refund_id` is ours; None for one made at the PSP's dashboard."""

    reference: str
    state: RefundState
    amount: int | None
    currency: str | None
    refund_id: UUID | None = None


@dataclass(frozen=True)
class DisputeNotice:
    """What a message says of a dispute. Amount in centimes of `currency`; `due_at` is when the answer is due.

    `opened_at` and `decided_at` are by the PSP's clock, where it tells them.
    """

    reference: str
    state: DisputeState
    reason: str
    amount: int | None
    due_at: datetime | None = None
    currency: str | None = None
    opened_at: datetime | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True)
class Registration:
    """Our webhook endpoint at a PSP, as it is now. A PSP tells the secret of an endpoint only when it makes it."""

    id: str
    changed: bool
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class PaymentDetails:
    """What a PSP shows live of a means of payment, for the customer's paper alone: drawn, forgotten, kept nowhere."""

    brand: str = field(default="", repr=False)
    last_digits: str = field(default="", repr=False)
    wallet: str = field(default="", repr=False)
    authorisation: str = field(default="", repr=False)
    """The bank's own code for its agreement, where it gives one."""
    account: str = field(default="", repr=False)
    """PayPal: the payer's address, all but its first letter and its host left out."""


@dataclass(frozen=True)
class Urls:
    """Where the PSP sends the customer back to: absolute addresses."""

    success: str
    cancel: str


@dataclass(frozen=True)
class HostedPage:
    """A page of the PSP. Its address is a bearer link: used at once, never kept."""

    reference: str
    url: str = field(repr=False)


@dataclass(frozen=True)
class Facts:
    """The allow-listed part of a PSP's message: all that the shop ever keeps of it."""

    event_id: str
    type: str
    livemode: bool
    api_version: str
    object: dict[str, Any]
    """Ids, amounts, currency, status and our own ids, by the PSP's own field names."""


@dataclass(frozen=True)
class Notice:
    """What a message says, in the shop's words. Amounts in centimes."""

    kind: Kind
    payment_id: UUID | None = None
    """Our id, as the PSP gives it back; None when the message does not carry our mark."""
    page_reference: str | None = None
    money_reference: str | None = None
    amount: int | None = None
    currency: str | None = None
    refusal: str = ""
    presented: str = ""
    """Of a PAID: another currency in which the customer was charged; `amount` is what the shop gets."""
    doubt: str = ""
    """Of a live PAID: what speaks against its means of payment (a value of models.Doubt)."""
    stranger: bool = False
    """Of a REFUND or DISPUTE: its money was read, and does not carry our mark: another shop's on the same account."""
    refunded: int = 0
    """Of a live PAID: how much of it the PSP says went back. PayPal tells all of it or 0, parts by their own events."""
    refund: RefundNotice | None = None
    """For REFUND; the money is named by `money_reference` or `payment_id`."""
    dispute: DisputeNotice | None = None


class Move(StrEnum):
    """Why the shop's balance at a PSP changed."""

    PAYMENT = "payment"  # a customer's money came
    REFUND = "refund"  # money went back; above zero when it bounced
    DISPUTE = "dispute"  # a bank or the PSP took money back, or holds it; above zero when it came again
    FEE = "fee"  # what the PSP takes apart from a payment
    PAYOUT = "payout"  # money left for the shop's bank account; above zero when it came back
    OTHER = "other"  # reserves, conversions, corrections


@dataclass(frozen=True)
class Entry:
    """One line of a PSP's account of our balance. Amounts in centimes of `currency`; above zero is ours."""

    id: str
    move: Move
    at: datetime
    amount: int
    """Before the fee."""
    currency: str
    fee: int = 0
    """What the PSP keeps of it; below zero when it gives a fee back."""
    money_reference: str | None = None
    """The payment's money, of which this is a part, at the PSP."""
    reference: str | None = None
    """The refund, dispute or payout itself at the PSP."""
    payment_id: UUID | None = None
    """Our id, where the line carries our mark."""
    refund_id: UUID | None = None
    automatic: bool = False
    """Of a payout: made by the PSP's own schedule, so that it can tell what it holds."""
    arrives_at: datetime | None = None
    """Of a payout: when it is expected at the shop's bank."""

    @property
    def net(self) -> int:
        """By how much the balance changed."""
        return self.amount - self.fee


class Gateway(Protocol):
    """One PSP. Every call has a deadline in seconds; none may be made inside a database transaction."""

    provider: ClassVar[str]
    api_version: ClassVar[str]
    signature_covers_body: ClassVar[bool]
    """False: a delivered notice is a hint only, and the object must be read live (PayPal signs a CRC32)."""

    def open(self, payment: PaymentFacts, urls: Urls) -> HostedPage:
        """Open the payment's page, or get it again: the payment's id is the idempotency key.

        The page is got again also where the customer has agreed and may choose otherwise: nothing is captured yet.
        Raises Refused or Unreachable.
        """

    def look(self, payment: PaymentFacts) -> PageState:
        """The state of the payment's page now. Raises Unreachable."""

    def close(self, payment: PaymentFacts) -> PageState:
        """Make the page unpayable where that can be done, and return its state afterwards. Raises Unreachable."""

    def verify(self, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        """Prove that the raw bytes come from the PSP and return the payload.

        Raises BadSignature; Unreachable when the proof itself could not be fetched.
        """

    def facts(self, payload: dict[str, Any]) -> Facts:
        """Keep the allow-listed fields of a proven payload. Raises ValueError when it is not an event."""

    def read(self, facts: Facts) -> Notice:
        """Translate facts into a notice, without any call."""

    def confirm(self, facts: Facts) -> Notice:
        """Read the object that the facts name live, and return what it says now. Raises Unreachable."""

    def refund(self, refund: RefundFacts, key: str) -> MadeRefund:
        """Give money back; the same key never gives twice. Our id goes along, so that it can be found again.

        Raises Refused with the PSP's word when it will not (disputed, too late, too much), Unreachable when nobody
        knows.
        """

    def find_refund(self, refund: RefundFacts) -> MadeRefund | None:
        """The refund that carries our id (or its reference) at the PSP, as it is now; None when there is none.

        Raises Unreachable.
        """

    def details(self, payment: PaymentFacts) -> PaymentDetails:
        """What the customer's paper shows of the means of payment, read live and kept nowhere.

        Raises Unreachable, and of it Unclear when the PSP answers and shows nothing.
        """

    def doubt(self, payment: PaymentFacts) -> str:
        """What speaks against the means of payment of money that came (a value of models.Doubt); mostly nothing.

        Messages do not say it: the charge is read live. Raises Unreachable.
        """

    def listed(self, since: datetime) -> Iterator[Facts]:
        """The handled events of the PSP's own list since then, oldest first, whether delivered or not.

        Fetched page by page while it is read. Raises Unreachable.
        """

    def reading(self, payment: PaymentFacts) -> Facts:
        """The facts of a payment that no message ever told of, to be confirmed as any. Raises Unreachable."""

    def reading_of_refund(self, refund: RefundFacts, state: RefundState) -> Facts:
        """The facts of a refund that the PSP shows in a state of which it has told nothing, to be confirmed as any."""

    def statement(self, since: datetime, until: datetime) -> Iterator[Entry]:
        """All that changed our balance at the PSP from `since` to before `until`, in no promised order.

        Fetched page by page while it is read. Raises Unreachable, and of it NotPermitted.
        """

    def listed_until(self) -> datetime:
        """Up to when `statement` is complete: PSPs book later than they tell. Raises as `statement` does."""

    def contents(self, payout: str) -> Iterator[Entry]:
        """What an automatic payout holds, itself left out; nothing where the PSP does not tell. Raises Unreachable."""

    def register(self, url: str) -> Registration:
        """Let the PSP send exactly the handled events to this address; nothing changes where it does so already.

        Raises Refused or Unreachable.
        """


class CapturingGateway(Gateway, Protocol):
    """A PSP where the customer's approval is not money yet: the shop captures it (PayPal)."""

    def capture(self, payment: PaymentFacts, n: int) -> PageState:
        """Take the approved money; `n` tells tries apart, the same `n` never takes twice.

        PAID and PENDING: the PSP's message will say so. OPEN: not approved, or not any more. Raises Declined when the
        customer must go back to the same page, Refused when the payment is over, Unreachable when
        nobody knows: then ask again with the same `n`.
        """
