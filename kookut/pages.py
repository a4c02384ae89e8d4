"""The fixed pages: secure payment, confidentiality, terms, contact and imprint."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


def fixed(name: str) -> Callable[[HttpRequest], HttpResponse]:
    """A view that shows `templates/pages/<name>.html`."""

    @require_safe
    def page(request: HttpRequest) -> HttpResponse:
        return render(request, f"pages/{name}.html")

    return page
