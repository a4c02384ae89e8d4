"""A telephone held over a paper: the page as a picture, and what its QR code says."""

import pypdfium2
import zxingcpp
from PIL.Image import Image

WORN = 100 / 72
"""A paper seen at 100 dots per inch: worse than any telephone sees it."""


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
