"""The error pages: drawn without the database, each with a way on, kept by no cache and found by no search engine.

Their language is the address's, even of a request that failed before anything asked for its language; in the back
office it is the browser's. They do not repeat the address, in which there may be a token: their switch leads to the
catalogue.
"""

import sys
from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers
from django.utils.translation import get_language_from_path, get_language_from_request, override

from kookut.languages import alternates
from kookut.logs import request_id

RETRY_AFTER = "60"
"""Seconds."""
OFFICE = "/admin/"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, "400.html", 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, "403.html", 403, why=str(exception))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(request, "403_csrf.html", 403, no_cookie=settings.CSRF_COOKIE_NAME not in request.COOKIES)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, "404.html", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """503 while the database does not answer, or is too busy to: the same request may succeed in a minute."""
    if not isinstance(sys.exception(), (OperationalError, InterfaceError)):
        return _page(request, "500.html", 500)
    answer = _page(request, "503.html", 503)
    answer["Retry-After"] = RETRY_AFTER
    return answer


class NotAllowedPage:
    """Gives the answer 405, which Django leaves empty, its page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if answer.status_code != 405 or answer.content:
            return answer
        page = _page(request, "405.html", 405)
        page["Allow"] = answer["Allow"]
        return page


def _page(request: HttpRequest, template: str, status: int, **facts: object) -> HttpResponse:
    of_office = request.path_info.startswith(OFFICE)
    language = get_language_from_request(request) if of_office else get_language_from_path(request.path_info)
    with override(language or settings.LANGUAGE_CODE):
        words = {"request_id": request_id.get(), "of_office": of_office, "seller": settings.SELLER, **facts}
        words["alternates"] = [] if of_office else alternates("/")
        response = HttpResponse(render_to_string(template, words), status=status)
    response["X-Robots-Tag"] = "noindex"
    add_never_cache_headers(response)
    return response
