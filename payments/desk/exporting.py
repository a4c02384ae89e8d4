"""The page on which accounting takes the books out, and the files: each is written down before it leaves."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from orders.back_office import member_of_staff
from payments.desk.periods import ExportForm
from payments.exports.books import disputes, refunds, sales, vat
from payments.exports.csv_file import as_csv
from payments.exports.payouts import NotTold, payouts
from payments.exports.tables import Table, file_name
from payments.exports.xlsx_file import as_xlsx
from payments.gateways.deadline import at_most
from payments.models import Export

log = logging.getLogger(__name__)
PERMISSION = "orders.export_orders"
SECONDS = 40.0
"""That the PSPs have together: then the page says that they did not answer."""
TABLES = {
    Export.What.SALES: sales,
    Export.What.REFUNDS: refunds,
    Export.What.VAT: vat,
    Export.What.PAYOUTS: payouts,
    Export.What.DISPUTES: disputes,
}
FILES = {
    Export.Format.CSV: (as_csv, "text/csv; charset=utf-8"),
    Export.Format.XLSX: (as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


def page(request: HttpRequest) -> HttpResponseBase:
    """What to take out, of which days, in which form (POST: the file)."""
    by = member_of_staff(request)
    if not by.has_perm(PERMISSION):
        raise PermissionDenied
    form, why = ExportForm(request.POST if request.method == "POST" else None), ""
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        what, days = Export.What(data["what"]), (data["first"], data["last"])
        try:
            with at_most(SECONDS):
                table = TABLES[what](*days)
        except NotTold as error:
            why = str(error)
        else:
            return file(table, days, by, what, Export.Format(data["format"]), f"{days[0]} – {days[1]}")
    context = {
        **admin.site.each_context(request),
        "orders": reverse("admin:orders_order_changelist"),
        "title": _("Exports"),
        "form": form,
        "why": why,
        "made": Export.objects.select_related("by")[:10],
    }
    return TemplateResponse(request, "admin/exports.html", context, status=503 if why else 422 if form.errors else 200)


def file(
    table: Table, days: Iterable[date], by: User, what: Export.What, format: Export.Format, asked: str
) -> StreamingHttpResponse:
    """The table as a file that is called by these days, sent while it is read, and written down before."""
    made = Export.objects.create(by=by, what=what, format=format, asked=asked[:500])
    log.info("Export %s begins: %s", made.pk, what)
    written, kind = FILES[format]
    return StreamingHttpResponse(
        _told(made, table, written),
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{file_name(table.title, days)}.{format}"'},
    )


def _told(made: Export, table: Table, written: Any) -> Iterator[bytes]:
    """The file's pieces; afterwards how many rows left is written down, also when the reader went away."""
    counted = _Counted(table.rows)
    whole: dict[str, Any] = {}
    try:
        yield from written(replace(table, rows=counted))
        whole = {"finished_at": Now()}
    finally:
        Export.objects.filter(pk=made.pk).update(rows=counted.number, **whole)
        log.info("Export %s ended: %s rows, %s", made.pk, counted.number, "whole" if whole else "broken off")


class _Counted:
    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        self.rows, self.number = rows, 0

    def __iter__(self) -> Iterator[Sequence[Any]]:
        for row in self.rows:
            self.number += 1
            yield row
