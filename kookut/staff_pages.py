"""The pages of the second factor: asked at every login, set up at the first one, looked after later."""

import segno
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from kookut import access, second_factor
from kookut.forms import LOCKED, CodeForm
from orders.back_office import member_of_staff


@sensitive_post_parameters("code")
@never_cache
def ask(request: HttpRequest) -> HttpResponse:
    """The second half of the login: the code."""
    user, onward = access.has_password_only(request), next_page(request)
    if user is None:
        return HttpResponseRedirect(onward)
    factor = second_factor.of(user)
    if factor is None:
        return HttpResponseRedirect(with_next("admin:set_up_second_factor", onward))
    form = CodeForm(request.POST or None, request=request, factor=factor)
    if not form.is_valid():
        return _page(request, "admin/second_factor.html", gettext("Second factor"), form, next=onward)
    access.admit(request, user, factor)
    if form.used_recovery_code:
        access.tell("logged in with a recovery code", request)
        text = gettext("Recovery codes left: %(left)d. You can make new ones under “Second factor”.")
        messages.warning(request, text % {"left": user.recovery_codes.count()})
    else:
        access.tell("logged in", request)
    return HttpResponseRedirect(onward)


@sensitive_post_parameters("code")
@never_cache
def set_up(request: HttpRequest) -> HttpResponse:
    """The first login: the secret goes to the person's app, a code comes back, recovery codes are shown once."""
    user, onward = access.has_password_only(request), next_page(request)
    if user is None or second_factor.of(user):
        return HttpResponseRedirect(with_next("admin:second_factor", onward))
    factor = second_factor.begin(user)
    form = CodeForm(request.POST or None, request=request, factor=factor)
    if not form.is_valid():
        secret, address = second_factor.shown(factor)
        picture = segno.make(address, micro=False).png_data_uri(scale=5, border=4)
        title = gettext("Set up the second factor")
        return _page(
            request, "admin/second_factor_set_up.html", title, form, next=onward, secret=secret, picture=picture
        )
    access.admit(request, user, factor)
    access.tell("second factor set up, logged in", request)
    codes = second_factor.new_recovery_codes(user)
    return _page(request, "admin/recovery_codes.html", gettext("Recovery codes"), codes=codes, next=onward)


@never_cache
def mine(request: HttpRequest) -> HttpResponse:
    """One's own second factor: new recovery codes, another telephone."""
    user = member_of_staff(request)
    if "new_codes" in request.POST:
        access.tell("recovery codes made anew", request)
        codes = second_factor.new_recovery_codes(user)
        return _page(
            request, "admin/recovery_codes.html", gettext("Recovery codes"), codes=codes, next=reverse("admin:index")
        )
    if "another" in request.POST:
        access.tell("second factor taken away by its owner", request)
        second_factor.reset(user)
        return HttpResponseRedirect(reverse("admin:set_up_second_factor"))
    return _page(request, "admin/my_second_factor.html", gettext("Second factor"), left=user.recovery_codes.count())


def next_page(request: HttpRequest) -> str:
    """The page of this site that the person was on the way to, else the first one."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else reverse("admin:index")


def with_next(name: str, onward: str) -> str:
    return f"{reverse(name)}?{urlencode({'next': onward})}"


def _page(
    request: HttpRequest, template: str, title: str, form: CodeForm | None = None, **context: object
) -> HttpResponse:
    everywhere = admin.site.each_context(request)
    status = 429 if form and form.has_error("code", LOCKED) else 200
    return render(request, template, {**everywhere, "title": title, "form": form, **context}, status=status)
