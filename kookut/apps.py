"""The site: its configuration and the admin's."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class KookutConfig(AppConfig):
    name = "kookut"


class KookutAdminConfig(AdminConfig):
    default_site = "kookut.admin.ShopAdminSite"
