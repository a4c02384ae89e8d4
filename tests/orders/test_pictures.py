"""The goods' pictures: what staff upload in the back office, and what customers' browsers get of it."""

import re
import struct
import subprocess
import sys
import zlib
from io import BytesIO
from tempfile import TemporaryFile
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, ImageCms

from orders.models import Product
from orders.pictures import MAX_BYTES, MAX_PIXELS, NAME
from tests.orders.steps import page
from tests.shop import goods
from tests.staff import form_of

pytestmark = pytest.mark.django_db
PLACE = "Rue de Carouge 12"
LATITUDE, ORIENTATION, ARTIST, GPS = 2, 0x0112, 0x013B, 0x8825


def image_file(size: tuple[int, int] = (700, 900), kind: str = "JPEG", mode: str = "RGB", **options: Any) -> bytes:
    output = BytesIO()
    Image.radial_gradient("L").resize(size).convert(mode).save(output, kind, **options)
    return output.getvalue()


def half_red(kind: str = "PNG", **options: Any) -> bytes:
    """Its upper half is red, the lower blue."""
    image = Image.new("RGB", (400, 600), "blue")
    image.paste("red", (0, 0, 400, 300))
    output = BytesIO()
    image.save(output, kind, **options)
    return output.getvalue()


def upload(client: Client, product: Product, content: bytes, name: str = "photo.jpg", **more: Any) -> Any:
    address = f"/admin/orders/product/{product.pk}/change/"
    file = SimpleUploadedFile(name, content, "image/jpeg")
    return client.post(address, form_of(client, address) | {"upload": file} | more)


def files_of(product: Product) -> dict[str, bytes]:
    """Every file that the product's page names, by its path, as a browser gets it."""
    paths = sorted(set(re.findall(rf"/media/{NAME}", page(Client().get(f"/articles/{product.slug}/")))))
    answers = {path: got(path) for path in paths}
    assert {path for path, answer in answers.items() if answer.status_code != 200} == set()
    return {path: answer.body for path, answer in answers.items()}


def got(path: str, **headers: str) -> Any:
    answer: Any = Client().get(path, headers=headers)
    answer.body = answer.getvalue()  # read to its end, which closes the file
    return answer


def opened(files: dict[str, bytes], ending: str) -> Image.Image:
    """The largest one of that kind."""
    return max(
        (Image.open(BytesIO(content)) for path, content in files.items() if path.endswith(ending)),
        key=lambda image: image.width,
    )


def refusal(answer: Any) -> str:
    assert answer.status_code == 200
    (sentence,) = answer.context["adminform"].form.errors["upload"]
    return str(sentence)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_what_an_upload_is_shows_in_its_bytes_and_not_in_its_name(admin_client: Client, kind: str) -> None:
    bowl = goods()
    assert upload(admin_client, bowl, image_file((330, 400), kind), "photo.jpg").status_code == 302
    assert len(files_of(bowl)) == 6


def test_an_upload_becomes_avif_and_jpeg_in_a_few_sizes(admin_client: Client) -> None:
    bowl = goods()
    assert upload(admin_client, bowl, image_file((1500, 1800)), "whatever.bin").status_code == 302
    files = files_of(bowl)
    kinds = {(Image.open(BytesIO(content)).format, Image.open(BytesIO(content)).size) for content in files.values()}
    sizes = [(160, 192), (320, 384), (640, 768), (1280, 1536)]
    assert kinds == {(kind, size) for kind in ("AVIF", "JPEG") for size in sizes}
    shown = page(Client().get(f"/articles/{bowl.slug}/"))
    assert 'width="1280" height="1536"' in shown
    assert shown.index("image/avif") < shown.index("<img")


def test_a_small_picture_is_not_blown_up(admin_client: Client) -> None:
    bowl = goods()
    upload(admin_client, bowl, image_file((400, 500)))
    assert {Image.open(BytesIO(content)).width for content in files_of(bowl).values()} == {160, 320, 400}


def test_nothing_but_the_pixels_is_kept(admin_client: Client) -> None:
    """Where a photograph was taken, by whom and with which camera is nobody's business."""
    bowl = goods()
    exif = Image.Exif()
    exif[ARTIST] = PLACE
    exif.get_ifd(GPS)[LATITUDE] = (46.0, 12.0, 0.0)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    hidden: dict[str, Any] = {"exif": exif, "comment": PLACE, "icc_profile": profile, "xmp": PLACE.encode()}
    upload(admin_client, bowl, image_file(**hidden))
    for content in files_of(bowl).values():
        assert PLACE.encode() not in content
        kept = Image.open(BytesIO(content))
        assert {"exif", "icc_profile", "xmp", "comment"} & set(kept.info) == set()
        assert not kept.getexif()


def test_a_photograph_stands_upright_as_the_camera_was_held(admin_client: Client) -> None:
    bowl = goods()
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # turn it by 90° to the right
    upload(admin_client, bowl, half_red(exif=exif))
    for ending in ("avif", "jpg"):
        shown = opened(files_of(bowl), ending).convert("RGB")
        assert shown.size == (600, 400)
        left, right = shown.getpixel((50, 200)), shown.getpixel((550, 200))
        assert isinstance(left, tuple) and isinstance(right, tuple)
        assert left[2] > 200 and right[0] > 200


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1"])
def test_pictures_of_any_kind_of_colour_are_taken(admin_client: Client, mode: str) -> None:
    bowl = goods()
    kind = "JPEG" if mode in ("CMYK", "L") else "PNG"
    assert upload(admin_client, bowl, image_file(kind=kind, mode=mode)).status_code == 302
    assert {Image.open(BytesIO(content)).mode for content in files_of(bowl).values()} == {"RGB"}


def test_what_is_transparent_becomes_white(admin_client: Client) -> None:
    bowl = goods()
    output = BytesIO()
    Image.new("RGBA", (400, 500), (0, 0, 0, 0)).save(output, "PNG")
    upload(admin_client, bowl, output.getvalue())
    assert opened(files_of(bowl), "jpg").getpixel((200, 250)) == (255, 255, 255)


def test_sixteen_bits_of_grey_are_the_same_grey_in_eight(admin_client: Client) -> None:
    for meant in (0, 128, 255):
        bowl = goods()
        output = BytesIO()
        Image.new("I;16", (400, 500), meant * 257).save(output, "PNG")
        assert upload(admin_client, bowl, output.getvalue()).status_code == 302
        shown = opened(files_of(bowl), "jpg").getpixel((200, 250))
        assert isinstance(shown, tuple) and all(abs(part - meant) < 4 for part in shown), (meant, shown)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_a_large_picture_is_made_small_before_it_is_worked_on(mode: str) -> None:
    """In a process of its own, whose memory nothing else has stretched: 25 million pixels in 100 kB."""
    script = (
        "import re, sys; from pathlib import Path; from orders.pictures import prepare\n"
        "def most(): return int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) // 1024\n"
        "before = most(); prepare(sys.stdin.buffer); print(most() - before)"
    )
    output = BytesIO()
    Image.new(mode, (5000, 5000)).save(output, "PNG", **({"transparency": 0} if mode == "P" else {}))
    with TemporaryFile() as file:
        file.write(output.getvalue())
        file.seek(0)
        done = subprocess.run([sys.executable, "-c", script], stdin=file, capture_output=True, check=True)
    assert int(done.stdout) < 300, "MB"


def test_a_file_that_was_written_in_part_is_written_anew(admin_client: Client) -> None:
    bowl, content = goods(), image_file((330, 400))
    upload(admin_client, bowl, content)
    whole = files_of(bowl)
    for path, stored in whole.items():
        name = path.removeprefix("/media/")
        default_storage.delete(name)
        default_storage.save(name, ContentFile(stored[:100]))
    assert upload(admin_client, bowl, content).status_code == 302
    assert files_of(bowl) == whole


def test_the_colours_are_those_that_the_profile_means(admin_client: Client) -> None:
    """A profile that is dropped without being applied would change every colour; one that does not fit counts not."""
    bowl = goods()
    swapped = linear_profile()
    for mode, colour, meant in (("RGB", (55, 55, 55), 128), ("L", 128, 128)):
        output = BytesIO()
        Image.new(mode, (400, 500), colour).save(output, "JPEG", icc_profile=swapped)
        assert upload(admin_client, bowl, output.getvalue()).status_code == 302
        shown = opened(files_of(bowl), "jpg").getpixel((200, 250))
        assert isinstance(shown, tuple) and all(abs(part - meant) < 4 for part in shown), (mode, shown)


def linear_profile() -> bytes:
    """sRGB's colours with a straight curve: what it calls 55 of 255 is sRGB's 128."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", profile, 128)[0]
    for entry in range(count):
        name, offset, _size = struct.unpack_from(">4sII", profile, 132 + 12 * entry)
        if name in (b"rTRC", b"gTRC", b"bTRC"):
            profile[offset : offset + 12] = b"curv" + bytes(8)  # no points: the identity
            struct.pack_into(">I", profile, 132 + 12 * entry + 8, 12)
    return bytes(profile)


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 100'000 pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "ne se lit pas"),
        (b"<?php system($_GET['c']); ?>", "ne se lit pas"),
        (image_file(kind="GIF", mode="L"), "ne se lit pas"),
        (image_file(kind="TIFF"), "ne se lit pas"),
        (image_file()[:4000], "ne se lit pas"),
        (image_file(kind="PNG")[:4000], "ne se lit pas"),
        (bomb(), "25 millions de pixels"),
        (image_file((5100, 5000), "PNG", "1"), "25 millions de pixels"),
        (image_file((319, 600)), "319 × 600 pixels"),
        (image_file((400, 1201)), "trop étroite"),
        (image_file() + b"\0" * MAX_BYTES, "dépasse 12 Mo"),
        (b"", "vide"),
    ],
    ids=["svg", "php", "gif", "tiff", "half a jpeg", "half a png", "bomb", "too many", "small", "narrow", "heavy", "0"],
)
def test_what_is_no_fit_picture_is_refused_with_a_sentence(admin_client: Client, content: bytes, words: str) -> None:
    bowl = goods()
    assert MAX_PIXELS < 5100 * 5000
    assert words in refusal(upload(admin_client, bowl, content, name_fr="Bol neuf"))
    bowl.refresh_from_db()
    assert (bowl.picture.name, bowl.names["fr"].startswith("Bol neuf")) == ("", False)


def test_a_broken_file_never_breaks_the_page(admin_client: Client) -> None:
    bowl = goods()
    for kind in ("JPEG", "PNG", "WEBP", "AVIF"):
        whole = image_file((330, 330), kind)
        for at in range(0, len(whole), len(whole) // 4):
            broken = whole[:at] + bytes(byte ^ 0x55 for byte in whole[at : at + 40]) + whole[at + 40 :]
            assert upload(admin_client, bowl, broken).status_code in (200, 302), (kind, at)


def test_the_old_files_go_when_the_picture_is_replaced_or_taken_away(admin_client: Client) -> None:
    bowl, twin = goods(), goods()
    first, second = image_file((330, 400)), image_file((340, 400))
    upload(admin_client, bowl, first)
    old = files_of(bowl)
    upload(admin_client, bowl, second)
    new = files_of(bowl)
    assert len(new) == len(old) == 6 and not set(old) & set(new)
    assert {got(path).status_code for path in old} == {404}

    upload(admin_client, twin, second)
    assert files_of(twin) == new
    address = f"/admin/orders/product/{bowl.pk}/change/"
    assert admin_client.post(address, form_of(admin_client, address) | {"upload-clear": "on"}).status_code == 302
    assert files_of(bowl) == {}
    assert files_of(twin) == new, "another product shows the same picture"
    folder = {f"/media/goods/{name}" for name in default_storage.listdir("goods")[1]}
    assert not set(old) & folder


def test_a_change_without_a_picture_leaves_it_as_it_is(admin_client: Client) -> None:
    bowl = goods()
    upload(admin_client, bowl, image_file((330, 400)))
    before = files_of(bowl)
    address = f"/admin/orders/product/{bowl.pk}/change/"
    assert admin_client.post(address, form_of(admin_client, address) | {"price": "31.00"}).status_code == 302
    assert files_of(bowl) == before
    assert "/media/goods/" in page(admin_client.get(address))


def test_a_picture_may_be_kept_for_ever_since_its_name_changes_with_it(admin_client: Client) -> None:
    bowl = goods()
    upload(admin_client, bowl, image_file((330, 400)), "../../etc/passwd.php")
    path = next(iter(files_of(bowl)))
    answer = got(path)
    assert "immutable" in answer["Cache-Control"] and "max-age=31536000" in answer["Cache-Control"]
    assert answer["Content-Type"] in ("image/avif", "image/jpeg")
    assert got(path, **{"If-None-Match": answer["ETag"]}).status_code == 304
    assert "passwd" not in "".join(default_storage.listdir("goods")[1])


@pytest.mark.parametrize("path", ["../settings.py", "goods/../../manage.py", "goods/", "goods/bol.webp", "%2e%2e/x"])
def test_no_other_file_is_given_out(path: str) -> None:
    assert Client().get(f"/media/{path}").status_code == 404


def test_the_picture_is_told_to_who_does_not_see_it(admin_client: Client) -> None:
    bowl = goods(names={"fr": "Bol", "de": "Schale"})
    upload(admin_client, bowl, image_file((330, 400)), picture_text_fr="Un bol bleu.")
    assert 'alt="Un bol bleu."' in page(Client().get(f"/articles/{bowl.slug}/"))
    Product.objects.update(picture_texts={})
    assert 'alt="Schale"' in page(Client().get(f"/de/articles/{bowl.slug}/"))


def test_another_picture_reminds_of_descriptions_that_nobody_changed(admin_client: Client) -> None:
    bowl = goods(picture_texts={"fr": "Un bol bleu", "de": "Eine blaue Schale"})
    first = upload(admin_client, bowl, image_file((330, 400)))
    assert "français, allemand" in admin_client.get(first["Location"]).content.decode()
    second = upload(admin_client, bowl, half_red(), picture_text_fr="Un bol rouge", picture_text_de="Eine rote Schale")
    assert 'class="warning"' not in admin_client.get(second["Location"]).content.decode()
