"""Text that the paper's fonts can draw: typst refuses a whole document for one letter that no font has."""

import unicodedata
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

FONTS = Path(__file__).parent / "sheet" / "fonts"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
MARKS_PER_LETTER = 3
"""More than any language writes; a pile of hundreds would paint over the lines above."""


def printable(text: str) -> str:
    """The text in one line, composed (NFC), without invisible characters.

    What no font has becomes a visible mark. Whatever comes in (NUL, lone surrogates, bidi overrides, line breaks),
    the result can be drawn.
    """
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", text):
        drawn = _drawn(character)
        marks = marks + 1 if unicodedata.category(character).startswith("M") else 0
        if marks <= MARKS_PER_LETTER:
            kept.append(drawn)
    return "".join(kept).strip()


def _drawn(character: str) -> str:
    if character.isspace():
        return "\N{NO-BREAK SPACE}" if character == "\N{NO-BREAK SPACE}" else " "
    match unicodedata.category(character):
        case "Cc" | "Cf":
            return ""
        case "Cs" | "Co" | "Cn":
            return REPLACEMENT
        case _:
            return character if ord(character) in _coverage() else REPLACEMENT


@cache
def _coverage() -> frozenset[int]:
    """Code points of all fonts in the folder; the weights of one family have the same."""
    covered: set[int] = set()
    for file in FONTS.glob("*_400Regular.ttf"):
        with TTFont(file, lazy=True) as font:
            covered.update(font.getBestCmap())
    return frozenset(covered)
