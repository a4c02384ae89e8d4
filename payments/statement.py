"""What the customer's statement calls a payment, by its method.

The name is the one that is set up in the accounts at Stripe and at PayPal. None is sent along: PayPal would print it
behind its account's own (developer.paypal.com, Orders v2, soft_descriptor), and Stripe refuses one for cards.
"""

PAYPALS_OWN = "PAYPAL\N{NO-BREAK SPACE}*"
LONGEST = 22
"""Characters that the card networks print."""


def name_on_statement(method: str, name: str) -> str:
    """The shop's `name` as the statement prints it; empty of TWINT, which leaves that to each customer's bank."""
    match method:
        case "card":
            return name
        case "paypal":
            return f"{PAYPALS_OWN}{name}"[:LONGEST]
        case _:
            return ""
