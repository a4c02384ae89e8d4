"""The site: its configuration and the admin's."""

from typing import Any

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import pre_save

from kookut.logs import without_rows


class KookutConfig(AppConfig):
    name = "kookut"

    def ready(self) -> None:
        pre_save.connect(keep_no_row, sender="django_tasks_database.DBTaskResult")


def keep_no_row(instance: Any, **kwargs: object) -> None:
    """The table of tasks keeps the traceback of a task that failed: without customers' data, as the logs."""
    instance.traceback = without_rows(instance.traceback)


class KookutAdminConfig(AdminConfig):
    default_site = "kookut.admin.ShopAdminSite"
