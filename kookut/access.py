"""Who is in the back office, and for how long.

A session counts there once its second factor was shown; it ends after 15 minutes without a request to the back office
(PCI DSS 8.2.8) and after 12 hours in any case. A guest's cart, and a cart in the same browser, know nothing of it.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.utils.translation import get_language_from_request, gettext

from kookut.models import GivenPassword, SecondFactor
from orders import cart
from payments.limits import address

log = logging.getLogger(__name__)
IDLE_SECONDS = 15 * 60
LONGEST_SECONDS = 12 * 3600
NOTED_EVERY_SECONDS = 30
"""Not every request writes the session: at worst it ends so much too early."""
SINCE, SEEN, FACTOR = "staff_since", "staff_seen", "staff_second_factor"
GIVEN = "staff_given_password"


class BackOfficeMiddleware:
    """The back office speaks the browser's language, ends a session whose time is over, and refuses a NUL, which no
    browser sends by itself and PostgreSQL has no word for: Django's lists ask the database for whatever they are given.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(reverse("admin:index")):
            # Its addresses have no language prefix, which would mean French.
            translation.activate(get_language_from_request(request))
            if _has_nul(request):
                raise BadRequest("NUL in a request to the back office")
            if request.user.is_authenticated:
                keep_or_end(request)
            if request.session.get(GIVEN) and request.path not in _ways_out():
                messages.info(request, gettext("Choose a password of your own first."))
                return HttpResponseRedirect(reverse("admin:password_change"))
        return self.get_response(request)


def _has_nul(request: HttpRequest) -> bool:
    given = [pair for query in (request.GET, request.POST) for key, values in query.lists() for pair in (key, *values)]
    return any("\0" in word for word in (request.path, *given))


def begin(request: HttpRequest, **signal: Any) -> None:
    """A password was right: from now on the time counts."""
    request.session[SINCE] = request.session[SEEN] = time.time()


def keep_or_end(request: HttpRequest) -> None:
    moment = time.time()
    seen = request.session.get(SEEN, 0)
    if moment - request.session.get(SINCE, 0) > LONGEST_SECONDS:
        _end(request, gettext("Your session ended after 12 hours. Please log in again."))
    elif moment - seen > IDLE_SECONDS:
        _end(request, gettext("Your session ended after 15 minutes without activity. Please log in again."))
    elif moment - seen > NOTED_EVERY_SECONDS:
        request.session[SEEN] = moment


def _end(request: HttpRequest, why: str) -> None:
    tell("session ended by time", request)
    kept = request.session.get(cart.SESSION_KEY)
    logout(request)
    if kept is not None:
        request.session[cart.SESSION_KEY] = kept
    messages.info(request, why)


def admit(request: HttpRequest, user: User, factor: SecondFactor) -> None:
    """The second factor was shown, too: the session gets a new key and counts."""
    request.session.cycle_key()
    request.session[FACTOR] = factor.pk
    if GivenPassword.objects.filter(user=user).exists():
        request.session[GIVEN] = True
    user.refresh_from_db()


def password_was_given(user: User) -> None:
    """Somebody else set it: it serves to set an own one, and for nothing else."""
    GivenPassword.objects.get_or_create(user=user)


def password_is_own(request: HttpRequest, user: User) -> None:
    GivenPassword.objects.filter(user=user).delete()
    request.session.pop(GIVEN, None)


def _ways_out() -> set[str]:
    return {reverse(f"admin:{name}") for name in ("password_change", "logout", "jsi18n")}


def is_verified(request: HttpRequest) -> bool:
    """Whether this session showed the second factor that the person has now."""
    factor = getattr(request.user, "second_factor", None)
    return bool(factor and factor.confirmed_at and request.session.get(FACTOR) == factor.pk)


def has_password_only(request: HttpRequest) -> User | None:
    """The member of staff whose password was right and whose second factor was not shown yet."""
    user = request.user
    if isinstance(user, AnonymousUser) or not user.is_staff or is_verified(request):
        return None
    return user


def tell(what: str, request: HttpRequest, staff: str | None = None, *, refused: bool = False) -> None:
    """Leave a line in the logs: what, who, from where."""
    fields = {"staff": staff or request.user.get_username() or "-", "address": address(request)}
    log.log(logging.WARNING if refused else logging.INFO, what, extra=fields)
