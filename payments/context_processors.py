"""What pages say of how one can pay here, all from the PSPs that the settings switch on."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from payments.gateways import configured

Kind = tuple[str, ...]
STRIPE: Kind = ("stripe",)
PAYPAL: Kind = ("paypal",)
BOTH: Kind = ("stripe", "paypal")
# Whole sentences, one for each kind of shop: no language has to fit the parts of another together.
SENTENCES: dict[str, dict[Kind, Promise]] = {
    "means": {
        BOTH: _("You pay by card (Visa or Mastercard), with TWINT or with PayPal."),
        STRIPE: _("You pay by card (Visa or Mastercard) or with TWINT."),
        PAYPAL: _("You pay with PayPal."),
    },
    "where": {
        BOTH: _("You pay on the secure page of Stripe or PayPal (certified PCI DSS Level 1), then you come back here."),
        STRIPE: _("You pay on the secure page of Stripe (certified PCI DSS Level 1), then you come back here."),
        PAYPAL: _("You pay on the secure page of PayPal (certified PCI DSS Level 1), then you come back here."),
    },
    "promise": {
        BOTH: _(
            "Your order takes effect only once the bank’s authorisation centre, or PayPal, has approved the payment."
        ),
        STRIPE: _("Your order takes effect only once the bank’s authorisation centre has approved the payment."),
        PAYPAL: _("Your order takes effect only once PayPal has approved the payment."),
    },
    "takes_effect": {
        BOTH: _("Your order takes effect as soon as the bank or PayPal has approved the payment."),
        STRIPE: _("Your order takes effect as soon as the bank has approved the payment."),
        PAYPAL: _("Your order takes effect as soon as PayPal has approved the payment."),
    },
    "when": {
        BOTH: _("As soon as the bank or PayPal has approved the payment and told us so, and not before."),
        STRIPE: _("As soon as the bank has approved the payment and told us so, and not before."),
        PAYPAL: _("As soon as PayPal has approved the payment and told us so, and not before."),
    },
    "contract": {
        BOTH: _(
            "It takes effect, and the contract is concluded, when the bank or PayPal has approved the payment and "
            "this approval has reached us."
        ),
        STRIPE: _(
            "It takes effect, and the contract is concluded, when the bank has approved the payment and this approval "
            "has reached us."
        ),
        PAYPAL: _(
            "It takes effect, and the contract is concluded, when PayPal has approved the payment and this approval "
            "has reached us."
        ),
    },
}


def offered(request: HttpRequest) -> dict[str, Any]:
    psps = tuple(configured())
    return {"psps": psps, "sentences": {place: by_kind[psps] for place, by_kind in SENTENCES.items()}}
