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


def sentence(payment: Payment | None) -> str:
    """The sentence for a payment's refusal, in the language in use."""
    refusal = Refusal((payment and payment.refusal) or Refusal.GENERIC)
    if payment and payment.method == Method.TWINT and refusal in OF_A_CARD:
        return str(NOT_CONFIRMED)
    return str(SENTENCES[refusal])
