"""What pages behind a token, or asked for too often, have in common."""

from collections.abc import Callable
from functools import wraps
from math import ceil
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from orders.caching import keep_no_copy

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def private(view: View[P]) -> View[P]:
    """For what stands behind a token: kept by no cache, found by no search engine."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["X-Robots-Tag"] = "noindex"
        keep_no_copy(request, response)
        return response

    return guarded


def wait(request: HttpRequest, seconds: int) -> HttpResponse:
    """Nothing was done; the same request may come again after so many seconds at most."""
    match = request.resolver_match
    context = {"minutes": ceil(seconds / 60), "token": match.kwargs.get("token") if match else None}
    response = render(request, "429.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response
