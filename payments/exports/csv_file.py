"""A table as CSV that Excel in Switzerland opens right by a double click: UTF-8 with its mark, `;`, CRLF."""

import csv
import re
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

from payments.exports.tables import Kind, Table, day_of, francs, in_zurich

CHUNK = 65_536
MARK = "\ufeff"
"""Without it Excel takes UTF-8 for another encoding."""
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
FORMULA = re.compile(r"[\s\ufeff]*[=+\-@＝＋－＠]")
"""How a text begins that a spreadsheet would calculate (OWASP, CSV injection; ASVS 1.2.10), the wide signs of Asian
keyboards among them."""


def as_csv(table: Table) -> Iterator[bytes]:
    """The file, piece by piece."""
    forms = [CELLS[column.kind] for column in table.columns]
    held = StringIO()
    held.write(MARK)
    writer = csv.writer(held, delimiter=";", lineterminator="\r\n")
    writer.writerow([column.label for column in table.columns])
    for row in table.rows:
        writer.writerow(["" if value is None else form(value) for form, value in zip(forms, row, strict=True)])
        if held.tell() > CHUNK:
            yield held.getvalue().encode()
            held.seek(0)
            held.truncate()
    yield held.getvalue().encode()


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula, on one line."""
    text = CONTROL.sub(" ", text)
    return f"'{text}" if FORMULA.match(text) else text


CELLS: dict[Kind, Callable[[Any], str]] = {
    Kind.TEXT: lambda value: harmless(str(value)),
    Kind.MONEY: francs,
    Kind.RATE: lambda rate: f"{rate.normalize():f}",
    Kind.NUMBER: str,
    Kind.DAY: lambda at: day_of(at).isoformat(),
    Kind.MOMENT: lambda at: f"{in_zurich(at):%Y-%m-%d %H:%M}",
}
