"""The pages of paying: review and pay, the order's one page, the way back from the PSP."""

from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime, now
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from orders import checkout
from orders.checkout import AlreadyPaid, CartChanged, NotReady, Ready, Shown
from orders.models import Order, OrderLine, TimelineEntry
from orders.moves import hold, tell
from orders.views import WHAT_WAS_SHOWN, SeeOther, ask_again
from payments import attestation, parcel, refusals, tracking
from payments.capture import capture
from payments.expiry import withdraw
from payments.forms import FindOrderForm, MethodForm, ReviewForm
from payments.gateways.base import Unreachable
from payments.gateways.deadline import HAND_OFF_SECONDS, at_most
from payments.guarding import P, View, private, wait
from payments.handoff import MethodUnavailable, NotPayable, Offer, hand_off, offers, on_statements
from payments.limits import address, is_too_often
from payments.links import send_link
from payments.models import Payment, Provider
from payments.order_page import OrderPage, State, page_of
from payments.statement import name_on_statement

Actor = TimelineEntry.Actor
ASKS_FOR_LINKS_AN_HOUR = 20
TEN_MINUTES = 600
CHOOSE = "choose"
"""In the address of a page whose form was sent without a means of payment: the page can be loaded anew, and gone back
to, as what answers a POST cannot."""


def posted(view: View[P]) -> View[P]:
    """For a button of the order's page: who gets there otherwise (another language, a reload) sees the page, with the
    means of payment that was chosen."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.method != "POST":
            chosen = f"?{urlencode({'method': request.GET['method']})}" if "method" in request.GET else ""
            return SeeOther(_address_of(str(kwargs["token"])) + chosen)
        return view(request, *args, **kwargs)

    return guarded


@private
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest) -> HttpResponse:
    """Review and pay: the POST places the order, pending, and hands the customer off to the PSP, in that order."""
    if request.method == "POST" and "language" not in request.POST:
        return wait(request, TEN_MINUTES) if _pays_too_often(request) else _place(request)
    try:
        ready = checkout.prepare(request.session)
    except NotReady as missing:
        return redirect(missing.step)
    if "language" in request.POST:
        return _in_another_language(request, ready)
    if ready.quote.changes:
        return ask_again(request, ready.quote)
    if CHOOSE in request.GET:
        form = ReviewForm(ReviewForm.naming(Shown.of(ready.quote)), offers=offers(ready.quote.total))
        return _show_review(request, ready, form, status=422)
    return _show_review(request, ready)


def _in_another_language(request: HttpRequest, ready: Ready) -> HttpResponse:
    """The review with the means that was chosen; what has changed since the page was shown is told there, too."""
    form = ReviewForm(request.POST, offers=offers(ready.quote.total))
    try:
        if not form.errors.keys() & set(WHAT_WAS_SHOWN):
            checkout.compare(ready.quote, form.shown)
    except CartChanged as changed:
        return ask_again(request, changed.quote)
    return SeeOther(f"{request.path}?{urlencode({'method': request.POST.get('method', '')})}")


def _show_review(request: HttpRequest, ready: Ready, form: ReviewForm | None = None, status: int = 200) -> HttpResponse:
    quote = ready.quote
    waiting = checkout.waiting_order(request.session)
    if waiting and (waiting.checkout_key == quote.key or _page_of(waiting).may_be_paid_already):
        # Its own page says how it stands, with the price and the day that were agreed, and whether it can be paid.
        return SeeOther(_address(waiting))
    if form is None:
        initial = {**ReviewForm.naming(Shown.of(quote)), "method": request.GET.get("method")}
        form = ReviewForm(offers=offers(quote.total), initial=initial)
    context = {"form": form, "quote": quote, "details": ready.details, "offers": form.offers}
    context["hints"] = ready.hints
    context["waiting"] = waiting
    context["on_statements"] = on_statements(form.offers)
    return render(request, "payments/review.html", context, status=status)


def _place(request: HttpRequest) -> HttpResponse:
    if order := _placed_before(request):
        _remember(request, order)
        return _try(request, order)
    try:
        ready = checkout.prepare(request.session)
    except NotReady as missing:
        return redirect(missing.step)
    if not request.POST.get("method"):
        return SeeOther(f"{request.path}?{CHOOSE}")
    form = ReviewForm(request.POST, offers=offers(ready.quote.total))
    if not form.is_valid():
        return _show_review(request, ready, form, status=422)
    with at_most(HAND_OFF_SECONDS):
        return _replace_and_hand_off(request, ready, form)


def _replace_and_hand_off(request: HttpRequest, ready: Ready, form: ReviewForm) -> HttpResponse:
    """Place the order, in the place of one that the cart had become before, and hand the customer off."""
    shown = form.shown
    earlier = checkout.earlier_order(request.session, shown.key)
    try:
        # Compared before the earlier order is touched: a stale tab must not end what another one is paying.
        checkout.compare(ready.quote, shown)
        if earlier and not withdraw(earlier, Order.CancelReason.CHANGED_CART, Actor.CUSTOMER):
            return SeeOther(_address(earlier))
        order = checkout.place(
            ready.cart,
            ready.details,
            shown,
            language=get_language() or settings.LANGUAGE_CODE,
            earlier=checkout.current_order_token(request.session),
        )
    except AlreadyPaid as paid:
        return SeeOther(_address(paid.order))
    except CartChanged as changed:
        return ask_again(request, changed.quote)
    except Unreachable:
        return _psp_silent(request, earlier)
    _remember(request, order)
    return _hand_off(request, order, form)


def _remember(request: HttpRequest, order: Order) -> None:
    """Keep the order in the session, at once: the answer may be a 503, with which Django saves no session."""
    checkout.remember_order(request.session, order)
    request.session.save()


def _placed_before(request: HttpRequest) -> Order | None:
    """The order of a second submit, a double click, the back button: one form places one order."""
    try:
        return checkout.placed(UUID(request.POST.get("checkout_key", "")))
    except ValueError:
        return None


@private
@require_http_methods(["GET", "HEAD", "POST"])
def find_order(request: HttpRequest) -> HttpResponse:
    """The link to an order, by mail to its own address; the page says the same whether there is such an order."""
    if "language" in request.POST:
        # Not by an address with a query: that would be logged.
        return render(request, "payments/find_order.html", {"form": FindOrderForm(initial=request.POST.dict())})
    form = FindOrderForm(request.POST or None, initial={"number": request.GET.get("number", "")[:40]})
    if request.method == "POST" and form.is_valid():
        if is_too_often("find-order", address(request), ASKS_FOR_LINKS_AN_HOUR, 3600):
            return wait(request, 3600)
        send_link(form.cleaned_data["email"], form.cleaned_data["number"])
        return SeeOther(f"{request.path}?asked")
    status = 422 if form.errors else 200
    return render(request, "payments/find_order.html", {"form": form, "asked": "asked" in request.GET}, status=status)


@private
@require_http_methods(["GET", "HEAD", "POST"])
def order(request: HttpRequest, token: str) -> HttpResponse:
    """The order's one page: what it says depends on the database alone. Its POST is a change of language."""
    found = _find(token)
    if request.method == "POST":
        return _keep_choice(request, found)
    if CHOOSE in request.GET and (page := _page_of(found)).may_pay:
        return _show(request, found, MethodForm({}, offers=_offers(found, page)), status=422)
    return _show(request, found)


def _show(request: HttpRequest, order: Order, form: MethodForm | None = None, status: int = 200) -> HttpResponse:
    page = _page_of(order)
    if _has_paper_without_number(order, page):
        # Seldom: the mail that brings the paper has numbered it, unless the customer is quicker.
        attestation.give_numbers(order.pk)
        order = _find(order.token)
        page = _page_of(order)
    if page.state in (State.ACCEPTED, State.REFUNDED, State.TAKEN_BACK):
        checkout.forget_order_and_cart(request.session, order)
    lines = list(order.lines.all())
    sold = parcel.listed(order, lines, page.given_back, ended=page.ended)
    document = getattr(order, "attestation", None)
    context = {
        "order": order,
        "page": page,
        "state": page.state.value,
        "lines": sold,
        "count": sum(line.quantity for line in lines),
        "shipping_note": parcel.note_of_the_delivery(order, page.given_back),
        "nothing_left": not order.shipped_at and not any(line.left for line in sold),
        "attestation": document,
        "taxes": attestation.taxes_shown(order, document),
        "on_statement": name_on_statement(
            page.payment.method if page.payment else "", settings.SELLER["statement_name"]
        ),
        "sheet": _sheet(order, page, lines),
        "find_order_address": settings.SITE_URL + reverse("payments:find_order"),
        "step": tracking.checkout_step(order, page),
        "steps": tracking.steps(order, page, document),
        "form": form or _retry_form(order, page, request.GET.get("method", "")),
        "successor": checkout.successor(request.session, order),
        "edit_url": reverse("orders:cart") if page.is_unpaid and _is_of_this_browser(request, order) else "",
        "automatic": request.GET.get("auto") != "0",
        "checked_at": now(),
    }
    return render(request, "payments/order.html", context, status=status)


def _is_of_this_browser(request: HttpRequest, order: Order) -> bool:
    return checkout.current_order_token(request.session) == order.token


def _page_of(order: Order) -> OrderPage:
    return page_of(order, list(order.payments.order_by("created_at")))


def _has_paper_without_number(order: Order, page: OrderPage) -> bool:
    # The bank's message may have come between the reading of the order and that of its payments.
    is_paid = order.effective_at or (page.payment and page.payment.settles)
    return bool(is_paid and not order.numbered) or not all(refund.numbered for refund in page.notices)


def _sheet(order: Order, page: OrderPage, lines: list[OrderLine]) -> dict[str, Any] | None:
    """The words of the attestation, for who prints the page of an order that was paid."""
    if page.payment is None or not page.payment.settles:
        return None
    language = get_language() or order.language
    return attestation.words(
        order.attestation,
        page.payment,
        lines,
        page.given_back,
        page.disputes,
        language,
        is_held=not page.will_be_sent,
        going_back=page.on_its_way_back if page.on_its_way_back >= page.left else 0,
    )


def _retry_form(order: Order, page: OrderPage, chosen: str = "") -> MethodForm:
    """The means that was used last is chosen already, unless the page just advises another one."""
    last = page.payment.method if page.payment else ""
    if page.state == State.REFUSED and refusals.asks_for_another_means(page.payment):
        last = ""
    return MethodForm(offers=_offers(order, page), initial={"method": chosen or last})


def _offers(order: Order, page: OrderPage) -> list[Offer]:
    failed = page.payment.method if page.payment and page.state == State.REFUSED else ""
    return offers(order.total, failed)


@private
@posted
def pay(request: HttpRequest, token: str) -> HttpResponse:
    """Another try for an order that is already placed, with any method."""
    if "language" in request.POST:
        return _keep_choice(request, _find(token))
    return wait(request, TEN_MINUTES) if _pays_too_often(request) else _try(request, _find(token))


def _keep_choice(request: HttpRequest, order: Order) -> HttpResponse:
    """The order's page in the language of this address, with the means of payment that was chosen."""
    return SeeOther(f"{_address(order)}?{urlencode({'method': request.POST.get('method', '')})}")


def _try(request: HttpRequest, order: Order) -> HttpResponse:
    form = MethodForm(request.POST, offers=offers(order.total))
    if not request.POST.get("method"):
        return SeeOther(f"{_address(order)}?{CHOOSE}")
    if not form.is_valid():
        return _show(request, order, form, status=422)
    return _hand_off(request, order, form)


def _hand_off(request: HttpRequest, order: Order, form: MethodForm) -> HttpResponse:
    """Send the customer to the PSP, or to a page with a way on."""
    try:
        return SeeOther(hand_off(order, form.cleaned_data["method"]))
    except NotPayable:
        return SeeOther(_address(order))
    except MethodUnavailable:
        form.add_error("method", _("This means of payment is not available. Choose another one."))
        return _show(request, order, form, status=422)
    except Unreachable:
        return _psp_silent(request, order, form.cleaned_data["method"])


def _pays_too_often(request: HttpRequest) -> bool:
    """Whether this address asks for payment pages as nobody does who shops: stolen cards are tried by the hundred."""
    most: int = settings.PAYMENT_PAGES_PER_ADDRESS
    return bool(most) and is_too_often("pay", address(request), most, TEN_MINUTES)


def _psp_silent(request: HttpRequest, order: Order | None, wanted: str = "") -> HttpResponse:
    """What could not be done: show or open a page of the wanted method; or close the one that is open, which comes
    before another one, and before the end of the order."""
    if order:
        order.refresh_from_db(fields=["expires_at"])  # a page that was about to be opened has prolonged it
    pages = Payment.objects.filter(order=order, status=Payment.Status.STARTED, page_reference__isnull=False)
    context = {"order": order, "wanted": wanted, "open": pages.first()}
    return render(request, "payments/psp_silent.html", context, status=503)


@private
@posted
def cancel(request: HttpRequest, token: str) -> HttpResponse:
    """The customer gives a pending order up."""
    order = _find(token)
    try:
        withdraw(order, Order.CancelReason.CUSTOMER, Actor.CUSTOMER)
    except Unreachable:
        return _psp_silent(request, order)
    return SeeOther(_address(order))


@private
@posted
def again(request: HttpRequest, token: str) -> HttpResponse:
    """Take up a cancelled order anew: its cart and details are still in the session, or its goods are put in."""
    order = _find(token)
    if order.status == Order.Status.CANCELLED:
        checkout.start_again(request.session, order)
        return redirect("payments:review")
    return SeeOther(_address(order))


@private
@require_GET
def returned(request: HttpRequest, token: str, payment: UUID) -> HttpResponse:
    """Back from the PSP. Needs no session, believes nothing of the address, moves nothing but the customer."""
    found = _note_visit(token, payment, "returned_at", TimelineEntry.Kind.RETURNED)
    if found.provider == Provider.PAYPAL:
        with at_most(HAND_OFF_SECONDS):
            capture(found.pk)
    return SeeOther(_address_of(token))


@private
@require_GET
def left(request: HttpRequest, token: str, payment: UUID) -> HttpResponse:
    """The customer left the PSP's page by its own link; the page may still be open."""
    _note_visit(token, payment, "left_at", TimelineEntry.Kind.LEFT)
    return SeeOther(_address_of(token))


@transaction.atomic
def _note_visit(token: str, payment: UUID, moment: str, kind: TimelineEntry.Kind) -> Payment:
    """Record the first visit; returns the payment, which may come back a second time (an account that was declined)."""
    order = get_object_or_404(Order, token=token, payments=payment)
    held = hold(pk=order.pk)
    first = Payment.objects.filter(pk=payment, **{f"{moment}__isnull": True}).update(**{moment: now()})
    if first:
        tell(held, kind, Actor.CUSTOMER)
    return Payment.objects.get(pk=payment)


@private
@require_safe
def state_json(request: HttpRequest, token: str) -> HttpResponse:
    """For the waiting page's script: whether to show itself anew, when it has looked, and when it looks again."""
    page = _page_of(_find(token))
    checked = _("Last checked at %(time)s.") % {"time": date_format(localtime(), "TIME_FORMAT")}
    return JsonResponse({"state": page.state, "stage": page.stage, "again": page.refresh_after, "checked": checked})


def _find(token: str) -> Order:
    return get_object_or_404(Order.objects.select_related("attestation"), token=token)


def _address(order: Order) -> str:
    return _address_of(order.token)


def _address_of(token: str) -> str:
    return reverse("payments:order", args=[token])
