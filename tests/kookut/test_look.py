"""The look: contrasts of the palette, weight, and what the templates may not hold."""

import gzip
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.html") if "emails" not in path.parts)
SHEET = (STATIC / "css" / "kookut.css").read_text()
TOKENS = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", SHEET))

BODY, TEXT, EDGE = 7.0, 4.5, 3.0
"""WCAG 2.2: 1.4.6 for what is read at length, 1.4.3 for all text, 1.4.11 for edges and focus."""


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted(luminance(TOKENS[token]) for token in (one, other))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("front", "ground", "least"),
    [
        *[
            ("ink", ground, BODY)
            for ground in ("paper", "surface", "sunken", "lac-tint", "ok-tint", "warn-tint", "err-tint")
        ],
        *[("muted", ground, TEXT) for ground in ("paper", "surface", "sunken", "lac-tint")],
        *[("lac", ground, TEXT) for ground in ("paper", "surface", "lac-tint")],
        *[("surface", ground, TEXT) for ground in ("lac", "lac-hover", "ink")],
        *[(state, f"{state}-tint", TEXT) for state in ("ok", "warn", "err", "lac")],
        ("err", "surface", TEXT),
        ("err", "paper", TEXT),
        *[("control", ground, EDGE) for ground in ("surface", "paper")],
        ("ink", "halo", EDGE),
        ("halo", "lac", EDGE),
        ("rouge", "paper", EDGE),
    ],
)
def test_the_palette_can_be_read(front: str, ground: str, least: float) -> None:
    assert contrast(front, ground) >= least


def test_the_sheet_uses_only_colours_of_the_palette() -> None:
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", SHEET)) - set(TOKENS.values()) <= {"#000"}
    assert set(re.findall(r"var\(--([\w-]+)\)", SHEET)) <= set(re.findall(r"--([\w-]+):", SHEET))


def test_sheet_and_scripts_are_light() -> None:
    served = [*STATIC.glob("css/kookut.css"), *STATIC.glob("js/*.js")]
    assert sum(len(gzip.compress(path.read_bytes())) for path in served) <= 8_000


def test_the_one_script_is_light() -> None:
    (script,) = STATIC.glob("js/*.js")
    assert len(gzip.compress(script.read_bytes())) <= 1_500


def test_one_font_is_enough() -> None:
    assert [path.stat().st_size <= 36_000 for path in STATIC.glob("fonts/*.woff2")] == [True]


def test_the_payment_marks_have_one_size() -> None:
    """None larger than another: the brands ask for parity."""
    marks = (STATIC / "pay" / "marks.svg").read_text()
    views = re.findall(r'<view id="(\w+)" viewBox="0 (\d+) 64 40"/>', marks)
    plates = re.findall(r'<svg y="(\d+)" width="64" height="40" viewBox="0 0 64 40">', marks)
    assert views == list(zip(("visa", "mastercard", "twint", "paypal"), plates, strict=True))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_template_has_nothing_inline(template: Path) -> None:
    """The content security policy would block it without a word to the customer."""
    text = template.read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"\|safe\b|autoescape off", text)
    assert not re.search(r"(src|href)=\"(https?:)?//", text)


def test_every_icon_that_a_template_names_exists() -> None:
    drawn = {path.stem for path in (ROOT / "templates" / "icons").glob("*.svg")}
    named = {name for path in TEMPLATES for name in re.findall(r'icon\.html" with name="([\w-]+)"', path.read_text())}
    assert named == drawn


def test_the_demo_goods_are_complete() -> None:
    demo = ROOT / "tests" / "demo"
    goods = tomllib.loads((demo / "goods.toml").read_text())["goods"]
    for good in goods:
        assert set(good["names"]) == set(good["descriptions"]) == {"fr", "de", "it", "en"}
        assert (demo / "pictures" / good["picture"]).stat().st_size <= 25_000
