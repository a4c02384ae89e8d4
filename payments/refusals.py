"""Why a bank said no, in sentences that a customer can act upon: the order's page and the mail say the same."""

from django.utils.translation import gettext_lazy as _

from payments.models import Method, Payment, Refusal

SENTENCES = {
    Refusal.FUNDS: _("The bank says that the limit or the balance is not enough. Try another means of payment."),
    Refusal.AUTHENTICATION: _(
        "The check that your bank asked for was not completed. Try again and confirm in your bank’s app."
    ),
    Refusal.DATA: _("The card’s data were not recognised. Check them, or take another card."),
    Refusal.NOT_ALLOWED: _(
        "This card does not allow this kind of purchase. Try another card, or another payment method."
    ),
    Refusal.TECHNICAL: _("The bank could not be reached. Try again in a few minutes."),
    Refusal.TIMEOUT: _("The time to confirm in the app is over. Try again when you have your phone at hand."),
    Refusal.PAYPAL: _(
        "PayPal could not debit the account chosen. Change the card or account in PayPal, or take another means of "
        "payment."
    ),
    Refusal.OPENING: _("The payment page could not be opened. Try again, or take another means of payment."),
    Refusal.GENERIC: _(
        "Your bank did not accept the payment. Only the bank can say why. Try another means of payment, or ask the "
        "bank."
    ),
}

OF_A_CARD = {Refusal.AUTHENTICATION, Refusal.DATA, Refusal.NOT_ALLOWED, Refusal.GENERIC}
"""What Stripe calls by a card's names also where TWINT was refused, in its app or by who stands behind it."""
NOT_CONFIRMED = _(
    "The payment was declined in the TWINT app, or TWINT did not allow it. Try again, or take another means of payment."
)


ASK_FOR_ANOTHER = {Refusal.FUNDS, Refusal.GENERIC}
"""Those whose sentence advises another means of payment before anything else."""


def sentence(payment: Payment | None) -> str:
    """The sentence for a payment's refusal, in the language in use."""
    if _is_of_the_app(payment):
        return str(NOT_CONFIRMED)
    return str(SENTENCES[_cause(payment)])


def asks_for_another_means(payment: Payment | None) -> bool:
    """Whether the sentence advises another means of payment than the one that was used."""
    return _cause(payment) in ASK_FOR_ANOTHER and not _is_of_the_app(payment)


def _cause(payment: Payment | None) -> Refusal:
    return Refusal((payment and payment.refusal) or Refusal.GENERIC)


def _is_of_the_app(payment: Payment | None) -> bool:
    return payment is not None and payment.method == Method.TWINT and _cause(payment) in OF_A_CARD
