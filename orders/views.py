"""The pages until the customer's details are complete."""

from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import BadRequest
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import cache_control
from django.views.decorators.http import etag, require_http_methods, require_safe

from orders import cart as carts
from orders import details as details_in_session
from orders import pictures
from orders.caching import View, keep_no_copy, never_cached
from orders.catalogue import look, to_be_had_instead
from orders.checkout import current_order_token, waiting_order
from orders.codes import is_like_an_order_number
from orders.forms import AddForm, CartForm, DetailsForm
from orders.models import TWINT_LIMIT, Category, Product
from orders.quote import Quote, countries_reached, offers, quote

PICTURE_SIZES = "(min-width: 70rem) 32rem, (min-width: 44rem) 46vw, calc(100vw - 2rem)"
"""How wide the product page shows its picture: the style sheet's grid, for the browser's choice of a file."""
A_YEAR = 365 * 24 * 3600
LONGEST_METHOD = 10
"""Characters that a means of payment is called by in a form: the choice is kept while the customer is asked."""
WHAT_WAS_SHOWN = ("checkout_key", "total", "delivery_by")
"""Fields of the review's form that say what has changed: kept for who reads of it in another language."""
LONGEST_SHOWN = 40
"""Characters of each of them."""


class SeeOther(HttpResponseRedirect):
    """The answer to a POST: go and look there (303)."""

    status_code = 303


@require_safe
def catalogue(request: HttpRequest, slug: str = "") -> HttpResponse:
    """All goods or those of one category; `q`, `sort` and `page` say which and in what order. Who searches for an
    order's number is led to where orders are found."""
    if is_like_an_order_number(request.GET.get("q", "")):
        found = urlencode({"number": request.GET["q"].strip()})
        return HttpResponseRedirect(f"{reverse('payments:find_order')}?{found}")
    try:
        shown = look(request.GET, slug)
    except Category.DoesNotExist as unknown:
        raise Http404 from unknown
    number = shown.page.number
    page = {"catalogue": shown, "page": shown.page, "canonical": _canonical(request, number)}
    waiting = waiting_order(request.session)
    response = render(request, "orders/catalogue.html", page | {"waiting": waiting})
    if waiting:
        keep_no_copy(request, response)
    return response


def _canonical(request: HttpRequest, page: int = 1) -> str:
    """The one address under which search engines should know a page."""
    return f"{settings.SITE_URL}{request.path}{f'?page={page}' if page > 1 else ''}"


@require_http_methods(["GET", "HEAD", "POST"])
def product(request: HttpRequest, slug: str) -> HttpResponse:
    """One product; its POST puts it into the cart."""
    shown = get_object_or_404(Product.objects.select_related("category"), slug=slug, active=True)
    if "language" in request.POST:
        return SeeOther(f"{request.path}?{urlencode({'quantity': request.POST.get('quantity', '')[:3]})}")
    if request.method != "POST":
        return _product_page(request, shown, AddForm(initial={"quantity": request.GET.get("quantity", "1")[:3]}))
    form = AddForm(_unrepeated(request.POST))
    if form.is_valid() and _add(request, shown, form):
        return SeeOther(f"{reverse('orders:product', args=[slug])}?added")
    return _product_page(request, shown, form, status=422)


def _what_is_left(stock: int) -> str:
    return ngettext("Only %(n)s left", "Only %(n)s left", stock) % {"n": stock} if stock else _("Sold out")


def _add(request: HttpRequest, shown: Product, form: AddForm) -> bool:
    quantity = form.cleaned_data["quantity"]
    in_cart = carts.read(request.session).lines.get(shown.pk)
    if (in_cart.quantity if in_cart else 0) + quantity > shown.stock:
        form.add_error("quantity", _what_is_left(shown.stock))
        return False
    try:
        carts.add(request.session, shown.pk, quantity, shown.price)
    except ValueError:
        limit = _("A basket holds at most %(limit)s articles. Order these first.") % {"limit": carts.MAX_LINES}
        form.add_error("quantity", limit)
        return False
    return True


def _product_page(request: HttpRequest, shown: Product, form: AddForm, status: int = 200) -> HttpResponse:
    added = request.method != "POST" and "added" in request.GET and shown.pk in carts.read(request.session).lines
    delivery = next(iter(offers(shown.price)), None)
    page = {
        "product": shown,
        "form": form,
        "added": added,
        "delivery": delivery,
        "return_days": settings.RETURN_DAYS,
        "sizes": PICTURE_SIZES,
        "above_twint": shown.price > TWINT_LIMIT,
        "canonical": _canonical(request),
        "similar": [] if shown.stock else to_be_had_instead(shown),
    }
    return render(request, "orders/product.html", page, status=status)


@require_safe
@cache_control(public=True, max_age=A_YEAR, immutable=True)
@etag(lambda request, name: f'"{name}"')
def picture(request: HttpRequest, name: str) -> FileResponse:
    """A file of the goods' pictures, from wherever the storage keeps it; a name never gets another content."""
    try:
        file = default_storage.open(name)
    except FileNotFoundError as missing:
        raise Http404 from missing
    return FileResponse(file, content_type=pictures.TYPES[name.rpartition(".")[2]])


@never_cached
@require_http_methods(["GET", "HEAD", "POST"])
def cart(request: HttpRequest) -> HttpResponse:
    """The cart; its POST takes quantities and the delivery method, and may go on to the details."""
    current = _quote(request)
    if request.method != "POST":
        return _cart_page(request, current, CartForm(current))
    form = CartForm(current, _unrepeated(request.POST))
    if not form.is_valid():
        return _cart_page(request, current, form, status=422)
    carts.set_quantities(request.session, form.quantities)
    if form.cleaned_data["shipping"]:
        carts.choose_shipping(request.session, form.cleaned_data["shipping"])
    if "checkout" in request.POST:
        return _see("orders:details")
    return _see_cart_without(*(product for product, quantity in form.quantities.items() if not quantity))


def _see_cart_without(*products: int) -> SeeOther:
    """The cart, which says that these were taken out, for who did so by a slip of the finger."""
    query = f"?{urlencode({'removed': products}, doseq=True)}" if products else ""
    return SeeOther(f"{reverse('orders:cart')}{query}")


def _removed(request: HttpRequest) -> list[Product]:
    """What was taken out of the cart just now and can be put in again."""
    asked = [int(typed) for typed in request.GET.getlist("removed") if carts.IDENTIFIER.fullmatch(typed)]
    taken_out = set(asked[: carts.MAX_LINES]) - carts.read(request.session).lines.keys()
    return list(Product.objects.filter(active=True, pk__in=taken_out)) if taken_out else []


def _cart_page(request: HttpRequest, current: Quote, form: CartForm, status: int = 200) -> HttpResponse:
    goods = {"name": _("Goods"), "quantity": 1, "total": current.goods_total}
    page = {"quote": current, "form": form, "goods": [goods], "back": "cart"}
    page["waiting"] = waiting_order(request.session)
    page["removed"] = _removed(request)
    page["country"] = _country(request)
    return render(request, "orders/cart.html", page, status=status)


def posted(view: View[[]]) -> View[[]]:
    """For a button of the cart: who gets there otherwise (a reload, another language) sees the cart."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def guarded(request: HttpRequest, /) -> HttpResponse:
        return view(request) if request.method == "POST" else _see("orders:cart")

    return guarded


@never_cached
@posted
def remove(request: HttpRequest) -> HttpResponse:
    posted = _unrepeated(request.POST).get("product", "")
    if not carts.IDENTIFIER.fullmatch(posted):
        raise BadRequest("No product's id")
    carts.remove(request.session, int(posted))
    return _see_cart_without(int(posted))


@never_cached
@posted
def accept_changes(request: HttpRequest) -> HttpResponse:
    """Take over what the catalogue still offers, at its prices; go back to the page that told of the changes."""
    current = _quote(request)
    shipping = current.delivery.method.pk if current.delivery else None
    carts.agree(request.session, current.agreed, shipping)
    if request.POST.get("back") == "cart":
        return _see("orders:cart")
    method = request.POST.get("method", "")[:LONGEST_METHOD]
    return SeeOther(reverse("payments:review") + (f"?{urlencode({'method': method})}" if method else ""))


def ask_again(request: HttpRequest, current: Quote) -> HttpResponse:
    """The page that shows what changed, old and new, and asks whether to go on (409)."""
    chosen = (request.POST or request.GET).get("method", "")[:LONGEST_METHOD]
    shown = {name: request.POST[name][:LONGEST_SHOWN] for name in WHAT_WAS_SHOWN if name in request.POST}
    page = {"quote": current, "method": chosen, "shown": shown}
    return render(request, "orders/changed.html", page, status=409)


@never_cached
@require_http_methods(["GET", "HEAD", "POST"])
def details(request: HttpRequest) -> HttpResponse:
    """The customer's details; what is typed stays in the session, right or wrong."""
    current = _quote(request)
    # Where nothing is delivered to the country that was chosen, this is where another one can be chosen.
    if not current.lines or current.too_large:
        return _see("orders:cart")
    if request.method != "POST":
        form = DetailsForm(initial=details_in_session.typed(request.session), reached=countries_reached())
        return _details_page(request, current, form)
    form = DetailsForm(request.POST, reached=countries_reached())
    complete = form.is_valid()
    language_alone = "language" in request.POST
    details_in_session.keep(request.session, form, hinted="hinted" in request.POST and not language_alone)
    if language_alone:
        return _see("orders:details")
    if complete:
        return _see("payments:review")
    return _details_page(request, current, form, status=422)


def _details_page(request: HttpRequest, current: Quote, form: DetailsForm, status: int = 200) -> HttpResponse:
    known = None if form.is_bound else details_in_session.details_of(request.session)
    hints = details_in_session.hints_about(request.session, known) if known else []
    page = {"quote": current, "form": form, "hints": hints, "waiting": waiting_order(request.session)}
    return render(request, "orders/details.html", page, status=status)


def _quote(request: HttpRequest) -> Quote:
    return quote(carts.read(request.session), country=_country(request), token=current_order_token(request.session))


def _country(request: HttpRequest) -> str:
    """Where the goods go, once it is known."""
    return str(details_in_session.typed(request.session).get("delivery_country", ""))


def _unrepeated(posted: QueryDict) -> QueryDict:
    """Refuse a field that is sent twice (400): which of the two counts is nobody's guess."""
    if any(len(values) > 1 for __, values in posted.lists()):
        raise BadRequest("A field was sent twice")
    return posted


def _see(name: str, *arguments: Any) -> SeeOther:
    return SeeOther(reverse(name, args=arguments))
