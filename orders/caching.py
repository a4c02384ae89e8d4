"""Pages of which no copy is kept: each look at them is a new one."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers, patch_cache_control

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def never_cached(view: View[P]) -> View[P]:
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        keep_no_copy(request, response)
        return response

    return guarded


def keep_no_copy(request: HttpRequest, response: HttpResponse) -> None:
    """Of the mistakes of a form that was sent (422) the browser alone may keep one: without it, its back button shows
    an error instead, or asks for the form to be sent again."""
    if request.method == "POST" and response.status_code == 422:
        patch_cache_control(response, private=True, no_cache=True)
    else:
        add_never_cache_headers(response)
