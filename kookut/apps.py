"""The site: its configuration and the admin's."""

import importlib
from typing import Any

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import pre_save

from kookut.logs import without_rows


class KookutConfig(AppConfig):
    name = "kookut"

    def ready(self) -> None:
        from kookut import access

        pre_save.connect(keep_no_row, sender="django_tasks_database.DBTaskResult")
        user_logged_in.connect(access.begin)


def keep_no_row(instance: Any, **kwargs: object) -> None:
    """The table of tasks keeps the traceback of a task that failed: without customers' data, as the logs."""
    instance.traceback = without_rows(instance.traceback)


class KookutAdminConfig(AdminConfig):
    default_site = "kookut.admin.ShopAdminSite"

    def ready(self) -> None:
        super().ready()
        importlib.import_module("kookut.people")  # takes the place of Django's own pages, once these are registered
