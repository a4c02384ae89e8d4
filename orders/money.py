"""Money: integers of centimes, printed in one way everywhere."""

CURRENCY = "CHF"
NBSP = "\u00a0"
THOUSANDS = "\u2019"


def format_chf(centimes: int) -> str:
    """Print centimes as customers read them: `CHF 1’250.50`, with a space that does not break."""
    return format_money(centimes, CURRENCY)


def format_money(centimes: int, currency: str) -> str:
    """The same in another currency: money that came in one does not fit, but somebody has to read of it."""
    return f"{currency}{NBSP}{format_amount(centimes)}"


def format_amount(centimes: int) -> str:
    """Print centimes without the currency: `1’250.50`."""
    sign = "-" if centimes < 0 else ""
    francs, rest = divmod(abs(centimes), 100)
    return f"{sign}{francs:,}.{rest:02d}".replace(",", THOUSANDS)
