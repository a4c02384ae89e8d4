"""What the customer's statement calls a payment, by its method."""

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
