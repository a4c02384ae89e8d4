"""Codes that people read aloud and type: Crockford's alphabet with a check character from the same alphabet."""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ORDER_NUMBER_LENGTH = 10
"""Of `KK-7F3Q-20M4` without its hyphens."""
LOOKALIKES = str.maketrans("OIL", "011")


def new_code(length: int) -> str:
    """`length` random characters (5 bits each) and their check character."""
    random = "".join(secrets.choice(ALPHABET) for _ in range(length))
    return random + check_character(random)


def check_character(code: str) -> str:
    """The Luhn check over 32 characters: finds every single wrong character and nearly every swap of neighbours."""
    total = 0
    for position, character in enumerate(reversed(code)):
        value = ALPHABET.index(character)
        if position % 2 == 0:
            doubled = 2 * value
            value = doubled // 32 + doubled % 32
        total += value
    return ALPHABET[-total % 32]


def grouped(code: str) -> str:
    """A code in groups that can be read aloud: `7F3Q-20KX-9M4DX`, the check character with the last one."""
    body, check = code[:-1], code[-1:]
    return "-".join(body[start : start + 4] for start in range(0, len(body), 4)) + check


def normalise(typed: str) -> str:
    """What a person meant: capitals, letters and digits only, O as 0, I and L as 1."""
    return "".join(filter(str.isalnum, typed.upper())).translate(LOOKALIKES)


def is_like_an_order_number(typed: str) -> bool:
    """Whether a customer means an order: KK and eight characters, right or mistyped."""
    meant = normalise(typed)
    return meant.startswith("KK") and len(meant) == ORDER_NUMBER_LENGTH


def is_valid(code: str) -> bool:
    """Whether a normalised code holds only letters of the alphabet and ends with its check character."""
    return len(code) > 1 and set(code) <= set(ALPHABET) and check_character(code[:-1]) == code[-1]
