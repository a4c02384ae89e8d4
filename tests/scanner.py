"""A telephone held over a paper: the page as a picture, and what its QR code says."""

from typing import Any

import pypdfium2
import zxingcpp
from PIL.Image import Image

WORN = 100 / 72
"""A paper seen at 100 dots per inch: worse than any telephone sees it."""

SHARP = 200 / 72
INK = 60
"""So much darker than its ground (0 to 255) is what can be read."""


def picture(document: bytes, page: int = 0, scale: float = WORN) -> Image:
    """A page of a PDF (-1 is the last) as a reader shows it, in grey."""
    with pypdfium2.PdfDocument(document) as opened:
        shown: Image = opened[page % len(opened)].render(scale=scale, grayscale=True).to_pil()
    return shown


def code_on(document: bytes, scale: float) -> zxingcpp.Position:
    """Where the one code stands on the picture of the first page: its corners, without the quiet zone."""
    (code,) = zxingcpp.read_barcodes(picture(document, scale=scale))
    return code.position


def scanned(document: bytes, page: int = 0) -> str:
    """The one code on a page of a PDF, read off the picture."""
    (code,) = zxingcpp.read_barcodes(picture(document, page))
    return code.text


def blank_places(document: bytes) -> list[str]:
    """The texts of a PDF that nobody can read: where they should stand the picture shows one colour."""
    blank: list[str] = []
    with pypdfium2.PdfDocument(document) as opened:
        for number, page in enumerate(opened):
            shown, height, text = picture(document, number, SHARP), page.get_height(), page.get_textpage()
            assert text.count_rects(), "a page without words"
            for index in range(text.count_rects()):
                left, bottom, right, top = text.get_rect(index)
                # With what is around it: a letter alone, an I, is all ink.
                edges = (left - 1, height - top - 1, right + 1, height - bottom + 1)
                grey: Any = shown.crop(tuple(round(edge * SHARP) for edge in edges)).getextrema()
                darkest, lightest = grey
                if lightest - darkest < INK:
                    blank.append(text.get_text_bounded(left, bottom, right, top))
    return [words for words in blank if any(letter.isalnum() for letter in words)]
