"""What the soak's shop sells, and who works there."""

from django.contrib.auth.models import User
from django.core.management import call_command

from orders.models import Product, ShippingMethod
from tests.soak.staff import NAMES

PRICES = (900, 2900, 4850, 12_000, 38_500, 129_000)  # the last is above what goes back by itself
SCARCE = "soak-6"


def lay_out(checkouts: int) -> dict[str, int]:
    """Tables, static files, members of staff, goods: plenty of all but one, so that it sells out; the stock by SKU."""
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    for name in NAMES:
        User.objects.create_superuser(name)
    ShippingMethod.objects.create(names={"fr": "PostPac Priority"}, price=900, delivery_days=1, countries=["CH", "LI"])
    for n, price in enumerate(PRICES, 1):
        slug = f"soak-{n}"
        stock = max(3, checkouts // 5) if slug == SCARCE else checkouts * 3
        Product.objects.create(sku=slug, slug=slug, names={"fr": f"Article {n}"}, price=price, stock=stock)
    return dict(Product.objects.values_list("sku", "stock"))
