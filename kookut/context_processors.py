"""What every page shows of the site: who sells, and the same page in the other languages."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from kookut.languages import alternates, preferred, unprefixed


def site(request: HttpRequest) -> dict[str, Any]:
    return {
        "seller": settings.SELLER,
        "alternates": SimpleLazyObject(lambda: alternates(unprefixed(request))),
        "preferred": SimpleLazyObject(lambda: preferred(request)),
    }
