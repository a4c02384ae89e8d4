"""What pages say of how one can pay here, all from the PSPs that the settings switch on."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from payments.gateways import configured

BOTH = ("stripe", "paypal")
# Parts of sentences: `means` stands after "by", `providers` after "of", `agrees` is who agrees to a payment.
MEANS = {
    BOTH: _("card (Visa or Mastercard), TWINT or PayPal"),
    ("stripe",): _("card (Visa or Mastercard) or TWINT"),
    ("paypal",): "PayPal",
}
PROVIDERS = {BOTH: _("Stripe or PayPal"), ("stripe",): "Stripe", ("paypal",): "PayPal"}
AGREES = {BOTH: _("the bank or PayPal"), ("stripe",): _("the bank"), ("paypal",): "PayPal"}


def offered(request: HttpRequest) -> dict[str, Any]:
    psps = tuple(configured())
    return {"psps": psps, "means": MEANS[psps], "providers": PROVIDERS[psps], "agrees": AGREES[psps]}
