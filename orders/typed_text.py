"""What customers may type into a line of text: any script, but nothing invisible, no card number, no web address.

The texts end up on pages, parcels, mails and documents, and stay in the database: what could disguise itself there,
or must never rest there, is refused with a sentence. Every refusal has a `code`.
"""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

UNSAFE = "unsafe"
CARD_NUMBER = "card_number"
WEB_ADDRESS = "web_address"
ENDLESS = "endless"

MOST_CHARACTERS = 1000
"""What is longer is nobody's line of an address: it is not even looked at, since looking costs time."""

# Controls, invisible and direction-changing characters, private use, lone surrogates, line and paragraph ends.
INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
MARKS = {"Mn", "Me"}
MAX_MARKS = 4
# Not what begins with + or 0, as a phone number with its country code does.
DIGITS = re.compile(r"(?<![+\d])(?<!\d[ .\-])[1-9](?:[ .\-]?\d){12,}")
WEB = re.compile(r"://|\bwww\.", re.IGNORECASE)
DOMAIN = re.compile(
    r"[\w-]{2,}\.(?:com|net|org|info|biz|ch|li|fr|de|it|at|eu|uk|ru|cn|io|me|co|ly|to|app|dev|xyz|top|shop|store|site"
    r"|online|link|click|live|club|vip|icu)\b",
    re.IGNORECASE,
)


def tidy(text: str) -> str:
    """One form for one text: composed characters (NFC), single spaces, none at the ends."""
    composed = unicodedata.normalize("NFC", text)
    return re.sub(r"[\t\u00a0\u2000-\u200a\u202f\u205f\u3000 ]+", " ", composed).strip(" ")


def refuse_invisible(text: str) -> None:
    """Raise ValidationError (UNSAFE) for characters that nobody sees, or more accents than any letter bears."""
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in MARKS else 0
        if category in INVISIBLE or marks > MAX_MARKS:
            raise ValidationError(
                _("There is an invisible or unreadable character in it. Type the text anew, without pasting."),
                code=UNSAFE,
            )


def refuse_card_number(text: str) -> None:
    """Raise ValidationError (CARD_NUMBER) for 13 to 19 digits that are a card's: the shop must not even keep a mistake.

    Cards begin with 2 to 6 (ISO/IEC 7812).
    """
    for run in DIGITS.findall(unicodedata.normalize("NFKC", text)):
        digits = [int(character) for character in run if character.isdigit()]
        for length in range(13, min(19, len(digits)) + 1):
            for start in range(len(digits) - length + 1):
                if 2 <= digits[start] <= 6 and _passes_luhn(digits[start : start + length]):
                    raise ValidationError(
                        _("This looks like a card number. Never type it here: only the payment page asks for it."),
                        code=CARD_NUMBER,
                    )


def refuse_web_address(text: str) -> None:
    """Raise ValidationError (WEB_ADDRESS): our mails must carry no stranger's link."""
    if WEB.search(text):
        raise ValidationError(_("Type it without a web address."), code=WEB_ADDRESS)


def refuse_domain(text: str) -> None:
    """Raise ValidationError (WEB_ADDRESS) for what mail programs turn into a link by themselves, in a person's name."""
    if WEB.search(text) or DOMAIN.search(text) or "@" in text:
        raise ValidationError(_("Type the name without a web or e-mail address."), code=WEB_ADDRESS)


def _passes_luhn(digits: list[int]) -> bool:
    total = sum(digits[-1::-2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return total % 10 == 0
