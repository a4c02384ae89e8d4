"""The back office's frame: Django's admin, in the shop's name and with the strict headers."""

from django.contrib.admin import AdminSite
from django.utils.translation import gettext_lazy as _


class ShopAdminSite(AdminSite):
    site_header = "KOOKUT"
    site_title = "KOOKUT"
    index_title = _("Back office")
    # Eight columns do not fit beside it.
    enable_nav_sidebar = False
