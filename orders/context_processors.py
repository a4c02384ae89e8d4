"""What every page of the shop shows of the cart."""

from collections.abc import Callable

from django.http import HttpRequest

from orders.cart import read


def cart(request: HttpRequest) -> dict[str, Callable[[], int]]:
    """`cart_count`, read from the session only by the pages that show it."""
    return {"cart_count": lambda: read(request.session).count}
