"""What our PSPs' dashboards are set to; kept in the books, so that a restart keeps it."""

from dataclasses import asdict, dataclass, fields, replace

from tests.environment import PAYPAL_WEBHOOK_ID, STRIPE_WEBHOOK_SECRET
from tests.sandbox.books import Books
from tests.sandbox.manner import FAULTS, Manner

REFUNDS = ("succeeded", "pending", "failed", "refused")


@dataclass(frozen=True)
class Settings:
    shop_url: str
    stripe_methods: tuple[str, ...] = ("card", "twint")  # what the dashboard enables
    paypal_blocks_duplicate_invoices: bool = True
    paypal_keeps_approval: bool = False  # whether an order whose capture was declined stays APPROVED
    paypal_token_seconds: int = 32_400
    paypal_reports: bool = True  # whether the app may search transactions
    paypal_report_seconds: float = 0.0  # how late they are told; really up to three hours
    paypal_report_most: int = 10_000  # how many a search may find
    hold_webhooks: bool = False  # nothing is sent: a test collects the messages and posts them itself
    retry_base_seconds: float = 1.0  # waits 1, 2, 4, 8 … times this
    retry_cap_seconds: float = 60.0
    max_tries: int = 25
    refunds: str = "succeeded"  # what becomes of the shop's refunds: a word of REFUNDS; refused: no funds
    refund_webhook: str = "none"  # how the messages of the shop's refunds go
    refund_seconds: float = 0.0
    stripe_secret: str = STRIPE_WEBHOOK_SECRET  # what messages are signed with; a rolled one
    paypal_webhook: str = PAYPAL_WEBHOOK_ID

    @property
    def of_refunds(self) -> Manner:
        return Manner.of({"webhook": self.refund_webhook, "seconds": self.refund_seconds})


class Dashboard:
    """The settings as they are now."""

    def __init__(self, books: Books, default: Settings) -> None:
        self._books = books
        self._default = default

    def read(self) -> Settings:
        changed = self._books.get("settings", "changed") or {}
        return replace(self._default, **{**changed, **_tuples(changed)})

    def change(self, **changes: object) -> Settings:
        """Raises ValueError for a name or a word that does not exist."""
        unknown = changes.keys() - {field.name for field in fields(Settings)}
        if unknown:
            raise ValueError(f"no such setting: {', '.join(sorted(unknown))}")
        for name, words in (("refunds", REFUNDS), ("refund_webhook", FAULTS)):
            if changes.get(name, words[0]) not in words:
                raise ValueError(f"no such word for {name}: {changes[name]}")
        with self._books.turn():
            self._books.put("settings", "changed", {**(self._books.get("settings", "changed") or {}), **changes})
        return self.read()

    def as_json(self) -> dict[str, object]:
        return asdict(self.read())


def _tuples(changed: dict[str, object]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(value) for name, value in changed.items() if isinstance(value, list)}
