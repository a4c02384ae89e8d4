"""Draws with typst: the papers as PDF/A-3 and PDF/UA in one file, the same bytes for the same facts."""

import io
import json
import threading
from functools import cache
from pathlib import Path
from typing import Any

import segno
import typst

from .facts import Facts
from .glyphs import printable
from .machine import as_json
from .wording import Words, worded

SHEET = Path(__file__).parent / "sheet"
"""All that typst may read: the templates and the fonts, nothing else."""

_of_this_thread = threading.local()


def draw(facts: Facts) -> bytes:
    """The paper as a PDF."""
    return pressed(
        "paper.typ",
        {
            "words": json.dumps(all_printable(worded(facts))),
            "facts": as_json(facts),
            "qr": _qr(facts.verify_url),
        },
        pdf_standards=["a-3a", "ua-1"],
        timestamp=int(facts.issued_at.timestamp()),
    )


def pressed(template: str, texts: dict[str, str], **how: Any) -> bytes:
    """A template of the sheet with these texts, as a PDF. They are data for it, never part of it: none is executed."""
    pdf = _compiler(template).compile(format="pdf", sys_inputs=texts, **how)
    if not isinstance(pdf, bytes):
        raise TypeError(f"typst gave {type(pdf).__name__} instead of a PDF")
    return pdf


def _qr(address: str) -> str:
    """An SVG that leads to an address, with the quiet zone that the standard asks for (ISO/IEC 18004: 4 modules)."""
    drawn = io.BytesIO()
    segno.make(address, error="m", micro=False).save(drawn, kind="svg", border=4, xmldecl=False)
    return drawn.getvalue().decode()


def all_printable(words: Words) -> Words:
    match words:
        case str():
            return printable(words)
        case list():
            return [all_printable(part) for part in words]
        case dict():
            return {place: all_printable(part) for place, part in words.items()}


def _compiler(template: str) -> typst.Compiler:
    """One compiler per thread, as it holds its document's inputs; kept, as a warm one is quick."""
    own: dict[str, typst.Compiler] = vars(_of_this_thread)
    if template not in own:
        own[template] = typst.Compiler(SHEET / template, root=SHEET, font_paths=_fonts())
    return own[template]


@cache
def _fonts() -> typst.Fonts:
    """Only the fonts of the sheet: the paper looks the same on every machine."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[SHEET / "fonts"])
