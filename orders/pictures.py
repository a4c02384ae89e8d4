"""The goods' pictures: what staff upload becomes a few sizes in two formats, and nothing else of the file is kept.

A stored picture is known by the name and width of its largest JPEG; the other files follow from them. The names are
ours and change with the content, so that browsers may keep a file for ever.
"""

import base64
import hashlib
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageCms, ImageOps

FOLDER = "goods/"
NAME = r"goods/[a-z2-7]{26}-\d{3,4}\.(?:avif|jpg)"
"""A regular expression of every name that is given here."""
WIDTHS = (160, 320, 640, 1280)
# AVIF weighs a third of JPEG; JPEG is for the browsers that do not know it (Safari before 16.4, Edge before 121).
FORMATS: dict[str, dict[str, Any]] = {
    "avif": {"format": "AVIF", "quality": 60, "speed": 7},
    "jpg": {"format": "JPEG", "quality": 80, "optimize": True, "progressive": True},
}
TYPES = {"avif": "image/avif", "jpg": "image/jpeg"}
MAX_BYTES = 12 * 1024 * 1024
MAX_PIXELS = 25_000_000
"""What telephones and most cameras take unless told otherwise. Read from the header, before anything is decoded:
decoded it is 100 MB, 4 bytes a pixel, and twice that while it is made smaller."""
MIN_SIDE = 320
MAX_RATIO = 3
ACCEPTED = ("JPEG", "PNG", "WEBP", "AVIF")
# What Pillow raises on files that are broken or lie about what they are.
BROKEN = (OSError, SyntaxError, ValueError, EOFError, RuntimeError, struct.error, zlib.error)
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Picture:
    """A picture ready to be stored: the files by their names; `width` and `height` are those of the largest."""

    name: str
    width: int
    height: int
    files: dict[str, bytes]


@dataclass(frozen=True)
class Shown:
    """A stored picture as pages show it: `srcset` per format, and one address for those who know neither."""

    name: str
    width: int
    height: int

    def __str__(self) -> str:
        """What tells people more than its name."""
        return f"{self.width} × {self.height}"

    @property
    def url(self) -> str:
        return address(self.name)

    @property
    def avif(self) -> str:
        return self._srcset("avif")

    @property
    def jpeg(self) -> str:
        return self._srcset("jpg")

    def _srcset(self, ending: str) -> str:
        return ", ".join(
            f"{address(_file(_stem(self.name), width, ending))} {width}w" for width in widths_of(self.width)
        )


def prepare(upload: IO[bytes]) -> Picture:
    """Make the files of a picture, whatever the upload is called and says that it is.

    Raises ValidationError with a sentence for whoever uploaded it.
    """
    content = _bounded(upload)
    image = _decoded(content)
    stem = FOLDER + _digest(content)
    largest = widths_of(image.width)[-1]
    files = {
        _file(stem, width, ending): _encoded(image, width, options)
        for ending, options in FORMATS.items()
        for width in widths_of(image.width)
    }
    return Picture(_file(stem, largest, "jpg"), largest, _height(image, largest), files)


def store(picture: Picture) -> None:
    """Write the files that are not wholly there. Not to be called in a transaction: the storage may be far away."""
    for name, content in picture.files.items():
        if not _is_stored(name, len(content)):
            default_storage.delete(name)
            default_storage.save(name, ContentFile(content))


def _is_stored(name: str, size: int) -> bool:
    """A full disk or a broken connection leaves a part of a file."""
    return default_storage.exists(name) and default_storage.size(name) == size


def remove(name: str, width: int) -> None:
    """Delete a picture's files. Not to be called in a transaction."""
    for ending in FORMATS:
        for each in widths_of(width):
            default_storage.delete(_file(_stem(name), each, ending))


def address(name: str) -> str:
    """Where browsers get a file: always from the shop's own host, whatever the storage is."""
    return f"{settings.MEDIA_URL}{name}"


def widths_of(width: int) -> list[int]:
    """The widths in which a picture of that width is kept: none is blown up."""
    largest = min(width, WIDTHS[-1])
    return [each for each in WIDTHS if each < largest] + [largest]


def _bounded(upload: IO[bytes]) -> bytes:
    upload.seek(0)
    content = upload.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValidationError(
            _("This file is larger than %(limit)s MB. Choose a smaller one."),
            params={"limit": MAX_BYTES // 1024 // 1024},
        )
    return content


def _decoded(content: bytes) -> Image.Image:
    try:
        with Image.open(BytesIO(content), formats=ACCEPTED) as image:
            _refuse_odd_sizes(*image.size)
            # A JPEG is decoded at a fraction of its size where that is still enough.
            image.draft(None, (2 * WIDTHS[-1], 2 * WIDTHS[-1]))
            ImageOps.exif_transpose(image, in_place=True)
            return _plain(_of_a_kept_size(image))
    except BOMBS as bomb:
        raise _too_many_pixels() from bomb
    except BROKEN as broken:
        raise ValidationError(
            _("This file cannot be read as a picture. Choose a JPEG, PNG, WebP or AVIF picture.")
        ) from broken


def _refuse_odd_sizes(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()
    shorter, longer = sorted((width, height))
    if shorter < MIN_SIDE:
        raise ValidationError(
            _("This picture is too small (%(width)s × %(height)s pixels). Each side needs %(least)s pixels or more."),
            params={"width": width, "height": height, "least": MIN_SIDE},
        )
    if longer > MAX_RATIO * shorter:
        raise ValidationError(
            _("This picture is too narrow. Crop it: its long side may be %(ratio)s times its short side at most."),
            params={"ratio": MAX_RATIO},
        )


def _too_many_pixels() -> ValidationError:
    return ValidationError(
        _("This picture has more than %(limit)s million pixels. Make it smaller first."),
        params={"limit": MAX_PIXELS // 1_000_000},
    )


def _of_a_kept_size(image: Image.Image) -> Image.Image:
    """Not wider than the widest that is kept: each further step would need as much memory again for all its pixels."""
    if image.mode.startswith("I"):
        # 16 bits of grey: Pillow would cut what is above 255 off, and all would be white.
        image = image.point(lambda grey: grey * (1 / 257)).convert("L")
    elif image.mode in ("1", "P", "PA") or "transparency" in image.info:
        # Of numbers in a palette, and of one colour that stands for none, no mean can be taken.
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((WIDTHS[-1], image.height), Image.Resampling.LANCZOS)
    return image


def _plain(image: Image.Image) -> Image.Image:
    """The pixels alone, in sRGB on white: no place where it was taken, no camera, no comment, no profile."""
    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        opaque = Image.new("RGB", image.size, "white")
        opaque.paste(image, mask=image.convert("RGBA").getchannel("A"))
        image = opaque
    elif image.mode not in ("RGB", "L", "CMYK"):
        image = image.convert("RGB")
    image = _in_srgb(image, profile) if profile else image.convert("RGB")
    image.info.clear()
    return image


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Without its profile a telephone's wide colours would look dull."""
    try:
        own = ImageCms.ImageCmsProfile(BytesIO(profile))
        converted = ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except ImageCms.PyCMSError:
        converted = None  # a profile that is none, or of other colours than the picture
    return converted or image.convert("RGB")


def _encoded(image: Image.Image, width: int, options: dict[str, Any]) -> bytes:
    sized = image.resize((width, _height(image, width)), Image.Resampling.LANCZOS) if width < image.width else image
    output = BytesIO()
    sized.save(output, **options)
    return output.getvalue()


def _height(image: Image.Image, width: int) -> int:
    return max(1, round(image.height * width / image.width))


def _digest(content: bytes) -> str:
    """The upload and how it is worked on: other sizes or qualities give other names. Letters, hardly a digit."""
    digest = hashlib.sha256(repr((WIDTHS, FORMATS)).encode() + content).digest()
    return base64.b32encode(digest).decode().lower()[:26]


def _stem(name: str) -> str:
    return name.rpartition("-")[0]


def _file(stem: str, width: int, ending: str) -> str:
    return f"{stem}-{width}.{ending}"
