"""A table as an XLSX workbook (ECMA-376 part 1), sent while it is written.

The packages that write workbooks lay a whole sheet on the disk first, customers' names and all, and send nothing
before its last row. Texts are texts here: no cell is a formula.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from itertools import chain, islice
from typing import Any, cast
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from payments.exports.tables import Column, Kind, Table, day_of, francs, in_zurich

MOST_ROWS = 500_000
"""Of a sheet, in which Excel has room for 1,048,576; the rest goes on the next one. So each remains below 2 GB, beyond
which its part of the archive would need a form that Excel offers to repair."""
CHUNK = 65_536
FAST = 1
"""How hard the archive is pressed: more costs much time for little."""
LONGEST_NAME = 31
NOT_XML = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]+")
LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
"""What Excel would read as a letter's number (ECMA-376 part 1, 22.9.2.19)."""
NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\']")
FIRST_DAY = date(1899, 12, 30)
"""Day 0 of Excel's calendar, counted from after its 29 February 1900, which never was."""
WIDTHS = {Kind.TEXT: 22, Kind.MONEY: 13, Kind.RATE: 10, Kind.NUMBER: 10, Kind.DAY: 12, Kind.MOMENT: 17}
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
PARTS = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# The styles of cells, by their place in `cellXfs`: plain, head, money, day, moment.
_PLAIN = 'fontId="0" fillId="0" borderId="0"'
STYLES = (
    f"{HEAD}<styleSheet {MAIN}>"
    '<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    f'<cellStyleXfs count="1"><xf numFmtId="0" {_PLAIN}/></cellStyleXfs>'
    f'<cellXfs count="5"><xf numFmtId="0" {_PLAIN} xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    f'<xf numFmtId="4" {_PLAIN} xfId="0" applyNumberFormat="1"/>'
    f'<xf numFmtId="164" {_PLAIN} xfId="0" applyNumberFormat="1"/>'
    f'<xf numFmtId="165" {_PLAIN} xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


class _Sink:
    """What the archive writes into and the answer takes from; it cannot be wound back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def as_xlsx(table: Table) -> Iterator[bytes]:
    """The file, piece by piece."""
    sink = _Sink()
    rows, names = iter(table.rows), list[str]()
    with ZipFile(cast(Any, sink), "w", ZIP_DEFLATED, compresslevel=FAST) as archive:
        while (first := next(rows, None)) is not None or not names:
            names.append(_name(table.title, len(names)))
            on_it = chain([] if first is None else [first], islice(rows, MOST_ROWS - (first is not None)))
            with archive.open(f"xl/worksheets/sheet{len(names)}.xml", "w") as sheet:
                for piece in _sheet(table.columns, on_it):
                    sheet.write(piece.encode())
                    if sent := sink.take():
                        yield sent
        for path, text in _frame(names):
            archive.writestr(path, text)
    yield sink.take()


def _name(title: str, before: int) -> str:
    ending = f" {before + 1}" if before else ""
    return NOT_IN_A_NAME.sub(" ", title)[: LONGEST_NAME - len(ending)] + ending


def _sheet(columns: Sequence[Column], rows: Iterator[Sequence[Any]]) -> Iterator[str]:
    yield (
        f'{HEAD}<worksheet {MAIN}><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" '
        'activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>'
    )
    for n, column in enumerate(columns, start=1):
        yield f'<col min="{n}" max="{n}" width="{WIDTHS[column.kind]}" customWidth="1"/>'
    forms = [(_letters(n), CELLS[column.kind]) for n, column in enumerate(columns)]
    heads = "".join(_text(f"{_letters(n)}1", column.label, ' s="1"') for n, column in enumerate(columns))
    held = [f'</cols><sheetData><row r="1">{heads}</row>']
    length = 0
    for number, row in enumerate(rows, start=2):
        cells = [
            form(f"{letters}{number}", value)
            for (letters, form), value in zip(forms, row, strict=True)
            if value is not None and value != ""
        ]
        held.append(f'<row r="{number}">{"".join(cells)}</row>')
        length += 60 * len(cells)
        if length > CHUNK:
            yield "".join(held)
            held, length = [], 0
    yield "".join([*held, "</sheetData></worksheet>"])


def _letters(n: int) -> str:
    """The name of a column, from 0 on."""
    return (_letters(n // 26 - 1) if n >= 26 else "") + chr(ord("A") + n % 26)


def _text(place: str, text: object, style: str = "") -> str:
    plain = escape(LOOKS_ESCAPED.sub("_x005F_", NOT_XML.sub(" ", str(text))))
    return f'<c r="{place}"{style} t="inlineStr"><is><t xml:space="preserve">{plain}</t></is></c>'


def _moment(at: datetime) -> str:
    local = in_zurich(at)
    return f"{(local.date() - FIRST_DAY).days + (local.hour * 60 + local.minute) / 1440:.8f}"


CELLS: dict[Kind, Callable[[str, Any], str]] = {
    Kind.TEXT: _text,
    Kind.MONEY: lambda place, centimes: f'<c r="{place}" s="2"><v>{francs(centimes)}</v></c>',
    Kind.RATE: lambda place, rate: f'<c r="{place}"><v>{rate.normalize():f}</v></c>',
    Kind.NUMBER: lambda place, number: f'<c r="{place}"><v>{number}</v></c>',
    Kind.DAY: lambda place, at: f'<c r="{place}" s="3"><v>{(day_of(at) - FIRST_DAY).days}</v></c>',
    Kind.MOMENT: lambda place, at: f'<c r="{place}" s="4"><v>{_moment(at)}</v></c>',
}


def _frame(names: list[str]) -> Iterator[tuple[str, str]]:
    """The parts that hold the sheets together."""
    numbers = range(1, len(names) + 1)
    styles = len(names) + 1
    sheets = "".join(
        f'<sheet name="{escape(name, {chr(34): "&quot;"})}" sheetId="{n}" r:id="rId{n}"/>'
        for n, name in zip(numbers, names, strict=True)
    )
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{TYPE}.worksheet+xml"/>' for n in numbers
    )
    yield "xl/styles.xml", STYLES
    yield (
        "xl/workbook.xml",
        f'{HEAD}<workbook {MAIN} xmlns:r="{OFFICE}"><bookViews><workbookView/></bookViews>'
        f"<sheets>{sheets}</sheets></workbook>",
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        f'{HEAD}<Relationships xmlns="{PARTS}/relationships">{links}'
        f'<Relationship Id="rId{styles}" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
    )
    yield (
        "_rels/.rels",
        f'{HEAD}<Relationships xmlns="{PARTS}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    )
    yield (
        "[Content_Types].xml",
        f'{HEAD}<Types xmlns="{PARTS}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{TYPE}.styles+xml"/>{types}</Types>',
    )
