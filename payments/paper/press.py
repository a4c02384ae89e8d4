"""Draws the paper with typst: PDF/A-3 and PDF/UA in one file, the same bytes for the same facts."""

import io
import json
import threading
from functools import cache
from pathlib import Path

import segno
import typst

from .facts import Facts
from .glyphs import printable
from .machine import as_json
from .wording import Words, worded

SHEET = Path(__file__).parent / "sheet"
"""All that typst may read: the template and the fonts, nothing else."""

_of_this_thread = threading.local()


def draw(facts: Facts) -> bytes:
    """The paper as a PDF. Texts are data for the template, never part of it: none is executed."""
    pdf = _compiler().compile(
        format="pdf",
        sys_inputs={
            "words": json.dumps(_printable(worded(facts))),
            "facts": as_json(facts),
            "qr": _qr(facts.verify_url),
        },
        pdf_standards=["a-3a", "ua-1"],
        timestamp=int(facts.issued_at.timestamp()),
    )
    if not isinstance(pdf, bytes):
        raise TypeError(f"typst gave {type(pdf).__name__} instead of a PDF")
    return pdf


def _qr(address: str) -> str:
    """An SVG that leads to an address, with the quiet zone that the standard asks for (ISO/IEC 18004: 4 modules)."""
    drawn = io.BytesIO()
    segno.make(address, error="m", micro=False).save(drawn, kind="svg", border=4, xmldecl=False)
    return drawn.getvalue().decode()


def _printable(words: Words) -> Words:
    match words:
        case str():
            return printable(words)
        case list():
            return [_printable(part) for part in words]
        case dict():
            return {place: _printable(part) for place, part in words.items()}


def _compiler() -> typst.Compiler:
    """One compiler per thread, as it holds its document's inputs; kept, as a warm one is quick."""
    if not hasattr(_of_this_thread, "compiler"):
        _of_this_thread.compiler = typst.Compiler(SHEET / "paper.typ", root=SHEET, font_paths=fonts())
    compiler: typst.Compiler = _of_this_thread.compiler
    return compiler


@cache
def fonts() -> typst.Fonts:
    """Only the fonts of the sheet: the paper looks the same on every machine."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[SHEET / "fonts"])
