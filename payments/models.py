"""Payments and what follows from them, and what the database itself guards about money."""

import uuid
from collections import Counter
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from orders.codes import grouped, new_code
from orders.models import Order
from orders.money import CURRENCY, format_money


class Provider(models.TextChoices):
    STRIPE = "stripe", "Stripe"
    PAYPAL = "paypal", "PayPal"


class Method(models.TextChoices):
    CARD = "card", _("Card")
    TWINT = "twint", "TWINT"
    PAYPAL = "paypal", "PayPal"


class Refusal(models.TextChoices):
    """Why a bank said no, in classes that a customer can act upon."""

    FUNDS = "funds", _("limit or balance")
    AUTHENTICATION = "authentication", _("verification not completed")
    DATA = "data", _("card data not recognised")
    NOT_ALLOWED = "not_allowed", _("card not allowed for this purchase")
    TECHNICAL = "technical", _("bank out of reach")
    TIMEOUT = "timeout", _("time to confirm is over")
    PAYPAL = "paypal", _("PayPal could not debit")
    OPENING = "opening", _("payment page not opened")
    GENERIC = "generic", _("not accepted by the bank")


class Doubt(models.TextChoices):
    """What speaks against the means of a payment, as its live charge shows it after the fact."""

    BRAND = "brand", _("a card of a kind that the shop does not take")
    NETWORK = "network", _("the bank's agreement was withdrawn")


UNAUTHORISED = gettext_noop("not authorised by the customer")
DUPLICATE = gettext_noop("charged twice")
NOT_RECEIVED = gettext_noop("goods not received")
NOT_AS_DESCRIBED = gettext_noop("goods not as described")
CREDIT_MISSING = gettext_noop("announced refund not received")
DISPUTE_REASONS = {
    "fraudulent": UNAUTHORISED,
    "UNAUTHORISED": UNAUTHORISED,
    "duplicate": DUPLICATE,
    "DUPLICATE_TRANSACTION": DUPLICATE,
    "product_not_received": NOT_RECEIVED,
    "MERCHANDISE_OR_SERVICE_NOT_RECEIVED": NOT_RECEIVED,
    "product_unacceptable": NOT_AS_DESCRIBED,
    "MERCHANDISE_OR_SERVICE_NOT_AS_DESCRIBED": NOT_AS_DESCRIBED,
    "credit_not_processed": CREDIT_MISSING,
    "CREDIT_NOT_PROCESSED": CREDIT_MISSING,
    "unrecognized": gettext_noop("not recognised by the customer"),
    "INCORRECT_AMOUNT": gettext_noop("wrong amount"),
    "PAYMENT_BY_OTHER_MEANS": gettext_noop("paid in another way"),
    "general": gettext_noop("no particular reason"),
    "OTHER": gettext_noop("no particular reason"),
}
"""What Stripe and PayPal call the reasons of disputes, in words (message ids)."""


LOST_CARD = gettext_noop("the card is reported lost or stolen")
NO_BALANCE = gettext_noop("the shop’s balance at the provider is not enough")
IN_DISPUTE = gettext_noop("the payment is disputed")
GONE_BEFORE = gettext_noop("all of it had gone back already")
TOO_MUCH = gettext_noop("it is more than is left of the payment")
REFUND_REFUSALS = {
    "lost_or_stolen_card": LOST_CARD,
    "expired_or_canceled_card": gettext_noop("the card has expired or was closed"),
    "declined": gettext_noop("the customer’s bank did not take it"),
    "merchant_request": gettext_noop("it was called off at the provider"),
    "insufficient_funds": NO_BALANCE,
    "balance_insufficient": NO_BALANCE,
    "REFUND_FAILED_INSUFFICIENT_FUNDS": NO_BALANCE,
    "charge_for_pending_refund_disputed": IN_DISPUTE,
    "charge_disputed": IN_DISPUTE,
    "TRANSACTION_DISPUTED": IN_DISPUTE,
    "charge_already_refunded": GONE_BEFORE,
    "CAPTURE_FULLY_REFUNDED": GONE_BEFORE,
    "amount_too_large": TOO_MUCH,
    "REFUND_AMOUNT_EXCEEDED": TOO_MUCH,
    "REFUND_TIME_LIMIT_EXCEEDED": gettext_noop("the provider refunds payments of that age no more"),
}
"""Why Stripe and PayPal make no refund, in words (message ids)."""


class Payment(models.Model):
    """One try to pay an order, on one page of a PSP.

    STARTED         → AUTHORISED   the inbox only: the PSP holds money; `settles` says whether for this order
    STARTED         → FAILED       the inbox; or capture on PayPal's definite answer, and the sweep on what a dead page
                                   says; or handoff and sweep for a page that was refused or never learnt of, and so
                                   shown to nobody
    STARTED         → EXPIRED      once the page is dead: handoff (another method), expiry, cancel, the sweep, the PSP's
                                   message
    FAILED, EXPIRED → AUTHORISED   the inbox only: late truth wins
    """

    class Status(models.TextChoices):
        STARTED = "started", _("Started")
        AUTHORISED = "authorised", _("Authorised")
        FAILED = "failed", _("Failed")
        EXPIRED = "expired", _("Closed without payment")

    class WhyNot(models.TextChoices):
        """Why money that came does not settle its order."""

        SECOND = "second", _("the order was already paid")
        LATE = "late", _("the order was cancelled")
        MISMATCH = "mismatch", _("amount or currency differ from the order's")
        MEANS = "means", _("means of payment not accepted")
        GONE = "gone", _("it had gone back already")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, models.PROTECT, related_name="payments", verbose_name=_("order"))
    method = models.CharField(_("method"), max_length=10, choices=Method)
    provider = models.CharField(_("provider"), max_length=10, choices=Provider)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.STARTED)
    settles = models.BooleanField(_("settles the order"), default=False)
    why_not = models.CharField(_("why not"), max_length=10, choices=WhyNot, blank=True)
    amount = models.PositiveIntegerField(_("amount in centimes"))
    currency = models.CharField(_("currency"), max_length=3, default=CURRENCY)
    page_reference = models.CharField(_("page at the PSP"), max_length=100, null=True, blank=True)
    money_reference = models.CharField(_("money at the PSP"), max_length=100, null=True, blank=True)
    received_amount = models.BigIntegerField(_("received, in centimes"), null=True, blank=True)
    received_currency = models.CharField(_("currency received"), max_length=3, blank=True)
    refusal = models.CharField(_("refusal"), max_length=15, choices=Refusal, blank=True)
    doubt = models.CharField(_("doubt about the means"), max_length=10, choices=Doubt, blank=True)
    expires_at = models.DateTimeField(_("page expires at"))
    returned_at = models.DateTimeField(_("customer came back at"), null=True, blank=True)
    left_at = models.DateTimeField(_("customer left the page at"), null=True, blank=True)
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    """Since when PayPal is known to have the customer's agreement: to be captured, unless it was declined already."""
    with_bank_at = models.DateTimeField(_("with the bank since"), null=True, blank=True)
    """Since when the page is known to be paid or undecided: nobody can close it, and the bank's word is waited for."""
    capture_number = models.PositiveSmallIntegerField(_("capture"), default=1)
    claimed_at = models.DateTimeField(_("capture claimed at"), null=True, blank=True)
    next_try_at = models.DateTimeField(_("next look at"), null=True, blank=True)
    paid_seen_at = models.DateTimeField(_("seen paid at the PSP at"), null=True, blank=True)
    """Since when the PSP shows this page as paid although none of its messages has said so."""
    created_at = models.DateTimeField(_("started at"), default=timezone.now)
    authorised_at = models.DateTimeField(_("authorised at"), null=True, blank=True)
    authorised_by = models.ForeignKey(
        "WebhookEvent",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("authorised by"),
    )

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        permissions = [
            ("accept_payment", _("Can accept a payment that its provider never told of")),
            ("set_aside", _("Can close what needs a person")),
            ("write_off_order", _("Can write an order off after a lost dispute")),
            ("view_balance", _("Can see the money balance")),
        ]
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(status="authorised", authorised_by__isnull=False, authorised_at__isnull=False)
                    | (~Q(status="authorised") & Q(authorised_by__isnull=True, authorised_at__isnull=True))
                ),
                name="authorised_by_an_event",
            ),
            models.CheckConstraint(condition=Q(settles=False) | Q(status="authorised"), name="settles_authorised"),
            models.CheckConstraint(
                condition=Q(settles=False) | Q(received_amount=F("amount"), received_currency=F("currency")),
                name="settles_with_its_amount",
            ),
            models.CheckConstraint(
                condition=Q(why_not="") | Q(status="authorised", settles=False),
                name="why_not_when_it_does_not",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_above_zero"),
            models.UniqueConstraint(fields=["provider", "page_reference"], name="one_payment_a_page"),
            models.UniqueConstraint(fields=["provider", "money_reference"], name="one_payment_a_money"),
            models.UniqueConstraint(fields=["order"], condition=Q(status="started"), name="one_started_an_order"),
            models.UniqueConstraint(fields=["order"], condition=Q(settles=True), name="one_settling_an_order"),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(next_try_at__isnull=False), name="payment_due"),
            models.Index(fields=["authorised_at"], condition=Q(status="authorised"), name="payment_came"),
            models.Index(fields=["-authorised_at"], condition=~Q(why_not=""), name="payment_not_settling"),
            models.Index(fields=["-authorised_at"], condition=~Q(doubt=""), name="payment_in_doubt"),
            models.Index(
                fields=["paid_seen_at"],
                condition=Q(paid_seen_at__isnull=False) & ~Q(status="authorised"),
                name="payment_unannounced",
            ),
            models.Index(fields=["-created_at"], name="payment_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.get_method_display()} {self.id}"

    @property
    def is_refused(self) -> bool:
        """Whether the PSP said no: for good; or PayPal to what the customer chose there, on a page that stays open."""
        declined = self.status == self.Status.STARTED and self.provider == Provider.PAYPAL and bool(self.refusal)
        return self.status == self.Status.FAILED or declined

    @property
    def by_what(self) -> str:
        """Its method and who carries it out; once where both are called the same."""
        return ", ".join(dict.fromkeys([self.get_method_display(), self.get_provider_display()]))

    @property
    def is_open(self) -> bool:
        """Whether somebody may still pay on its page."""
        return self.status == self.Status.STARTED

    @property
    def may_be_closed(self) -> bool:
        """Whether its page is open, and nothing is known to be under way there: else its PSP would not close it."""
        return self.is_open and not self.with_bank_at and not self.claimed_at

    @property
    def was_refused(self) -> bool:
        """Whether the last that was heard of it is a no, as staff see it: also on a page of Stripe's that stays open,
        unless the customer came back from it since, as after having paid."""
        declined = self.status == self.Status.STARTED and bool(self.refusal)
        return self.is_refused or (declined and not self.returned_at and not self.with_bank_at)

    @property
    def needs_another_choice(self) -> bool:
        """Whether PayPal declined what it shows as approved all the same: that the customer chose something else there
        only her coming back can tell."""
        return self.is_refused and self.approved_at is not None

    def refundable(self) -> int:
        """Centimes that may still be given back. Exact only while the caller holds the Order row."""
        used = self._sum(Refund.Status.PROPOSED, Refund.Status.REQUESTED, Refund.Status.SUCCEEDED)
        return max((self.received_amount or 0) - used - self.taken_back(), 0)

    def holds_money(self) -> bool:
        """Whether anything of what came is still here. Exact only while the caller holds the Order row."""
        return self.status == self.Status.AUTHORISED and self.stays() > 0

    def stays(self) -> int:
        """Centimes of what came that neither went back for certain nor were taken by a lost dispute."""
        return max((self.received_amount or 0) - self.refunded() - self.taken_back(), 0)

    def printed(self, centimes: int) -> str:
        """A part of what came, in the currency in which it came."""
        return format_money(centimes, self.came_in)

    @property
    def printed_received(self) -> str:
        """What came; a dash where nothing did."""
        return "–" if self.received_amount is None else self.printed(self.received_amount)

    @property
    def came_in(self) -> str:
        """The currency of what came; the one that was asked for where nothing says so."""
        return self.received_currency or self.currency

    @property
    def is_unannounced(self) -> bool:
        """Whether the PSP was seen to have money for it of which no message has told yet."""
        return self.paid_seen_at is not None and self.status != self.Status.AUTHORISED

    def refunded(self) -> int:
        """Centimes that went back for certain."""
        return self._sum(Refund.Status.SUCCEEDED)

    def asked_back(self) -> int:
        """Centimes that are asked back and not confirmed yet."""
        return self._sum(Refund.Status.REQUESTED)

    def taken_back(self) -> int:
        """Centimes that a lost dispute took. PayPal tells of one twice, as a dispute and as a reversal: the larger."""
        lost = [one.amount for one in self.disputes.all() if one.status == Dispute.Status.LOST]
        return max(lost, default=0)

    def _sum(self, *statuses: "Refund.Status") -> int:
        # Of the few rows themselves: lists have read them along with their payments.
        return sum(refund.amount for refund in self.refunds.all() if refund.status in statuses)


class WebhookEvent(models.Model):
    """A proven message of a PSP: an allow-list of its fields and a hash of the raw body, never the body."""

    class Source(models.TextChoices):
        DELIVERED = "delivered", _("delivered")
        FETCHED = "fetched", _("fetched from the PSP's list")
        READ = "read", _("read live and accepted by staff")

    UNDECIDED = gettext_noop("The bank has not decided yet")
    """The outcome of a message by which a bank says that it will decide later: within days, for an eCheck."""
    AHEAD = gettext_noop("It waits for its payment")
    """The outcome, so far, of a refund's or dispute's message that came before its payment was heard of."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.CharField(_("provider"), max_length=10, choices=Provider)
    event_id = models.CharField(_("event"), max_length=100)
    type = models.CharField(_("type"), max_length=100)
    api_version = models.CharField(_("API version"), max_length=40, blank=True)
    livemode = models.BooleanField(_("live"))
    source = models.CharField(_("source"), max_length=10, choices=Source)
    facts = models.JSONField(_("facts"), default=dict)
    body_sha256 = models.CharField(_("hash of the body"), max_length=64, blank=True)
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    processed_at = models.DateTimeField(_("processed at"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=300, blank=True)
    order = models.ForeignKey(
        Order, models.PROTECT, null=True, blank=True, related_name="events", verbose_name=_("order")
    )
    next_try_at = models.DateTimeField(_("next try at"), null=True, blank=True)

    class Meta:
        verbose_name = _("bank message")
        verbose_name_plural = _("bank messages")
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="one_event_a_message"),
        ]
        indexes = [
            models.Index(fields=["received_at"], condition=Q(processed_at__isnull=True), name="event_unapplied"),
            models.Index(fields=["-received_at"], name="event_newest"),
            models.Index(fields=["livemode"], condition=Q(order__isnull=False), name="event_mode"),
            models.Index(fields=["provider", "source", "-received_at"], name="event_newest_of_source"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"

    @property
    def said(self) -> str:
        """What came of it, in the language in use: `outcome` is a message id."""
        return gettext(self.outcome) if self.outcome else ""


class Refund(models.Model):
    """Money on its way back to a customer.

    PROPOSED  → REQUESTED            by a second person, where four eyes are asked for; one that is turned down is
                                     deleted, and the timeline keeps what was said
    REQUESTED → SUCCEEDED | FAILED   the inbox; FAILED also on the PSP's definite refusal of our call
    SUCCEEDED → FAILED               a bank can bounce a refund
    FAILED    → SUCCEEDED            late truth wins
    """

    class Status(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        REQUESTED = "requested", _("Requested")
        SUCCEEDED = "succeeded", _("Refunded")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds", verbose_name=_("payment"))
    amount = models.PositiveIntegerField(_("amount in centimes"))
    lines = models.JSONField(_("lines"), default=list, blank=True)
    vat = models.JSONField(_("VAT per rate"), default=list)
    goods_back = models.BooleanField(_("goods back in stock"), default=False)
    numbered = models.BooleanField(_("has its notice"), default=False)
    goods_returned = models.BooleanField(_("goods put back"), default=False)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.REQUESTED)
    reference = models.CharField(_("refund at the PSP"), max_length=100, null=True, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("requested by"),
    )
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("released by"),
    )
    settled_by = models.ForeignKey(
        WebhookEvent,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("settled by"),
    )
    instead_of = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="replacement",
        verbose_name=_("in place of"),
    )
    """The one that had failed before it, and in whose place it was asked for."""
    key_number = models.PositiveSmallIntegerField(_("key"), default=0)
    refusal = models.CharField(_("refusal"), max_length=60, blank=True)
    created_at = models.DateTimeField(_("requested at"), default=timezone.now)
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    next_try_at = models.DateTimeField(_("next look at"), null=True, blank=True)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        permissions = [
            ("request_refund", _("Can give money back, up to the amount that needs two people")),
            ("release_refund", _("Can release a refund that somebody else proposed")),
        ]
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_above_zero"),
            models.UniqueConstraint(fields=["payment", "reference"], name="one_refund_a_reference"),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(next_try_at__isnull=False), name="refund_due"),
            models.Index(fields=["created_at"], condition=Q(status="requested"), name="refund_requested"),
            models.Index(fields=["created_at"], condition=Q(status="proposed"), name="refund_proposed"),
            models.Index(fields=["-created_at"], condition=Q(status="failed"), name="refund_failed"),
            models.Index(fields=["settled_at"], condition=Q(status="succeeded"), name="refund_went"),
            models.Index(fields=["reference"], condition=Q(reference__isnull=False), name="refund_at_the_psp"),
            models.Index(
                fields=["settled_at", "id"],
                condition=Q(numbered=False, status="succeeded"),
                name="refund_unnumbered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()} {self.id}"

    @property
    def pieces(self) -> Counter[int]:
        """Order line id → pieces that it names; empty of an amount."""
        return Counter({piece["line"]: piece["quantity"] for piece in self.lines})

    @property
    def printed(self) -> str:
        """Its amount, in the currency in which the money came."""
        return self.payment.printed(self.amount)

    @property
    def told_refusal(self) -> str:
        """Why it was not made, in the language in use; the PSP's own word where we have none."""
        if not self.refusal:
            return ""
        known = REFUND_REFUSALS.get(self.refusal)
        return gettext(known) if known else gettext("the provider refused it (%(code)s)") % {"code": self.refusal}

    @property
    def told_reason(self) -> str:
        """As somebody typed it; the shop's own is a message id."""
        return gettext(self.reason) if self.reason else ""


class Dispute(models.Model):
    """A customer's bank asks for the money back: OPEN → WON | LOST | CLOSED. It never moves the order.

    What PayPal takes by itself (a reversal) is a row of its own: LOST, and WON once a dispute of its payment is.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        WON = "won", _("Won")
        LOST = "lost", _("Lost")
        CLOSED = "closed", _("Closed")

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="disputes", verbose_name=_("payment"))
    reference = models.CharField(_("dispute at the PSP"), max_length=100, unique=True)
    reason = models.CharField(_("reason"), max_length=60)
    amount = models.PositiveIntegerField(_("amount in centimes"))
    due_at = models.DateTimeField(_("answer until"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    opened_at = models.DateTimeField(_("opened at"), default=timezone.now)
    """By the PSP's clock where it tells, as is `decided_at`; by the shop's, when it was told, elsewhere."""
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    """When it was won, lost or closed; None while open."""

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        ordering = ["id"]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(status="open"), name="dispute_open"),
            models.Index(fields=["payment"], condition=Q(status="lost"), name="dispute_lost"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="open", decided_at__isnull=True) | Q(~Q(status="open"), decided_at__isnull=False),
                name="dispute_decided_once_over",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def printed(self) -> str:
        """Its amount, in the currency in which the money came."""
        return self.payment.printed(self.amount)

    @property
    def said_reason(self) -> str:
        """The PSP's reason as a message id; one that we do not know as the PSP writes it."""
        return DISPUTE_REASONS.get(self.reason, self.reason)

    @property
    def told_reason(self) -> str:
        """The PSP's reason in the language in use."""
        return gettext(self.said_reason) if self.reason else ""


def in_a_day() -> datetime:
    return timezone.now() + timedelta(days=1)


class Channel(models.Model):
    """What the shop knows of its line to a PSP: up to when the PSP's own list was read, since when it is silent, and
    how many differences there were when the books were last compared."""

    provider = models.CharField(_("provider"), max_length=10, choices=Provider, unique=True)
    read_until = models.DateTimeField(_("list read until"), null=True, blank=True)
    silent_since = models.DateTimeField(_("silent since"), null=True, blank=True)
    next_try_at = models.DateTimeField(_("next look at"), default=timezone.now)
    compare_at = models.DateTimeField(_("next comparison at"), default=in_a_day)
    compared_until = models.DateField(_("compared until"), null=True, blank=True)
    """The last day of the week whose money was compared with the PSP's account."""
    differences = models.PositiveIntegerField(_("differences"), null=True, blank=True)

    class Meta:
        verbose_name = _("line to a PSP")
        verbose_name_plural = _("lines to the PSPs")
        ordering = ["provider"]

    def __str__(self) -> str:
        return self.get_provider_display()


class Letter(models.Model):
    """A mail that is due. The row is written with what it tells of; a task or the sweep sends it, at least once."""

    class Kind(models.TextChoices):
        CONFIRMATION = "confirmation", _("Confirmation with attestation")
        LINK = "link", _("Link to the order")
        REFUSED = "refused", _("Payment refused")
        EXPIRED = "expired", _("Time to pay over")
        LATE_REFUNDED = "late_refunded", _("Late payment goes back")
        SURPLUS_REFUNDED = "surplus_refunded", _("Second payment goes back")
        REVIEW = "review", _("Payment being checked")
        REFUNDED = "refunded", _("Refund with notice")
        SHIPPED = "shipped", _("Parcel sent")
        HELD = "held", _("Parcel held back by a dispute")
        TO_STAFF = "to_staff", _("To staff: to be looked at")

    MOST_TRIES = 150
    """About three days of trying; then the staff's list has it."""

    # The unique constraint begins with it: no index of its own.
    order = models.ForeignKey(Order, models.PROTECT, related_name="letters", db_index=False, verbose_name=_("order"))
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    about = models.CharField(_("about"), max_length=60)
    due_at = models.DateTimeField(_("due at"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("mails")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "kind", "about"], name="one_letter_a_matter"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(sent_at__isnull=True), name="letter_due"),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()


class SetAside(models.Model):
    """An item of the staff's list that no event ends, closed by a person who says why. It speaks of what happened until
    then: when the row that it is about changes its state, it is void and deleted, and the order's timeline keeps it."""

    class Kind(models.TextChoices):
        DOUBT = "doubt", _("Means of payment in doubt")
        LOST = "lost", _("Dispute lost before the goods were sent")
        REFUND_FAILED = "refund_failed", _("Refund failed")
        UNAPPLIED = "unapplied", _("Message that cannot be applied")
        UNDELIVERED = "undelivered", _("Mail that could not be sent")

    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    about = models.CharField(_("about"), max_length=40)
    reason = models.CharField(_("reason"), max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        verbose_name = _("item set aside")
        verbose_name_plural = _("items set aside")
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "about"], name="one_decision_an_item"),
            models.CheckConstraint(condition=~Q(reason=""), name="set_aside_for_a_reason"),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()


class Asked(models.Model):
    """How often somebody has asked for something lately (payments/limits.py, which alone writes it)."""

    key = models.UUIDField(primary_key=True)
    """What and who, as a sign that cannot be read back."""
    times = models.PositiveIntegerField()
    until = models.DateTimeField(db_index=True)
    """Then it is counted anew."""

    def __str__(self) -> str:
        return str(self.key)


CODE_LENGTH = 12
"""Random characters of a code, 5 bits each; a check character follows."""


USUAL_KILOBYTES = 45
"""What the paper of five lines has: the embedded fonts are most of it."""


def new_attestation_code() -> str:
    return new_code(CODE_LENGTH)


class Attestation(models.Model):
    """The number, code and seller of a document; the document itself is drawn anew each time."""

    class Series(models.TextChoices):
        ATTESTATION = "AP", _("Attestation of payment")
        REFUND_NOTICE = "AR", _("Refund notice")

    series = models.CharField(_("series"), max_length=2, choices=Series)
    year = models.PositiveSmallIntegerField(_("year"))
    n = models.PositiveIntegerField(_("number"))
    code = models.CharField(_("code"), max_length=13, unique=True, default=new_attestation_code)
    order = models.OneToOneField(
        Order, models.PROTECT, null=True, blank=True, related_name="attestation", verbose_name=_("order")
    )
    refund = models.OneToOneField(
        Refund, models.PROTECT, null=True, blank=True, related_name="notice", verbose_name=_("refund")
    )
    issued_at = models.DateTimeField(_("issued at"), default=timezone.now)
    seller = models.JSONField(_("seller"))
    """Who sold, as settings.SELLER said when the number was given: a paper once issued says the same for ever."""
    updated_at = models.DateTimeField(_("brought up to date at"), null=True, blank=True)
    """When what it lists beside the payment last changed: money that went back, or came back. It tells two prints of
    one number apart; None where nothing did since the issue."""
    kilobytes = models.PositiveIntegerField(_("size in KB"), null=True, blank=True)

    class Meta:
        verbose_name = _("attestation")
        verbose_name_plural = _("attestations")
        ordering = ["series", "year", "n"]
        constraints = [
            models.UniqueConstraint(fields=["series", "year", "n"], name="one_attestation_a_number"),
            models.CheckConstraint(
                condition=Q(order__isnull=False) ^ Q(refund__isnull=False), name="attests_one_thing"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"{self.series}-{self.year}-{self.n:06d}"

    @property
    def printed_code(self) -> str:
        return grouped(self.code)

    @property
    def size(self) -> str:
        """How large its file is, in the language in use; before it was first drawn, about."""
        if self.kilobytes:
            return gettext("%(kilobytes)s KB") % {"kilobytes": self.kilobytes}
        return gettext("about %(kilobytes)s KB") % {"kilobytes": USUAL_KILOBYTES}


class Export(models.Model):
    """A file of the shop's data that a member of staff took out: written before its first byte leaves."""

    class What(models.TextChoices):
        SALES = "sales", _("Sales")
        REFUNDS = "refunds", _("Refunds")
        VAT = "vat", _("VAT by quarter")
        PAYOUTS = "payouts", _("Payouts")
        DISPUTES = "disputes", _("Disputes")
        ORDERS = "orders", _("Orders")

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX (Excel)"

    ALL = gettext_noop("all")
    ONE_BY_ONE = gettext_noop("chosen one by one")
    """What is asked for, where neither days nor filters say it."""

    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    what = models.CharField(_("what"), max_length=10, choices=What)
    format = models.CharField(_("format"), max_length=4, choices=Format)
    asked = models.CharField(_("asked for"), max_length=500)
    """The days, or what narrowed the list; not what was searched for, which may be a customer's name."""
    rows = models.PositiveIntegerField(_("rows"), default=0)
    """Those that left; of a file that is whole, all."""
    finished_at = models.DateTimeField(_("whole at"), null=True, blank=True)

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("log of exports")
        default_permissions = ("view",)
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.get_what_display()} ({self.get_format_display()})"
