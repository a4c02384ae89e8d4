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
    ("language", "text", "fault"),
    [
        ("fr", "L'article", "straight apostrophe"),
        ("fr", "Prix\u202f: 3", "narrow no-break space"),
        ("fr", "Prix : 3", "no-break space missing"),
        ("fr", "Payer ?", "no-break space missing"),
        ("fr", "« Oui »", "no-break space missing"),
        ("fr", "Oui!", "no-break space missing"),
        ("de", "Straße", "ß"),
        ("de", "„Ja“", "quotation marks other than « »"),
        ("it", "«\u00a0Sì\u00a0»", "space inside « »"),
        ("it", "L'articolo", "straight apostrophe"),
        ("de", 'Der "Artikel"', "straight quotation mark"),
        ("fr", "Patientez...", "three full stops for an ellipsis"),
        ("it", "Due  spazi", "space too many"),
        ("de", "Am Ende ", "space too many"),
        ("it", "Fino a CHF 10.00", "no-break space missing"),
        ("de", "MWST %(rate)s %%", "no-break space missing"),
        ("en", "See the «goods»", "not English type"),
        ("fr", "Vous recevez un e-mail demain", "“e-mail” may break after its hyphen (make messages)"),
    ],
)
def test_it_sees_a_typographic_fault(language: str, text: str, fault: str) -> None:
    assert fault in messages.typography(Catalog().add("English", text), language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (
            "fr",
            "L’article «\u00a0%(name)s\u00a0» coûte\u00a0: <a href='%(url)s'>CHF\u00a010.00</a>, 10:30\u00a0!",
        ),
        ("de", "«%(name)s» kostet: CHF\u00a010.00!"),
        ("it", "L’articolo «%(name)s» costa: CHF\u00a010.00!"),
    ],
)
def test_it_accepts_the_houses_type(language: str, text: str) -> None:
    assert list(messages.typography(Catalog().add("English", text), language)) == []


@pytest.mark.parametrize(
    ("original", "translation"),
    [
        ("Pay %(total)s", "Payer"),
        ("Pay %(total)s", "Payer %(total)s, %(total)s"),
        ("Pay %(total)s", "Payer %(somme)s"),
        ("VAT %(rate)s %%", "TVA %(rate)s"),
        ("It is <b>paid</b>", "C’est payé"),
        ('<a href="%(url)s">Terms</a>', '<a href="/conditions/">Conditions</a>'),
        (("%(n)s thing", "%(n)s things"), ("%(n)s chose", "des choses")),
    ],
)
def test_it_sees_that_a_translation_changed_a_placeholder_or_a_tag(
    original: str | tuple[str, str], translation: str | tuple[str, str]
) -> None:
    assert list(messages.changed_marks(Catalog().add(original, translation))) == ["other placeholders or tags"]


@pytest.mark.parametrize(
    ("language", "text"),
    [("fr", "Le magasin est fermé"), ("de", "Ihre Rückzahlung"), ("it", "Il fornitore di pagamento")],
)
def test_it_sees_a_word_for_which_the_shop_has_another(language: str, text: str) -> None:
    assert len(list(messages.other_words(Catalog().add("English", text), language))) == 1


def test_an_update_keeps_e_mail_in_one_piece_in_sentences_and_leaves_labels_as_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(messages, "LOCALE", tmp_path)
    catalogue = Catalog(locale="fr")
    catalogue.add("We write", "Nous envoyons un e-mail")
    catalogue.add("E-mail address", "Adresse e-mail")
    messages.write(catalogue, "fr")
    written = messages.path_of("fr").read_text()
    assert "un e-\u2060mail" in written
    assert "Adresse e-mail" in written


def test_what_english_customers_read_of_the_ids_is_looked_at_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(messages, "LOCALE", tmp_path)
    monkeypatch.setattr(messages, "LANGUAGES", ())
    monkeypatch.setattr(messages, "texts", lambda: iter([("The bank's word", None)]))
    assert messages.faults() == ['en: straight apostrophe: "The bank\'s word"']


def test_english_keeps_only_the_texts_that_read_better_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(messages, "LOCALE", tmp_path / "locale")
    monkeypatch.setattr(messages, "LANGUAGES", ())
    monkeypatch.setattr(messages, "texts", lambda: iter([("See the goods", None), ("Pay", None)]))
    other = tmp_path / "other.po"
    other.write_text('msgid "See the goods"\nmsgstr "See all items"\n')
    messages.merge("en", [other])
    assert messages.faults() == []
    assert 'msgid "Pay"' not in messages.path_of("en").read_text()


def test_a_merge_fills_what_the_shop_says_and_names_the_rest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(messages, "LOCALE", tmp_path / "locale")
    monkeypatch.setattr(messages, "LANGUAGES", ("fr",))
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
