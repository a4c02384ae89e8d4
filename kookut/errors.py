"""The error pages: drawn without the database, each with a way on, kept by no cache and found by no search engine.

Whether there was a token in the address they need not know.
"""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers

from kookut.logs import request_id


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page("400.html", 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page("403.html", 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page("403_csrf.html", 403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page("404.html", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return _page("500.html", 500)


def _page(template: str, status: int) -> HttpResponse:
    response = HttpResponse(render_to_string(template, {"request_id": request_id.get()}), status=status)
    response["X-Robots-Tag"] = "noindex"
    add_never_cache_headers(response)
    return response
