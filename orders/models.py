"""The shop's goods and orders, and what the database itself guards about them."""

import re
import secrets
import uuid
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Upper
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from orders import pictures, search
from orders.codes import new_code
from orders.delivery import delivery_date_once_paid, is_packed_later
from orders.money import CURRENCY

MAX_QUANTITY = 99
MAX_TOTAL = 100_000_000
"""Centimes: an order beyond a million francs is a mistake."""
TWINT_LIMIT = 500_000
"""Centimes: more cannot be paid with TWINT at once (docs.stripe.com/payments/twint)."""
PO_BOX = re.compile(r"(case postale|postfach|casella postale|p\.? ?o\.? ?box)\b", re.IGNORECASE)


class Language(models.TextChoices):
    """The languages of the shop."""

    FRENCH = "fr", _("French")
    GERMAN = "de", _("German")
    ITALIAN = "it", _("Italian")
    ENGLISH = "en", _("English")


@dataclass(frozen=True)
class VatShare:
    """One rate's part of an amount: net base and tax in centimes; `rate` in per cent."""

    rate: Decimal
    base: int
    tax: int


class VatRate(models.Model):
    """The rate of a class of goods from a day on (LTVA art. 25)."""

    class Class(models.TextChoices):
        NORMAL = "normal", _("Normal rate")
        REDUCED = "reduced", _("Reduced rate")
        LODGING = "lodging", _("Lodging")

    vat_class = models.CharField(_("class"), max_length=10, choices=Class)
    rate = models.DecimalField(
        _("rate in per cent"),
        max_digits=4,
        decimal_places=2,
        help_text=_("As the law has it: LTVA art. 25. The Federal Tax Administration announces every change."),
    )
    valid_from = models.DateField(
        _("valid from"), help_text=_("From this day on the shop sells at this rate; the one before ends by itself.")
    )

    class Meta:
        verbose_name = _("VAT rate")
        verbose_name_plural = _("VAT rates")
        ordering = ["vat_class", "-valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["vat_class", "valid_from"], name="one_rate_a_day"),
            models.CheckConstraint(condition=Q(rate__gte=0, rate__lt=100), name="rate_is_a_percentage"),
        ]

    def __str__(self) -> str:
        return f"{self.get_vat_class_display()} {self.rate.normalize():f} %"

    @property
    def is_used(self) -> bool:
        """Whether its day has come and something was ordered since: PostgreSQL then refuses to change or delete it."""
        return self.begins_at <= timezone.now() and Order.objects.filter(created_at__gte=self.begins_at).exists()

    @property
    def begins_at(self) -> datetime:
        return timezone.make_aware(datetime.combine(self.valid_from, time()))


class Category(models.Model):
    """A shelf of the shop."""

    slug = models.SlugField(_("address"), max_length=80, unique=True)
    names = models.JSONField(_("name by language"), default=dict)
    descriptions = models.JSONField(_("description by language"), default=dict, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(names__has_key="fr"), name="category_name_in_french"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return in_language(self.names)

    @property
    def description(self) -> str:
        return in_language(self.descriptions)


class Goods(models.Manager["Product"]):
    """Products without what only the search reads."""

    def get_queryset(self) -> models.QuerySet["Product"]:
        return super().get_queryset().defer(*map(search.column_of, search.LANGUAGES))


class Product(models.Model):
    """Something that the shop sells; prices include VAT (OIP art. 3)."""

    sku = models.CharField(_("SKU"), max_length=40, unique=True)
    slug = models.SlugField(_("address"), max_length=80, unique=True)
    names = models.JSONField(_("name by language"), default=dict)
    descriptions = models.JSONField(_("description by language"), default=dict, blank=True)
    price = models.PositiveIntegerField(_("price in centimes"))
    vat_class = models.CharField(_("VAT class"), max_length=10, choices=VatRate.Class, default=VatRate.Class.NORMAL)
    stock = models.IntegerField(_("stock"), default=0)
    category = models.ForeignKey(Category, models.SET_NULL, null=True, blank=True, verbose_name=_("category"))
    # No ImageField: it would fetch the file from the storage to measure it.
    picture = models.FileField(_("picture"), upload_to=pictures.FOLDER, blank=True, editable=False)
    picture_width = models.PositiveSmallIntegerField(default=0, editable=False)
    picture_height = models.PositiveSmallIntegerField(default=0, editable=False)
    picture_texts = models.JSONField(_("what the picture shows, by language"), default=dict, blank=True)
    active = models.BooleanField(_("on sale"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    words_fr = search.words_in("fr")
    words_de = search.words_in("de")
    words_it = search.words_in("it")
    words_en = search.words_in("en")

    objects = Goods()

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        permissions = [("adjust_stock", _("Can adjust the stock of a product"))]
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(stock__gte=0), name="stock_never_below_zero"),
            models.CheckConstraint(condition=Q(price__gt=0), name="price_above_zero"),
            models.CheckConstraint(condition=Q(names__has_key="fr"), name="name_in_french"),
            models.CheckConstraint(
                condition=Q(picture="") | Q(picture_width__gt=0, picture_height__gt=0), name="picture_has_its_size"
            ),
        ]
        indexes = [
            models.Index(fields=["position", "id"], name="product_position"),
            models.Index(fields=["price", "id"], name="product_price"),
            models.Index(Upper("sku"), name="product_sku_typed"),
            *search.indexes(),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name in the language in use, in French where it has none."""
        return in_language(self.names)

    @property
    def description(self) -> str:
        return in_language(self.descriptions)

    @property
    def shown(self) -> pictures.Shown | None:
        """Its picture, if it has one."""
        if not self.picture.name:
            return None
        return pictures.Shown(self.picture.name, self.picture_width, self.picture_height)

    @property
    def picture_text(self) -> str:
        """The picture in words, for those who do not see it; never empty."""
        return in_language(self.picture_texts) or self.name

    def take_picture(self, picture: pictures.Picture | None) -> None:
        """Show this picture, whose files are stored, or none; the caller saves."""
        self.picture.name = picture.name if picture else ""
        self.picture_width = picture.width if picture else 0
        self.picture_height = picture.height if picture else 0


class StockAdjustment(models.Model):
    """What staff added to a product's stock or took off it, and why. Sales and refunds stand in the orders.

    All adjustments, less what orders hold, are the stock; a trigger refuses to change or delete one.
    """

    class Kind(models.TextChoices):
        FIRST = "first", _("stock at the beginning")
        RECEIVED = "received", _("goods received")
        LOST = "lost", _("broken, lost or given away")
        COUNTED = "counted", _("counted")

    product = models.ForeignKey(Product, models.PROTECT, related_name="adjustments", verbose_name=_("product"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("who"))
    kind = models.CharField(_("reason"), max_length=10, choices=Kind)
    note = models.CharField(_("note"), max_length=200, blank=True)
    difference = models.IntegerField(_("difference"))
    stock_after = models.IntegerField(_("stock after"))
    key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    """Of the form that was sent: twice the same is booked once."""

    class Meta:
        verbose_name = _("change of stock")
        verbose_name_plural = _("changes of stock")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(difference=0), name="adjustment_of_something"),
            models.CheckConstraint(condition=Q(stock_after__gte=0), name="adjustment_not_below_zero"),
            models.CheckConstraint(
                condition=Q(kind="counted")
                | Q(kind="lost", difference__lt=0)
                | Q(kind__in=["first", "received"], difference__gt=0),
                name="adjustment_as_its_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.difference:+d}".replace("-", "−")


class ShippingMethod(models.Model):
    """A way of delivery; its VAT follows the goods."""

    names = models.JSONField(_("name by language"), default=dict)
    price = models.PositiveIntegerField(_("price in centimes"))
    free_from = models.PositiveIntegerField(_("free from, in centimes of goods"), null=True, blank=True)
    delivery_days = models.PositiveSmallIntegerField(_("working days until delivery"))
    countries = models.JSONField(_("countries"), default=list)
    active = models.BooleanField(_("offered"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("delivery method")
        verbose_name_plural = _("delivery methods")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(names__has_key="fr"), name="shipping_name_in_french"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return in_language(self.names)

    @property
    def is_the_last_offered(self) -> bool:
        """Whether without it nothing can be ordered."""
        offered = ShippingMethod.objects.filter(active=True)
        return offered.filter(pk=self.pk).exists() and not offered.exclude(pk=self.pk).exists()

    def price_for(self, goods_total: int) -> int:
        """The price in centimes for goods of that total."""
        if self.free_from is not None and goods_total >= self.free_from:
            return 0
        return self.price


def in_language(texts: dict[str, str]) -> str:
    language = (get_language() or "fr")[:2]
    return texts.get(language) or texts.get("fr", "")


def language_of(texts: dict[str, str]) -> str:
    """The language of what `in_language` gives, where it is not the one in use; else nothing."""
    language = (get_language() or "fr")[:2]
    return "" if language == "fr" or texts.get(language) or not texts.get("fr") else "fr"


def new_number() -> str:
    code = new_code(7)
    return f"KK-{code[:4]}-{code[4:]}"


def new_token() -> str:
    return secrets.token_urlsafe(24)


class Order(models.Model):
    """What a customer ordered, frozen as it was sold.

    PENDING   → EFFECTIVE   the inbox only, for a proven message of the bank
    PENDING   → CANCELLED   expiry, the customer, a changed cart, staff; once no payment is started
    CANCELLED → EFFECTIVE   the inbox only: late money for an order that expired and can be had again
    EFFECTIVE → CANCELLED   when the refunds of the settling payment reach its amount
    EFFECTIVE → CANCELLED   staff: a lost dispute took what refunds left of it, and the order is not sent
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        EFFECTIVE = "effective", _("Effective")
        CANCELLED = "cancelled", _("Cancelled")

    class CancelReason(models.TextChoices):
        EXPIRED = "expired", _("The time to pay is over")
        CUSTOMER = "customer", _("Cancelled by the customer")
        CHANGED_CART = "changed_cart", _("Replaced by a changed cart")
        STAFF = "staff", _("Cancelled by staff")
        REFUNDED = "refunded", _("Refunded in full")
        DISPUTED = "disputed", _("Taken back after a dispute")

    # Unique by constraints: `unique=True` would add an index for LIKE, which nobody asks of them.
    number = models.CharField(_("number"), max_length=12, default=new_number, editable=False)
    token = models.CharField(max_length=43, default=new_token, editable=False)
    checkout_key = models.UUIDField(unique=True, editable=False)
    cart = models.UUIDField(editable=False, db_index=True)
    """The cart that it came from: one cart may become several orders, of which at most one should live."""
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    cancel_reason = models.CharField(_("reason"), max_length=15, choices=CancelReason, blank=True)
    language = models.CharField(_("language"), max_length=2, choices=Language)
    email = models.EmailField(_("e-mail"))
    phone = models.CharField(_("phone"), max_length=30, blank=True)

    delivery_name = models.CharField(_("name"), max_length=100)
    # The default is the database's: while the shop is updated, processes that do not know the column yet still write.
    delivery_organisation = models.CharField(_("organisation"), max_length=100, blank=True, default="", db_default="")
    delivery_extra = models.CharField(_("address line 2"), max_length=100, blank=True)
    delivery_street = models.CharField(_("street and number"), max_length=100)
    delivery_postcode = models.CharField(_("postcode"), max_length=4)
    delivery_town = models.CharField(_("town"), max_length=100)
    delivery_country = models.CharField(_("country"), max_length=2)
    billing_name = models.CharField(_("billing name"), max_length=100, blank=True)
    billing_organisation = models.CharField(_("billing organisation"), max_length=100, blank=True)
    billing_extra = models.CharField(_("billing address line 2"), max_length=100, blank=True)
    billing_street = models.CharField(_("billing street and number"), max_length=100, blank=True)
    billing_postcode = models.CharField(_("billing postcode"), max_length=4, blank=True)
    billing_town = models.CharField(_("billing town"), max_length=100, blank=True)
    billing_country = models.CharField(_("billing country"), max_length=2, blank=True)

    shipping_method = models.ForeignKey(ShippingMethod, models.PROTECT, verbose_name=_("delivery method"))
    shipping_name = models.CharField(_("delivery"), max_length=100)
    delivery_by = models.DateField(_("delivery by"))
    vat = models.JSONField(_("VAT per rate"))
    goods_total = models.PositiveIntegerField(_("goods in centimes"))
    shipping_total = models.PositiveIntegerField(_("delivery in centimes"))
    total = models.PositiveIntegerField(_("total in centimes"))
    currency = models.CharField(_("currency"), max_length=3, default=CURRENCY)

    terms_version = models.CharField(_("terms of sale"), max_length=10)
    created_at = models.DateTimeField(_("placed at"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires at"))
    effective_at = models.DateTimeField(_("effective at"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    shipped_at = models.DateTimeField(_("shipped at"), null=True, blank=True)
    tracking = models.CharField(_("tracking number"), max_length=60, blank=True)
    holds_stock = models.BooleanField(_("holds its goods"), default=False)
    next_try_at = models.DateTimeField(_("next look at"), null=True, blank=True)
    numbered = models.BooleanField(_("has its attestation"), default=False)
    forgotten_at = models.DateTimeField(_("person taken out at"), null=True, blank=True)
    journal = models.CharField(_("hash of its last line"), max_length=64, blank=True, editable=False)
    """Of the timeline; PostgreSQL writes it with each line."""

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        permissions = [
            ("send_letters_again", _("Can send an order's letters again")),
            ("check_with_psp", _("Can have an order checked with the payment provider")),
            ("note_order", _("Can leave a note on an order")),
            ("close_payment_page", _("Can close the payment page of an order")),
            ("cancel_order", _("Can cancel a pending order")),
            ("ship_order", _("Can mark an order as shipped")),
            ("replace_link", _("Can replace the link of an order")),
            ("export_orders", _("Can export orders")),
        ]
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="one_order_a_number"),
            models.UniqueConstraint(fields=["token"], name="one_order_a_token"),
            models.CheckConstraint(
                condition=~Q(status="effective") | Q(effective_at__isnull=False),
                name="effective_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(status="cancelled") ^ Q(cancel_reason="", cancelled_at__isnull=True),
                name="cancelled_has_its_reason_and_time",
            ),
            models.CheckConstraint(condition=Q(total__gt=0, total__lte=MAX_TOTAL), name="total_above_zero"),
            models.CheckConstraint(
                condition=Q(total=F("goods_total") + F("shipping_total")), name="total_is_goods_and_delivery"
            ),
            models.CheckConstraint(condition=Q(currency=CURRENCY), name="order_in_francs"),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(status="pending"), name="order_pending_expires"),
            models.Index(fields=["-created_at", "-id"], name="order_newest"),
            models.Index(fields=["status", "-created_at"], name="order_status_newest"),
            models.Index(fields=["-effective_at"], name="order_effective_newest"),
            models.Index(
                fields=["effective_at", "id"],
                condition=Q(numbered=False, effective_at__isnull=False),
                name="order_to_be_numbered",
            ),
            models.Index(fields=["-cancelled_at"], condition=Q(cancel_reason="disputed"), name="order_written_off"),
            models.Index(
                fields=["cancelled_at"],
                condition=Q(status="cancelled", forgotten_at__isnull=True),
                name="order_to_be_forgotten",
            ),
            models.Index(fields=["shipped_at"], condition=~Q(phone=""), name="order_with_phone"),
            models.Index(OpClass(Lower("email"), "text_pattern_ops"), name="order_email"),
            models.Index(fields=["-total", "-id"], name="order_total"),
            models.Index(
                fields=["-effective_at"],
                condition=Q(status="effective", shipped_at__isnull=True),
                name="order_to_be_sent",
            ),
            models.Index(
                fields=["cancel_reason", "-created_at"], condition=Q(status="cancelled"), name="order_cancelled_newest"
            ),
            GinIndex(search.words_of_the_customer(), name="order_words_of_customer"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def masked_email(self) -> str:
        """Enough for the customer to know it again, too little for who reads over a shoulder."""
        name, _at, host = self.email.rpartition("@")
        return f"{name[:1]}•••@{host}"

    @property
    def delivery_day(self) -> date:
        """By when it is delivered; for an order that is not paid yet, if it is paid now."""
        if self.effective_at:
            return self.delivery_by
        return delivery_date_once_paid(self.delivery_by, self.created_at, timezone.now())

    @property
    def delivery_is_ahead(self) -> bool:
        """Whether the day of delivery can still be promised: one that is over is no promise."""
        return self.delivery_day >= timezone.localdate()

    @property
    def delivery_has_moved(self) -> bool:
        """Whether the day of delivery is a later one than the customer saw: the payment came after the packing."""
        return is_packed_later(self.created_at, self.effective_at or timezone.now())

    @property
    def vat_shares(self) -> list[VatShare]:
        """Base and tax per rate, as they were frozen in `vat`."""
        return [VatShare(Decimal(share["rate"]), share["base"], share["tax"]) for share in self.vat]

    @property
    def has_billing_address(self) -> bool:
        return bool(self.billing_street)

    @property
    def delivery_address(self) -> list[str]:
        """The lines as the Post wants them: organisation, name, complement, street, PO box, place, country."""
        return _address(
            self.delivery_name,
            self.delivery_organisation,
            self.delivery_extra,
            self.delivery_street,
            self.delivery_postcode,
            self.delivery_town,
            self.delivery_country,
        )

    @property
    def billing_address(self) -> list[str]:
        """The lines of the billing address; the delivery address where the customer gave no other."""
        if not self.has_billing_address:
            return self.delivery_address
        return _address(
            self.billing_name,
            self.billing_organisation,
            self.billing_extra,
            self.billing_street,
            self.billing_postcode,
            self.billing_town,
            self.billing_country,
        )


def _address(
    name: str, organisation: str, extra: str, street: str, postcode: str, town: str, country: str
) -> list[str]:
    # Liechtenstein has Swiss postcodes; its letters carry the country only when they cross the border.
    country_line = "Liechtenstein" if country == "LI" else ""
    # A PO box stands right above postcode and town: that is where the letter goes.
    place = [street, extra] if PO_BOX.match(extra) else [extra, street]
    return [line for line in (organisation, name, *place, f"{postcode} {town}", country_line) if line]


class OrderLine(models.Model):
    """Goods as they were sold: name, price and VAT rate do not follow later changes of the catalogue."""

    # The unique constraint begins with it: no index of its own.
    order = models.ForeignKey(Order, models.PROTECT, related_name="lines", db_index=False)
    product = models.ForeignKey(Product, models.PROTECT, related_name="+", verbose_name=_("product"))
    sku = models.CharField(_("SKU"), max_length=40)
    name = models.CharField(_("name"), max_length=200)
    unit_price = models.PositiveIntegerField(_("unit price in centimes"))
    vat_rate = models.DecimalField(_("VAT rate"), max_digits=4, decimal_places=2)
    quantity = models.PositiveSmallIntegerField(_("quantity"))

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "product"], name="one_line_a_product"),
            models.CheckConstraint(condition=Q(quantity__gte=1, quantity__lte=MAX_QUANTITY), name="quantity_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.name}"

    @property
    def total(self) -> int:
        """Centimes, VAT included."""
        return self.unit_price * self.quantity


class TimelineEntry(models.Model):
    """One thing that happened to an order. Written while holding its row, and chained to the line before (journal.py);
    triggers refuse another place in the chain, change and deletion."""

    class Actor(models.TextChoices):
        CUSTOMER = "customer", _("Customer")
        BANK = "bank", _("Bank")
        STAFF = "staff", _("Staff")
        SYSTEM = "system", _("System")

    class Kind(models.TextChoices):
        PLACED = "placed", _("Order placed: %(total)s.")
        CANCELLED = "cancelled", _("The order has ended. %(reason)s.")
        EFFECTIVE = "effective", _("The order is effective.")
        PAYMENT_STARTED = "payment_started", _("Sent to the payment page (%(method)s).")
        PAYMENT_FAILED = "payment_failed", _("Payment refused (%(method)s): %(refusal)s.")
        PAYMENT_EXPIRED = "payment_expired", _("Payment page closed without payment (%(method)s).")
        PAYMENT_AUTHORISED = "payment_authorised", _("The bank agreed to %(amount)s (%(method)s).")
        PAYMENT_NOT_SETTLING = (
            "payment_not_settling",
            _("Received %(amount)s that does not settle the order: %(why)s."),
        )
        RETURNED = "returned", _("Back from the payment page.")
        LEFT = "left", _("Left the payment page.")
        REVIVED = "revived", _("The money came after the order had expired; its goods could be had again.")
        ACCEPTED = "accepted", _("Accepted what %(provider)s shows, although no message of it came.")
        CHECKED = "checked", _("Checked with %(provider)s: %(found)s.")
        SHIPPED = "shipped", _("Parcel sent%(tracking)s.")
        ASKED = "asked", _("Asked for: %(what)s.")
        NOTE = "note", _("Note: %(text)s")
        REFUND_PROPOSED = "refund_proposed", _("Refund of %(amount)s proposed: %(reason)s")
        REFUND_RELEASED = "refund_released", _("Refund of %(amount)s released; %(proposer)s had proposed it.")
        REFUND_TURNED_DOWN = "refund_turned_down", _("Refund of %(amount)s turned down: %(reason)s")
        REFUND_REQUESTED = "refund_requested", _("Refund of %(amount)s requested: %(reason)s")
        REFUND_SUCCEEDED = "refund_succeeded", _("Refunded %(amount)s.")
        REFUND_FAILED = "refund_failed", _("The refund of %(amount)s failed.")
        REFUND_FOUND = "refund_found", _("A refund of %(amount)s was made at the payment provider.")
        DOUBT = "doubt", _("The means of payment is in doubt: %(doubt)s.")
        DISPUTE = "dispute", _("Dispute over %(amount)s (%(reason)s): %(state)s.")
        SET_ASIDE = "set_aside", _("Looked at and set aside (%(item)s): %(reason)s")
        FORGOTTEN = "forgotten", _("The person was taken out of the order.")
        CONTACT_FORGOTTEN = "contact_forgotten", _("E-mail and phone were erased at the customer’s request.")
        LETTER_SENT = "letter_sent", _("Mail sent: %(subject)s")
        LETTER_AGAIN = "letter_again", _("To be sent again: %(letter)s.")
        LINK_REPLACED = "link_replaced", _("The link to the order was replaced; the earlier one no longer works.")

    order = models.ForeignKey(Order, models.PROTECT, related_name="timeline")
    at = models.DateTimeField(_("at"), default=timezone.now)
    actor = models.CharField(_("who"), max_length=10, choices=Actor)
    actor_name = models.CharField(_("name"), max_length=150, blank=True)
    kind = models.CharField(_("what"), max_length=30, choices=Kind)
    data = models.JSONField(_("data"), default=dict)
    previous = models.CharField(_("hash of the line before"), max_length=64, blank=True, editable=False)
    hash = models.CharField(_("hash"), max_length=64, editable=False)

    class Meta:
        verbose_name = _("timeline entry")
        verbose_name_plural = _("timeline")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> str:
        """What happened, in the language in use; the words inside `data` are message ids."""
        words = {key: gettext(value) if value else "" for key, value in self.data.items()}
        return str(self.get_kind_display()) % words
