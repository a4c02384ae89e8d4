"""How bank data, secrets and papers look: what must rest nowhere in this shop is known by its form.

Every pattern is bounded: a hostile line of a log costs as much as any other of its length.
"""

import re
from collections.abc import Callable, Iterator

from stdnum import iban, luhn

GAP = "[ \u00a0\u202f-]"
"""What people, and the PSPs' pages, put between groups of digits."""
ESCAPED = re.compile(r"(?<!\\)\\{1,8}u([0-9a-fA-F]{4})")
UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
# A sign before it makes it a telephone number, digits and a dot a decimal.
DIGITS = re.compile(rf"(?<![\w+])(?<![0-9]\.)[0-9]+(?:{GAP}[0-9]+)*(?!\w|\.[0-9])")
# Issuers' prefixes with the lengths of their numbers (ISO/IEC 7812): Visa, Mastercard, American Express, Diners,
# Discover and UnionPay, JCB, Maestro. Visa's 13 digits are no more, and those of goods (EAN) are.
CARD = re.compile(
    r"4(?:[0-9]{15}|[0-9]{18})"
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"
    r"|3[47][0-9]{13}"
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11}"
    r"|6(?:011|4[4-9][0-9]|5[0-9]{2}|2[0-9]{2})[0-9]{12,15}"
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12,15}"
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{12,15}"
)
LONGEST_CARD = 19
MOST_GROUPS = 5
ACCOUNT = re.compile(
    r"(?<![\w-])[A-Z]{2}[0-9]{2}"
    rf"(?:[0-9A-Z]{{11,30}}|(?:{GAP}[0-9A-Z]{{4}}){{2,7}}(?:{GAP}[0-9A-Z]{{1,3}})?)(?![\w-])",
    re.IGNORECASE,
)
MASKED = re.compile(rf"(?:[•●∙·]{{2}}|\*{{3}}|(?<!\w)[xX]{{4,40}}){GAP}{{0,3}}[0-9]{{4}}(?![0-9])")
# The names that the PSPs give to bank data, to who pays, and to what opens something; those whose names the shop's own
# rows have too (name, email, phone, address, url, reason) are left out. As keys of JSON or of Python's dicts, however
# often they were quoted, and with a value.
FIELD_NAMES = """
    last4 last_digits dynamic_last4 exp_month exp_year expiry fingerprint iin brand funding issuer issuing_bank
    bin_details bin_country_code cvc_check cvc cvv_code avs_code address_line1_check address_postal_code_check
    three_d_secure wallet network_token network_transaction_id network_transaction_reference transaction_link_id
    authorization_code network_decline_code advice_code risk_score risk_level seller_message processor_response
    authentication_result stored_credential_usage payment_method_details payment_method_options payment_source
    balance_transaction destination_details statement_descriptor statement_descriptor_suffix
    calculated_statement_descriptor customer_details customer_email collected_information billing_details
    individual_name business_name receipt_email receipt_url receipt_number shipping_details custom_fields tax_ids
    tax_info payer payer_id payer_email payer_name account_id account_status email_address given_name surname
    full_name birth_date phone_number instructions_email radar_options buyer_info customer_purchase_ip
    seller_receivable_breakdown client_secret access_token request_log_url hosted_invoice_url
    iban iban_last_chars bic
"""
FIELDS = frozenset(FIELD_NAMES.split())
NAMED = re.compile(r"""["']([a-z0-9_]{3,40})[\\"']{1,16}\s{0,9}:\s{0,9}[\\"'0-9\[{]""")
# With this PayPal names the payer in the address by which he comes back: an access log may have it.
PAYER = re.compile(r"[?&]PayerID=\w")
SECRETS = re.compile(
    r"\b[rs]k_(?:live|test)_\w+"
    r"|\bwhsec_\w+"
    r"|\b(?:pi|seti|cs|src|ek)_\w+_secret_\w+"
    r"|\bA21AA[\w-]{20,}"
    r"|\b(?:Bearer|Basic) [\w+/=.~-]{16,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
BEARER_ADDRESS = re.compile(
    r"/pay/cs_(?:live|test)_\w+"
    r"|\b(?:checkout|pay|invoice|billing)\.stripe\.com/\w"
    r"|/checkoutnow\?\S{0,300}token=\w"
    r"|\bpaypal\.com/\S{0,300}[?&](?:token|ba_token|ec_token)=\w"
)
PAPER_HEADS = ("%PDF-", "JVBERi0", "255044462d")
"""How a PDF begins, as it is, in base64 and in hexadecimal. Its words are packed: none of them could be found."""


def kinds(text: str) -> list[str]:
    """What a text holds that must rest nowhere, by kind; never the find itself."""
    plain = UUID.sub("|", ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)), text))
    return [kind for kind, is_in in KINDS.items() if is_in(plain)]


def _has_card_number(text: str) -> bool:
    return any(
        CARD.fullmatch(number) and luhn.is_valid(number)
        for digits in DIGITS.finditer(text)
        for number in _numbers(re.split(GAP, digits[0]))
    )


def _numbers(groups: list[str]) -> Iterator[str]:
    """What neighbouring groups of digits may be together: groups of four at least, but for the last one."""
    for first in range(len(groups)):
        number = ""
        for group in groups[first : first + MOST_GROUPS]:
            number += group
            if len(number) > LONGEST_CARD or len(group) < 2:
                break
            yield number
            if len(group) < 4:
                break


def _has_field(text: str) -> bool:
    return any(name in FIELDS for name in NAMED.findall(text)) or bool(PAYER.search(text))


def _has_account(text: str) -> bool:
    return any(_is_account(found[0]) for found in ACCOUNT.finditer(text))


def _is_account(found: str) -> bool:
    """Whether it is an IBAN, with or without the words that follow it."""
    groups = re.split(GAP, found)
    return any(iban.is_valid("".join(groups[:some])) for some in range(len(groups), 0, -1))


def _form(pattern: re.Pattern[str], *hints: str) -> Callable[[str], bool]:
    """Whether a text has this form. The hints, of which it has one then, are looked for first: that is quicker."""
    return lambda text: any(hint in text for hint in hints) and bool(pattern.search(text))


KINDS: dict[str, Callable[[str], bool]] = {
    "card number": _has_card_number,
    "IBAN": _has_account,
    "masked card number": _form(MASKED, "••", "●●", "∙∙", "··", "***", "xxxx", "XXXX"),
    "field of a PSP's answer": _has_field,
    "key or token": _form(
        SECRETS, "k_live_", "k_test_", "whsec_", "_secret_", "A21AA", "Bearer ", "Basic ", "-----BEGIN"
    ),
    "address that opens by itself": _form(BEARER_ADDRESS, "/pay/cs_", ".stripe.com/", "/checkoutnow?", "paypal.com/"),
    "paper": lambda text: any(head in text for head in PAPER_HEADS),
}
