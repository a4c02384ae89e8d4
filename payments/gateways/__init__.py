"""The PSPs' adapters: the only code that speaks to Stripe and PayPal."""

from functools import lru_cache

from django.conf import settings

from payments.configuration import PayPalConfiguration, StripeConfiguration
from payments.gateways.base import CapturingGateway, Gateway, NotConfigured, PageState, PaymentFacts
from payments.gateways.paypal import PayPalGateway
from payments.gateways.stripe import StripeGateway


def gateway(provider: str) -> Gateway:
    """The gateway of a provider, as the settings configure it now. Raises NotConfigured when it is switched off."""
    if provider == "stripe" and settings.PAYMENTS.stripe:
        return _stripe(settings.PAYMENTS.stripe)
    if provider == "paypal" and settings.PAYMENTS.paypal:
        return _paypal(settings.PAYMENTS.paypal)
    raise NotConfigured(provider)


def configured() -> list[str]:
    """The providers that this shop's settings switch on."""
    return [name for name, psp in (("stripe", settings.PAYMENTS.stripe), ("paypal", settings.PAYMENTS.paypal)) if psp]


def close(provider: str, payment: PaymentFacts) -> PageState:
    """Close a payment's page and return its state afterwards, also where its provider was switched off since.

    PayPal's page takes no money by itself: who cannot capture has closed it. Raises Unreachable.
    """
    try:
        return gateway(provider).close(payment)
    except NotConfigured:
        if provider == "paypal":
            return PageState.DEAD
        raise


def capturing_gateway() -> CapturingGateway:
    """PayPal's gateway. Raises NotConfigured when it is switched off."""
    if not settings.PAYMENTS.paypal:
        raise NotConfigured("paypal")
    return _paypal(settings.PAYMENTS.paypal)


# Kept between calls for their connections and for PayPal's token; another configuration gets another gateway.
@lru_cache(maxsize=4)
def _stripe(configuration: StripeConfiguration) -> StripeGateway:
    return StripeGateway(configuration)


@lru_cache(maxsize=4)
def _paypal(configuration: PayPalConfiguration) -> PayPalGateway:
    return PayPalGateway(configuration)
