"""The back office's frame: Django's admin, in the shop's name, behind a second factor."""

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext_lazy as _

from kookut import access, staff_pages
from kookut.forms import LOCKED, LoginForm
from orders.back_office import member_of_staff
from payments.desk import balance, exporting, front, stock


class ShopAdminSite(AdminSite):
    index_title = _("Back office")
    # Eight columns do not fit beside it.
    enable_nav_sidebar = False
    login_form = LoginForm
    password_change_template = "admin/password_change.html"  # noqa: S105 a page

    def has_permission(self, request: HttpRequest) -> bool:
        """A password alone opens nothing."""
        return super().has_permission(request) and access.is_verified(request)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [
            # Who has shown no second factor yet must be able to leave, too.
            path("logout/", self.logout, name="logout"),
            path("second-factor/", staff_pages.ask, name="second_factor"),
            path("second-factor/set-up/", staff_pages.set_up, name="set_up_second_factor"),
            path("second-factor/mine/", self.admin_view(staff_pages.mine), name="my_second_factor"),
            path("balance/", self.admin_view(balance.page), name="balance"),
            path("exports/", self.admin_view(exporting.page), name="exports"),
            # A page about goods that needs to know of payments: refunds bring pieces back.
            path("orders/product/<int:pk>/stock/", self.admin_view(stock.page), name="orders_product_stock"),
            *super().get_urls(),
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        shop, is_live = settings.SELLER["shop"], settings.PAYMENTS.mode == "live"
        return {**super().each_context(request), "site_header": shop, "site_title": shop, "is_live": is_live}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """What is sold, then its money, then the staff themselves."""
        order = ["orders", "payments", "auth"]
        return sorted(super().get_app_list(request, app_label), key=lambda app: order.index(app["app_label"]))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        shown = front.of(member_of_staff(request))
        return super().index(request, {"front": shown, **(extra_context or {})})

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "GET" and access.has_password_only(request):
            return HttpResponseRedirect(staff_pages.with_next("admin:second_factor", staff_pages.next_page(request)))
        response = super().login(request, extra_context)
        form = (getattr(response, "context_data", None) or {}).get("form")
        if form and form.has_error("__all__", LOCKED):
            response.status_code = 429
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        answer = super().password_change(request, extra_context)
        if request.method == "POST" and answer.status_code == 302:
            access.password_is_own(request, member_of_staff(request))
        return answer

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        if request.method == "POST":
            access.tell("logged out", request)
        return super().logout(request, extra_context)
