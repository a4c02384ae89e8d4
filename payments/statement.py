"""What the customer's statement calls a payment, by its method."""

from collections.abc import Mapping

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


def names_on_statements(methods: Mapping[str, str], name: str) -> dict[str, str]:
    """Those of several methods, by the label that is given of each; empty of one that each bank prints as it likes."""
    return {label: name_on_statement(method, name) for method, label in methods.items()}
