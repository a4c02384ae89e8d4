"""What the catalogue shows: the goods on sale, of one category or all, that answer to some words, in some order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from orders import search
from orders.models import Category, Product

GOODS_PER_PAGE = 24
INSTEAD = 4
"""Goods that are shown beside one that is sold out: a row at a desk."""
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
    """One page of goods, and how it came about. `typed` are the words as the customer wrote them, which all stand in
    some of the goods if they fit: the others come last, or are all that there is."""

    categories: list[Category]
    category: Category | None
    typed: str
    order: str
    fits: bool
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
        if self.category is None:
            found = gettext("Search for “%(words)s”") if self.fits else gettext("Nothing found for “%(words)s”")
            return found % {"words": self.typed}
        found = (
            gettext("Search for “%(words)s” in “%(category)s”")
            if self.fits
            else gettext("Nothing found for “%(words)s” in “%(category)s”")
        )
        return found % {"words": self.typed, "category": self.category.name}

    @property
    def first_other(self) -> Product | None:
        """Of this page, the first that holds only some of the words."""
        goods = self.page.object_list
        return next((product for product in goods if getattr(product, "rank", 0) >= search.ONLY_SOME), None)

    @property
    def is_a_selection(self) -> bool:
        """Whether this is one customer's question rather than a page of the shop: nothing for search engines."""
        return bool(self.typed) or self.order != OUR_ORDER


def look(asked: QueryDict, slug: str = "") -> Catalogue:
    """Read what the address asks for, in 4 queries, 5 where nothing fits; what it asks wrongly is left out.

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
    fits = not typed
    if words:
        goods, fits = _found(goods, typed, words, categories)
        goods = goods.alias(sold_out=_whether(stock=0), only_some=_whether(rank__gte=search.ONLY_SOME))
    goods = goods.order_by(*(_ranks(order) if words else []), *_columns(order))
    page = Paginator(goods, GOODS_PER_PAGE).get_page(asked.get("page"))
    page.object_list = list(page.object_list)
    shelves: list[Category] = [each for each in categories if each.filled or each == category]
    return Catalogue(shelves, category, typed, order, fits, page)


def to_be_had_instead(sold_out: Product) -> list[Product]:
    """The first goods of the same category that are in stock; none for goods without one."""
    if sold_out.category_id is None:
        return []
    return list(_on_sale().filter(category=sold_out.category_id, stock__gt=0)[:INSTEAD])


def _on_sale() -> QuerySet[Product]:
    return Product.objects.filter(active=True)


def _found(
    goods: QuerySet[Product], typed: str, words: list[str], categories: Sequence[Category]
) -> tuple[QuerySet[Product], bool]:
    """The goods for these words, and whether any of them fits: all of its words are there, or nearly."""
    found = search.holding(goods, typed, words, _language(), {each.pk: each.name for each in categories})
    if found.filter(rank__lt=search.ONLY_SOME).exists():
        return found, True
    nearly = search.resembling(goods, words, _language())
    return (nearly, True) if nearly.exists() else (found, False)


def _whether(**holds: int) -> ExpressionWrapper[Q]:
    return ExpressionWrapper(Q(**holds), BooleanField())


def _ranks(order: str) -> list[str]:
    """What comes before the order that was asked for: goods that fit, and in our own order those to be had."""
    return ["rank", "sold_out"] if order == OUR_ORDER else ["only_some"]


def _columns(order: str) -> list[str]:
    return [column.format(language=_language()) for column in ORDERS[order][1]]


def _language() -> str:
    return (get_language() or "fr")[:2]
