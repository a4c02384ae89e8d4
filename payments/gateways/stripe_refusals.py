"""Why a bank refused, in the shop's classes: the bank's own word for it is the customer's business, and is not kept."""

from collections.abc import Mapping

# Codes: docs.stripe.com/declines/codes and docs.stripe.com/error-codes. Lost, stolen and suspected cards are left
# out on purpose: whoever holds one learns nothing from us.
CODES: dict[str, tuple[str, ...]] = {
    "funds": ("insufficient_funds", "card_velocity_exceeded", "withdrawal_count_limit_exceeded"),
    "authentication": (
        "authentication_required",
        "authentication_failure",
        "authentication_not_handled",
        "mobile_device_authentication_required",
        "payment_intent_authentication_failure",
    ),
    "data": (
        "incorrect_number",
        "invalid_number",
        "incorrect_cvc",
        "invalid_cvc",
        "invalid_expiry_month",
        "invalid_expiry_year",
        "expired_card",
        "incorrect_zip",
        "incorrect_address",
    ),
    "not_allowed": (
        "card_not_supported",
        "currency_not_supported",
        "invalid_card_type",
        "not_permitted",
        "service_not_allowed",
        "transaction_not_allowed",
    ),
    "technical": ("issuer_not_available", "processing_error", "reenter_transaction", "try_again_later"),
    "timeout": ("payment_intent_payment_attempt_expired", "payment_method_provider_timeout"),
}
CLASSES = {code: refusal for refusal, codes in CODES.items() for code in codes}


def refusal(error: object) -> str | None:
    """The class of an intent's last error; its decline code says more than `card_declined`."""
    if not isinstance(error, Mapping):
        return None
    declined = CLASSES.get(str(error.get("decline_code")))
    # A decline code that is not listed is generic, whatever the code above it is.
    return declined or ("generic" if error.get("decline_code") else refusal_of(error.get("code")))


def refusal_of(code: object) -> str:
    """The class of an error code; `generic` for all that is not listed. Nothing for no code."""
    return CLASSES.get(code, "generic") if isinstance(code, str) else ""
