"""Finding goods by words in the customer's language: accents and case do not count, a part of a word is enough.

PostgreSQL looks through its trigrams (extension pg_trgm); the functions are written in the migrations.
"""

import re
import unicodedata
from functools import reduce
from operator import and_
from typing import Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db.models import Case, F, Func, Index, IntegerField, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Concat

LANGUAGES = ("fr", "de", "it", "en")
MAX_LENGTH = 100
MAX_WORDS = 6
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


def name_in(language: str) -> PlainText:
    return PlainText(TextIn(F("names"), Value(language)))


def text_in(language: str) -> PlainText:
    """Name and description, the text that is searched."""
    name, description = (TextIn(F(column), Value(language)) for column in ("names", "descriptions"))
    return PlainText(Concat(name, Value(" ", output_field=TextField()), description))


def indexes() -> list[Index]:
    """For each language one to find by words and one to sort by name."""
    return [
        *(GinIndex(OpClass(text_in(code), name="gin_trgm_ops"), name=f"product_words_{code}") for code in LANGUAGES),
        *(Index(name_in(code), F("id"), name=f"product_name_{code}") for code in LANGUAGES),
    ]


def holding(goods: QuerySet[Any], words: list[str], language: str, categories: dict[int, str]) -> QuerySet[Any]:
    """The goods that answer to all of the words: in their text, in one that is nearly the same, or in their
    category's name (`categories` by id). Those whose own name holds them all come first in `rank`."""
    text, name = text_in(language), name_in(language)
    goods = goods.alias(searched=text, plain_name=name)
    for word in words:
        named = [key for key, category in categories.items() if word in plain(category)]
        goods = goods.filter(
            Q(searched__contains=word) | Q(searched__trigram_word_similar=word) | Q(category__in=named)
        )
    in_the_name = reduce(and_, (Q(plain_name__contains=word) for word in words))
    ranked: QuerySet[Any] = goods.alias(rank=Case(When(in_the_name, then=0), default=1, output_field=IntegerField()))
    return ranked
