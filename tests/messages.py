"""The message catalogues, through Babel instead of GNU gettext.

python -m tests.messages update              collect the texts of code and templates into locale/*/…/django.po
python -m tests.messages compile             write the .mo files that Django reads
python -m tests.messages check               say what is missing or wrong, and fail
python -m tests.messages merge fr FILE …     take translations from other catalogues
"""

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import django
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
LANGUAGES = ("fr", "de", "it")
"""The languages whose catalogue must be complete."""
SOURCE = "en"
"""The language of the message ids: its catalogue holds only what customers should read in better words."""

KEYWORDS = DEFAULT_KEYWORDS | {
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
MARKS = re.compile(r"%\(\w+\)[a-z]|%%|</?[a-z][^>]*>")
TYPE = (
    ("'", "straight apostrophe"),
    ('"', "straight quotation mark"),
    ("\u202f", "narrow no-break space"),
    (r"\.\.\.", "three full stops for an ellipsis"),
    (r"  |^\s|\s$", "space too many"),
    (r"CHF \d| %%", "no-break space missing"),
)
# Swiss German and Italian set « » without spaces inside, Swiss German writes ss for ß.
SWISS_QUOTES = ((r"[„“”]", "quotation marks other than « »"), (r"«\s|\s»", "space inside « »"))
TYPE_OF = {
    "fr": (
        (r"[^\u00a0 ][;!?»](\s|$)|[^\u00a0 \d]:(\s|$)|«[^\u00a0]| [:;!?»]", "no-break space missing"),
        (r"[„“”]", "quotation marks other than « »"),
    ),
    "de": (*SWISS_QUOTES, ("ß", "ß")),
    "it": SWISS_QUOTES,
    "en": ((r"[«»„]| [:;!?]", "not English type"),),
}
# One word for one thing: what is not said, and what is said instead.
OTHER_WORDS = {
    "fr": {"magasin": "boutique", "Selon la banque": "le délai dépend de la banque", "courriel": "e-mail"},
    "de": {
        "Rückzahlung": "Rückerstattung",
        " rückerstattet": "zurückerstattet",
        "freiwillig": "fakultativ",
        "Verkaufsbedingungen": "AGB",
        "Kundschaft": "Kunde",
        "Summe": "Total",
        "nochmal ": "noch einmal",
        "anderes Zahlungsmittel": "andere Zahlungsart",
    },
    "it": {"fornitore di pagamento": "fornitore di servizi di pagamento", "bottega": "negozio"},
}
E_MAIL = re.compile(r"\b([Ee])-([Mm]ail)")
WORDS_OF_A_LABEL = 3
Text = tuple[str | tuple[str, ...], str | None]
"""A message's id (or singular and plural) and its context."""
# Without dates and line numbers, so that a catalogue changes only when a text does.
HEADER = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural_forms}\\n"

"""


def update() -> None:
    """Bring every catalogue to the texts of today, keeping the translations of those that stay."""
    for language in (*LANGUAGES, SOURCE):
        write(refreshed(read(path_of(language), language), language), language)


def compile_catalogues() -> None:
    """Write the .mo of every .po that is newer."""
    for source in LOCALE.glob("*/LC_MESSAGES/django.po"):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            draft = target.with_suffix(".draft")  # another process may be reading the old one
            with draft.open("wb") as file:
                write_mo(file, read(source, source.parts[-3]))
            draft.replace(target)


def faults() -> list[str]:
    """What is missing or wrong in the catalogues, a sentence each."""
    everything = list(texts())
    return [
        f"{language}: {fault}"
        for language in (*LANGUAGES, SOURCE)
        for fault in _faults(read(path_of(language), language), language, everything)
    ]


def merge(language: str, files: list[Path]) -> list[str]:
    """Take the translations of `files` for texts that exist; gives the texts that do not."""
    catalogue = refreshed(read(path_of(language), language), language)
    unknown = []
    for file in files:
        for message in read(file, language):
            if not message.id or not _complete(message):
                continue
            known = catalogue.get(message.id, message.context)
            if known is None:
                unknown.append(f"{file.name}: {_name(message)}")
            else:
                known.string = message.string
    write(catalogue, language)
    return unknown


def refreshed(old: Catalog, language: str) -> Catalog:
    """A catalogue of today's texts with the translations of `old`."""
    new = Catalog(locale=language)
    for message_id, context in texts():
        known = old.get(message_id, context)
        new.add(message_id, known.string if known else None, context=context)
    return new


def texts() -> Iterator[Text]:
    """Every text of the shop that goes through gettext."""
    if not settings.configured:
        settings.configure()  # templatize wants settings, whichever
        django.setup()
    for app in ("kookut", "orders", "payments"):
        for path in sorted((ROOT / app).rglob("*.py")):
            yield from _texts_of(path.read_bytes())
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.suffix in {".html", ".txt"}:
            yield from _texts_of(templatize(path.read_text(), origin=str(path)).encode())


def _texts_of(source: bytes) -> Iterator[Text]:
    for _line, message_id, _comments, context in extract("python", io.BytesIO(source), keywords=KEYWORDS):
        yield message_id, context


def path_of(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def read(path: Path, language: str) -> Catalog:
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def write(catalogue: Catalog, language: str) -> None:
    for message in catalogue:
        message.string = _unbroken(tuple(message.string) if isinstance(message.string, list) else message.string or "")
    entries = io.BytesIO()
    if language == SOURCE:
        catalogue = _translated(catalogue, language)
    write_po(entries, catalogue, width=0, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True)
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    header = HEADER.format(language=language, plural_forms=catalogue.plural_forms)
    path.write_text(header + entries.getvalue().decode().strip() + "\n")


def _unbroken(text: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """In sentences, “e-mail” with a word joiner after its hyphen: no line ends there. Labels are short enough."""
    if isinstance(text, tuple):
        return tuple(str(_unbroken(each)) for each in text)
    return E_MAIL.sub("\\1-\u2060\\2", text) if text and len(text.split()) > WORDS_OF_A_LABEL else text


def _translated(catalogue: Catalog, language: str) -> Catalog:
    """Only what has its own words."""
    new = Catalog(locale=language)
    for message in catalogue:
        if message.id and _complete(message):
            new.add(message.id, message.string, context=message.context)
    return new


def _faults(catalogue: Catalog, language: str, everything: list[Text]) -> Iterator[str]:
    used = set()
    for message_id, context in everything:
        message = catalogue.get(message_id, context)
        if message is not None:
            used.add((message.id, message.context))
        elif language != SOURCE:
            yield f"not collected (make messages): {message_id!r}"
    for message in catalogue:
        if not message.id:
            continue
        if (message.id, message.context) not in used:
            yield f"no longer used (make messages): {_name(message)}"
        elif message.fuzzy or not _complete(message):
            yield f"not translated: {_name(message)}"
        else:
            wrong = [*message.check(catalogue), *changed_marks(message), *typography(message, language)]
            yield from (f"{fault}: {_name(message)}" for fault in [*wrong, *other_words(message, language)])
    if language == SOURCE:
        own = {(message.id, message.context) for message in catalogue}
        for message_id, context in everything:
            if (message_id, context) not in own:
                shown = Message(message_id, message_id, context=context)
                yield from (f"{fault}: {_name(shown)}" for fault in typography(shown, language))


def changed_marks(message: Message) -> Iterator[str]:
    """Placeholders and tags that a translation lost, changed or made up."""
    for original, text in zip(_ids(message), _strings(message), strict=False):
        if sorted(MARKS.findall(original)) != sorted(MARKS.findall(text)):
            yield "other placeholders or tags"


def typography(message: Message, language: str) -> Iterator[str]:
    """The house's type: ’ for the apostrophe everywhere; the quotation marks, spaces and letters of each language."""
    for text in _strings(message):
        bare = re.sub(r"%(\(\w+\))?[a-z]|<[^>]*>|\b\w+://\S*", "x", text)
        yield from (fault for pattern, fault in (*TYPE, *TYPE_OF.get(language, ())) if re.search(pattern, bare))
        if _unbroken(text) != text and language != SOURCE:
            yield "“e-mail” may break after its hyphen (make messages)"


def other_words(message: Message, language: str) -> Iterator[str]:
    """Words for which the shop has another one."""
    for text in _strings(message):
        for word, ours in OTHER_WORDS.get(language, {}).items():
            if word in text:
                yield f"“{word}”, where we say “{ours}”"


def _strings(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, (list, tuple)) else (message.string or "",)


def _ids(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def _complete(message: Message) -> bool:
    return all(_strings(message))


def _name(message: Message) -> str:
    text = _ids(message)[0]
    return f"{text!r} ({message.context})" if message.context else repr(text)


def main(arguments: list[str]) -> int:
    match arguments:
        case ["update"]:
            update()
            found = [fault for fault in faults() if "not translated" in fault]
            print("\n".join([*found, f"{len(found)} texts to translate."]))
        case ["compile"]:
            compile_catalogues()
        case ["check"]:
            found = faults()
            print("\n".join(found) or "The catalogues are complete.")
            return bool(found)
        case ["merge", language, *files]:
            for text in merge(language, [Path(file) for file in files]):
                print(f"not in the sources: {text}")
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
