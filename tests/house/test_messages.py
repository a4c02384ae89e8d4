"""The message catalogues."""

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from tests import messages


def test_every_text_of_the_shop_is_translated() -> None:
    assert messages.faults() == []


def test_an_update_leaves_the_catalogue_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever changes a text runs `make messages`, and nothing else moves."""
    before = messages.path_of("fr").read_text()
    catalogue = messages.read(messages.path_of("fr"), "fr")
    monkeypatch.setattr(messages, "LOCALE", tmp_path)
    messages.write(messages.refreshed(catalogue, "fr"), "fr")
    assert messages.path_of("fr").read_text() == before


@pytest.mark.parametrize(
    ("french", "fault"),
    [
        ("L'article", "straight apostrophe"),
        ("Prix\u202f: 3", "narrow no-break space"),
        ("Prix : 3", "no-break space missing"),
        ("Payer ?", "no-break space missing"),
        ("« Oui »", "no-break space missing"),
        ("Oui!", "no-break space missing"),
    ],
)
def test_it_sees_a_typographic_fault(french: str, fault: str) -> None:
    assert fault in messages.french_typography(Catalog().add("English", french))


def test_it_accepts_the_houses_french() -> None:
    text = "L’article «\u00a0%(name)s\u00a0» coûte\u00a0: <a href='%(url)s'>CHF 10.00</a>, de 10:30 à 12:00\u00a0!"
    assert list(messages.french_typography(Catalog().add("English", text))) == []


def test_a_merge_fills_what_the_shop_says_and_names_the_rest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(messages, "LOCALE", tmp_path / "locale")
    monkeypatch.setattr(messages, "texts", lambda: iter([("Pay", None), (("%(n)s article", "%(n)s articles"), None)]))
    other = tmp_path / "other.po"
    other.write_text(
        'msgid "Pay"\nmsgstr "Payer"\n\nmsgid "Play"\nmsgstr "Jouer"\n\n'
        'msgid "%(n)s article"\nmsgid_plural "%(n)s articles"\nmsgstr[0] "%(n)s article"\nmsgstr[1] "%(n)s articles"\n'
    )
    assert messages.merge("fr", [other]) == ["other.po: 'Play'"]
    assert messages.faults() == []
    messages.compile_catalogues()
    assert messages.path_of("fr").with_suffix(".mo").exists()


def test_a_translation_that_lost_a_placeholder_is_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(messages, "LOCALE", tmp_path / "locale")
    monkeypatch.setattr(messages, "texts", lambda: iter([("Pay %(total)s", None)]))
    other = tmp_path / "other.po"
    other.write_text('#, python-format\nmsgid "Pay %(total)s"\nmsgstr "Payer %(somme)s"\n')
    messages.merge("fr", [other])
    assert len(messages.faults()) == 1
