"""The test cards, and what the bank says to each (docs.stripe.com/testing)."""

from dataclasses import dataclass

BLOCKABLE = {  # the brand as an object says it → the word of `brands_blocked`
    "visa": "visa",
    "mastercard": "mastercard",
    "amex": "american_express",
    "discover": "discover_global_network",
    "diners": "discover_global_network",
    "jcb": "discover_global_network",
    "unionpay": "discover_global_network",
}
BRAND_NAMES = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "discover": "Discover",
    "diners": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}


@dataclass(frozen=True)
class Decline:
    """Why a bank says no: Stripe's code, the bank's own class, and what the page tells."""

    code: str
    decline_code: str
    message: str


@dataclass(frozen=True)
class Card:
    number: str
    brand: str
    label: str
    asks: bool = False  # 3-D Secure: the bank wants a confirmation
    decline: Decline | None = None

    @property
    def last4(self) -> str:
        return self.number[-4:]


REFUSED_BY_BUYER = Decline(
    "payment_intent_authentication_failure",
    "authentication_not_handled",
    "La confirmation auprès de votre banque a échoué. Choisissez un autre moyen de paiement.",
)

CARDS = {
    card.number: card
    for card in (
        Card("4242424242424242", "visa", "Visa, acceptée"),
        Card("5555555555554444", "mastercard", "Mastercard, acceptée"),
        Card("4000002500003155", "visa", "Visa, la banque demande une confirmation (3-D Secure)", asks=True),
        Card(
            "4000000000009995",
            "visa",
            "Refus : solde insuffisant",
            decline=Decline("card_declined", "insufficient_funds", "Le solde de votre carte est insuffisant."),
        ),
        Card(
            "4000000000000002",
            "visa",
            "Refus : sans raison donnée",
            decline=Decline("card_declined", "generic_decline", "Votre carte a été refusée."),
        ),
        Card(
            "4000000000000069",
            "visa",
            "Refus : carte échue",
            decline=Decline("expired_card", "expired_card", "Votre carte a expiré."),
        ),
        Card(
            "4000000000000127",
            "visa",
            "Refus : code de sécurité faux",
            decline=Decline("incorrect_cvc", "incorrect_cvc", "Le code de sécurité de la carte est incorrect."),
        ),
        Card(
            "4000000000000119",
            "visa",
            "Refus : erreur de traitement",
            decline=Decline("processing_error", "processing_error", "Une erreur s’est produite pendant le traitement."),
        ),
        Card("378282246310005", "amex", "American Express"),
        Card("6011111111111117", "discover", "Discover"),
    )
}
