"""What every page shows of the site: who sells, and the same page in the other languages."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import translate_url
from django.utils.translation import get_language


def site(request: HttpRequest) -> dict[str, Any]:
    return {"seller": settings.SELLER, "alternates": _alternates(request)}


def _alternates(request: HttpRequest) -> list[dict[str, object]]:
    here = request.get_full_path()
    return [
        {"code": code, "name": name, "url": translate_url(here, code), "current": code == get_language()}
        for code, name in settings.LANGUAGES
    ]
