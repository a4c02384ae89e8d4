"""What the catalogue shows: the goods on sale, of one category or all, that answer to some words, in some order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, QuerySet
from django.http import QueryDict
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from orders import search
from orders.models import Category, Product

GOODS_PER_PAGE = 24
OUR_ORDER = "shop"
ORDERS = {
    OUR_ORDER: (_("Our choice"), ["position", "id"]),
    "new": (_("Newest first"), ["-id"]),
    "price": (_("Lowest price first"), ["price", "id"]),
    "-price": (_("Highest price first"), ["-price", "-id"]),
    "name": (_("Name, A to Z"), ["words_{language}", "id"]),
}
"""By the word in the address: what customers read, and the columns."""


@dataclass(frozen=True)
class Catalogue:
    """One page of goods, and how it came about. `typed` are the words as the customer wrote them."""

    categories: list[Category]
    category: Category | None
    typed: str
    order: str
    page: Page[Product]

    @property
    def orders(self) -> list[tuple[str, Any]]:
        return [(key, label) for key, (label, _columns) in ORDERS.items()]

    @property
    def order_name(self) -> Any:
        return ORDERS[self.order][0]

    @property
    def title(self) -> str:
        if not self.typed:
            return self.category.name if self.category else gettext("All goods")
        sentence = (
            gettext("Search for “%(words)s”") if self.page.object_list else gettext("Nothing found for “%(words)s”")
        )
        found = sentence % {"words": self.typed}
        return f"{found}, {self.category.name}" if self.category else found

    @property
    def is_a_selection(self) -> bool:
        """Whether this is one customer's question rather than a page of the shop: nothing for search engines."""
        return bool(self.typed) or self.order != OUR_ORDER


def look(asked: QueryDict, slug: str = "") -> Catalogue:
    """Read what the address asks for, in 4 queries; what it asks wrongly is left out.

    Raises Category.DoesNotExist when no category has this slug.
    """
    categories = list(Category.objects.annotate(filled=Exists(_on_sale().filter(category=OuterRef("pk")))))
    category = next((each for each in categories if each.slug == slug), None)
    if slug and category is None:
        raise Category.DoesNotExist
    typed = " ".join(asked.get("q", "").replace("\x00", "").split())[: search.MAX_LENGTH]
    order = asked.get("sort", "")
    order = order if order in ORDERS else OUR_ORDER
    words = search.words_of(typed)
    goods = _on_sale() if words or not typed else _on_sale().none()
    if category:
        goods = goods.filter(category=category)
    if words:
        goods = _found(goods, typed, words, categories)
    goods = goods.order_by(*(["rank"] if words and order == OUR_ORDER else []), *_columns(order))
    page = Paginator(goods, GOODS_PER_PAGE).get_page(asked.get("page"))
    page.object_list = list(page.object_list)
    return Catalogue([each for each in categories if each.filled or each == category], category, typed, order, page)


def _on_sale() -> QuerySet[Product]:
    return Product.objects.filter(active=True)


def _found(goods: QuerySet[Product], typed: str, words: list[str], categories: Sequence[Category]) -> QuerySet[Product]:
    found = search.holding(goods, typed, words, _language(), {each.pk: each.name for each in categories})
    return found if found.exists() else search.resembling(goods, words, _language())


def _columns(order: str) -> list[str]:
    return [column.format(language=_language()) for column in ORDERS[order][1]]


def _language() -> str:
    return (get_language() or "fr")[:2]
