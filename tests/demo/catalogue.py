"""The demo's goods and delivery methods, from goods.toml. What is already in the database stays as staff left it."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from orders import pictures
from orders.models import Category, Product, ShippingMethod

HERE = Path(__file__).parent


def fill_catalogue() -> None:
    """Add the goods that are not there yet and, to empty lists, the categories and the delivery methods."""
    catalogue = tomllib.loads((HERE / "goods.toml").read_text())
    if not Category.objects.exists():
        add_categories(catalogue)
    known = set(Product.objects.values_list("slug", flat=True))
    for position, facts in enumerate(catalogue["goods"]):
        if facts["slug"] not in known:
            add_product(position, **facts)
    if not ShippingMethod.objects.exists():
        for position, facts in enumerate(catalogue["shipping_methods"]):
            ShippingMethod.objects.create(position=position, **facts)


def add_categories(catalogue: dict[str, Any]) -> None:
    """Goods of a demo that knew no categories yet get theirs."""
    for position, facts in enumerate(catalogue["categories"]):
        category = Category.objects.create(position=position, **facts)
        slugs = [good["slug"] for good in catalogue["goods"] if good["category"] == category.slug]
        Product.objects.filter(slug__in=slugs).update(category=category)


def add_product(position: int, *, category: str, picture: str, **facts: Any) -> None:
    """`category` is a slug, `picture` names a file in the folder pictures/; the other facts are columns."""
    product = Product(position=position, category=Category.objects.filter(slug=category).first(), **facts)
    product.take_picture(stored(picture))
    product.save()
    if product.stock:
        product.adjustments.create(kind="first", difference=product.stock, stock_after=product.stock)


@cache
def stored(picture: str) -> pictures.Picture:
    """The files of a picture, made and stored once in a process."""
    with (HERE / "pictures" / picture).open("rb") as file:
        made = pictures.prepare(file)
    pictures.store(made)
    return made
