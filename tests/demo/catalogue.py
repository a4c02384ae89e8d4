"""The demo's goods and delivery methods, from goods.toml. What is already in the database stays as staff left it."""

import tomllib
from pathlib import Path
from typing import Any

from django.core.files import File

from orders.models import Product, ShippingMethod

HERE = Path(__file__).parent


def fill_catalogue() -> None:
    """Add the goods that are not there yet and, to an empty list, the delivery methods."""
    catalogue = tomllib.loads((HERE / "goods.toml").read_text())
    known = set(Product.objects.values_list("sku", flat=True))
    for position, facts in enumerate(catalogue["goods"]):
        if facts["sku"] not in known:
            add_product(position, **facts)
    if not ShippingMethod.objects.exists():
        for position, facts in enumerate(catalogue["shipping_methods"]):
            ShippingMethod.objects.create(position=position, **facts)


def add_product(position: int, *, picture: str, **facts: Any) -> None:
    """`picture` names a file in the folder pictures/; the other facts are the product's fields."""
    product = Product(position=position, **facts)
    with (HERE / "pictures" / picture).open("rb") as file:
        product.picture.save(picture, File(file), save=False)
    product.save()
