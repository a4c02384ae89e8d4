"""Finding goods by words in the customer's language, and orders by words of who gets them: accents and case do not
count, a part of a word is enough (of a name its beginning).

PostgreSQL looks for goods through its trigrams (extension pg_trgm), for orders through words; the functions are
written in the migrations.
"""

import re
import unicodedata
from functools import reduce
from operator import and_
from typing import Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Case, F, Func, GeneratedField, Index, IntegerField, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Concat

LANGUAGES = ("fr", "de", "it", "en")
AFTER_THE_NAME = "\x1f"
OF_THE_CUSTOMER = (
    "delivery_organisation",
    "delivery_name",
    "delivery_postcode",
    "delivery_town",
    "billing_organisation",
    "billing_name",
)
"""The columns of an order in which words are looked for."""
MAX_LENGTH = 100
MAX_WORDS = 6
MAX_WORDS_RESEMBLED = 3
"""Resemblance is worked out name by name, word by word; no index helps much."""
LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ø": "o", "Ø": "O"})
COMBINING = re.compile("[\u0300-\u036f]")
WORD = re.compile(r"[^\W_]+")


class PlainText(Func):
    """`plain` as PostgreSQL does it."""

    function = "plain_text"
    output_field = TextField()


class TextIn(Func):
    """A column of texts by language, in one of them; in French where it has none."""

    function = "text_in"
    output_field = TextField()


def plain(text: str) -> str:
    """Small letters without accents: what is compared."""
    decomposed = unicodedata.normalize("NFKD", text.translate(LIGATURES))
    return COMBINING.sub("", decomposed).lower()


def words_of(typed: str) -> list[str]:
    """The words to look for. Those of one or two letters count only where there is no longer one: « bol en grès »."""
    words = list(dict.fromkeys(WORD.findall(plain(typed[:MAX_LENGTH]))))
    longer = [word for word in words if len(word) > 2]
    return (longer or words)[:MAX_WORDS]


def words_in(language: str) -> GeneratedField:
    """A column with the text that is searched, name first, which PostgreSQL keeps in step with the others.

    Written once: to work it out for each row of a search would cost a second on thousands of goods.
    """
    name, description = (TextIn(F(column), Value(language)) for column in ("names", "descriptions"))
    text = Concat(name, Value(AFTER_THE_NAME, output_field=TextField()), description)
    return GeneratedField(expression=PlainText(text), output_field=TextField(), db_persist=True)


def column_of(language: str) -> str:
    return f"words_{language}"


def indexes() -> list[Index]:
    return [
        GinIndex(OpClass(F(column_of(code)), name="gin_trgm_ops"), name=f"product_words_{code}") for code in LANGUAGES
    ]


def holding(
    goods: QuerySet[Any], typed: str, words: list[str], language: str, categories: dict[int, str]
) -> QuerySet[Any]:
    """The goods whose text holds all of the words, each whole or in part, or whose category's name does
    (`categories` by id); and the one whose number was `typed`. In `rank` those come first whose own name holds them
    all, or whose number it is."""
    column = column_of(language)
    held = Q()
    for word in words:
        named = [key for key, category in categories.items() if word in plain(category)]
        held &= Q(**{f"{column}__contains": word}) | Q(category__in=named)
    number = Q(sku__iexact=typed)
    in_the_name = reduce(and_, (Q(plain_name__contains=word) for word in words))
    goods = goods.filter(held | number).alias(plain_name=_name_in(language))
    first = When(in_the_name | number, then=0)
    ranked: QuerySet[Any] = goods.alias(rank=Case(first, default=1, output_field=IntegerField()))
    return ranked


def resembling(goods: QuerySet[Any], words: list[str], language: str) -> QuerySet[Any]:
    """The goods whose name is nearly what was typed: in the plural, or with a letter too many or too few. The first
    words count."""
    goods = goods.alias(plain_name=_name_in(language), rank=Value(0))
    for word in words[:MAX_WORDS_RESEMBLED]:
        goods = goods.filter(plain_name__trigram_word_similar=word)
    return goods


def _name_in(language: str) -> Func:
    return Func(
        F(column_of(language)),
        Value(AFTER_THE_NAME, output_field=TextField()),
        Value(1),
        function="split_part",
        output_field=TextField(),
    )


def words_of_the_customer() -> SearchVector:
    """The words of who ordered, who pays and where it goes, as their index holds them."""
    apart_by_spaces = [part for column in OF_THE_CUSTOMER for part in (column, Value(" "))]
    text = PlainText(Concat(*apart_by_spaces, output_field=TextField()))
    # PostgreSQL would take some of these for parts of a word.
    apart = Func(text, Value("’'-./"), Value("     "), function="translate", output_field=TextField())
    return SearchVector(apart, config="simple")


def begins_with(typed: str) -> SearchQuery | None:
    """What finds them: every word typed begins one of theirs. None when no word was typed."""
    words = WORD.findall(plain(typed[:MAX_LENGTH]))[:MAX_WORDS]
    # Nothing but letters and digits comes here: none is an operator of the query's language.
    return SearchQuery(" & ".join(f"{word}:*" for word in words), config="simple", search_type="raw") if words else None
