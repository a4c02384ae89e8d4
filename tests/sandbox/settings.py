"""What our PSPs' dashboards are set to; kept in the books, so that a restart keeps it."""

from dataclasses import asdict, dataclass, fields, replace

from tests.sandbox.books import Books


@dataclass(frozen=True)
class Settings:
    shop_url: str
    stripe_methods: tuple[str, ...] = ("card", "twint")  # what the dashboard enables
    paypal_blocks_duplicate_invoices: bool = True
    paypal_token_seconds: int = 32_400
    hold_webhooks: bool = False  # nothing is sent: a test collects the messages and posts them itself
    retry_base_seconds: float = 1.0  # waits 1, 2, 4, 8 … times this
    retry_cap_seconds: float = 60.0
    max_tries: int = 25


class Dashboard:
    """The settings as they are now."""

    def __init__(self, books: Books, shop_url: str) -> None:
        self._books = books
        self._default = Settings(shop_url=shop_url)

    def read(self) -> Settings:
        changed = self._books.get("settings", "changed") or {}
        return replace(self._default, **{**changed, **_tuples(changed)})

    def change(self, **changes: object) -> Settings:
        """Raises ValueError for a name that does not exist."""
        unknown = changes.keys() - {field.name for field in fields(Settings)}
        if unknown:
            raise ValueError(f"no such setting: {', '.join(sorted(unknown))}")
        with self._books.turn():
            self._books.put("settings", "changed", {**(self._books.get("settings", "changed") or {}), **changes})
        return self.read()

    def as_json(self) -> dict[str, object]:
        return asdict(self.read())


def _tuples(changed: dict[str, object]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(value) for name, value in changed.items() if isinstance(value, list)}
