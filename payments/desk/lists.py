"""What keeps the staff's lists quick however many rows there are: how they count, and what a row costs."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import helpers
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

AHEAD = 10
"""So many pages beyond the one that is shown are counted; of a list that nothing narrows, the whole is estimated."""
MOST_PAGES = 2000
"""Whoever looks for what lies further back narrows the list."""
SMALL = 20_000
"""Rows up to which a table is counted rather than estimated."""


class NearPaginator(Paginator[Any]):
    """Counts no further than is needed to lead on: a list of a million rows is as quick as one of a thousand."""

    page_shown = 1
    is_exact = True

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Model] = self.object_list  # type: ignore[assignment]
        most = MOST_PAGES * self.per_page
        if not rows.query.where and (estimate := estimated(rows.model)) > SMALL:
            self.is_exact = False
            return min(estimate, most)
        limit = min((min(self.page_shown, MOST_PAGES) + AHEAD) * self.per_page, most)
        found = rows.order_by().values("pk")[: limit + 1].count()
        self.is_exact = found <= limit
        return min(found, limit)


def estimated(model: type[Model]) -> int:
    """About how many rows a table has: what PostgreSQL believes since it last looked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
        return int(cursor.fetchone()[0])


class QuickList(ChangeList):
    """A list whose count may be an estimate, or "more than"."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.is_exact = getattr(self.paginator, "is_exact", True)


class Quick(admin.ModelAdmin[Any]):
    """What all lists of staff have in common."""

    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = NearPaginator
    # Nothing is saved that would lead back to the list; asked for, each row's address is looked up once more.
    preserve_filters = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return QuickList

    def get_paginator(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        per_page: int,
        orphans: int = 0,
        allow_empty_first_page: bool = True,
    ) -> Paginator[Any]:
        paginator = NearPaginator(queryset, per_page, orphans, allow_empty_first_page)
        asked = request.GET.get("p", "1")
        paginator.page_shown = int(asked) if asked.isdecimal() and len(asked) < 7 else 1
        return paginator

    def action_checkbox(self, obj: Model) -> SafeString:
        """As Django's, which draws a form's field through templates for every row."""
        label = gettext("Choose %(name)s") % {"name": obj}
        box = '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">'
        return format_html(box, helpers.ACTION_CHECKBOX_NAME, obj.pk, label)
