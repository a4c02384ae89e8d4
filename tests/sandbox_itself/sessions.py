"""Parameters of a Checkout Session as our shop would send them."""

from typing import Any, cast

from stripe.params.checkout import SessionCreateParams

NO_AMEX = {"card": {"restrictions": {"brands_blocked": ["american_express", "discover_global_network"]}}}


def params(*methods: str, amount: int = 4990, currency: str = "chf", **more: Any) -> SessionCreateParams:
    """Restricted cards unless other methods are named. What is given as None is left out."""
    price = {"currency": currency, "unit_amount": amount, "product_data": {"name": "Commande KK-1"}}
    base = {
        "mode": "payment",
        "locale": "fr",
        "line_items": [{"quantity": 1, "price_data": price}],
        "client_reference_id": "payment-1",
        "metadata": {"payment": "payment-1"},
        "payment_intent_data": {"metadata": {"payment": "payment-1"}},
        "customer_email": "anne@example.ch",
        "success_url": "http://localhost:8000/retour?s={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://localhost:8000/abandon",
        "adaptive_pricing": {"enabled": False},
        "allowed_payment_method_types": list(methods or ("card",)),
        "payment_method_options": NO_AMEX,
    }
    merged = {name: value for name, value in {**base, **more}.items() if value is not None}
    return cast(SessionCreateParams, merged)
