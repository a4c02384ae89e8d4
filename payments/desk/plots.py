"""Plots as the page draws them: bars in rows under each other, one for each series, so that no colour need be told
from another; and the same as a table. Whole numbers, which SVG reads in every language."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from django.utils.translation import gettext as _

from orders.vat import pro_rata

STEP, GAP, HEIGHT = 10, 2, 100
WHOLE = 1000
"""The width of a bar that is divided into shares."""


@dataclass(frozen=True)
class Tick:
    """A place on the axis: a day or an hour, and the list of what happened then."""

    label: str
    link: str = ""


@dataclass(frozen=True)
class Series:
    """Values, one for each tick, None where nothing was measured; how they are printed; whether their sum says
    something, as that of counts and amounts does: of them zero is nothing."""

    label: str
    values: Sequence[int | None]
    printed: Callable[[int], str] = str
    kind: str = ""
    has_sum: bool = True

    @property
    def most(self) -> int:
        return max(self.known, default=0)

    @property
    def known(self) -> list[int]:
        return [value for value in self.values if value is not None]

    @property
    def is_empty(self) -> bool:
        return not self.most if self.has_sum else not self.known


@dataclass(frozen=True)
class Rectangle:
    x: int
    width: int
    y: int = 0
    height: int = HEIGHT
    text: str = ""


@dataclass(frozen=True)
class Row:
    """A series as it is drawn."""

    label: str
    kind: str
    summary: str
    bars: tuple[Rectangle, ...]


@dataclass(frozen=True)
class Part:
    """A part of a whole, the list of what is in it, and what else its row of the table says."""

    label: str
    kind: str
    value: int
    link: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Share:
    """A part as it is drawn."""

    part: Part
    printed: str
    bar: Rectangle


@dataclass(frozen=True)
class Plot:
    """Bars along time."""

    name: str
    title: str
    axis: str
    ticks: Sequence[Tick]
    series: Sequence[Series]
    template: ClassVar = "admin/plot.html"

    @property
    def is_empty(self) -> bool:
        return all(one.is_empty for one in self.series)

    @property
    def width(self) -> int:
        return STEP * len(self.ticks)

    @property
    def height(self) -> int:
        return HEIGHT

    @property
    def ends(self) -> tuple[str, str]:
        return self.ticks[0].label, self.ticks[-1].label

    @property
    def rows(self) -> list[Row]:
        return [Row(one.label, one.kind, self._summary(one), tuple(self._bars(one))) for one in self.series]

    @property
    def table(self) -> list[tuple[Tick, list[str]]]:
        """The latest first, as the shop's lists are."""
        cells = zip(*([_cell(one, value) for value in one.values] for one in self.series), strict=True)
        return [(tick, list(row)) for tick, row in zip(self.ticks, cells, strict=True)][::-1]

    def _summary(self, series: Series) -> str:
        if series.is_empty:
            return _("none")
        when = self.ticks[list(series.values).index(series.most)].label
        facts = {"sum": series.printed(sum(series.known)), "most": series.printed(series.most), "when": when}
        if series.has_sum:
            return _("%(sum)s in all; most on %(when)s: %(most)s") % facts
        return _("most on %(when)s: %(most)s") % facts

    def _bars(self, series: Series) -> Iterator[Rectangle]:
        for n, (tick, value) in enumerate(zip(self.ticks, series.values, strict=True)):
            if value or (value == 0 and not series.has_sum):
                height = max(2, HEIGHT * value // max(series.most, 1))
                text = f"{tick.label}: {series.printed(value)}"
                yield Rectangle(n * STEP, STEP - GAP, HEIGHT - height, height, text)


@dataclass(frozen=True)
class Whole:
    """Something divided into parts, as one bar."""

    name: str
    title: str
    head: tuple[str, ...]
    parts: Sequence[Part]
    template: ClassVar = "admin/whole.html"

    @property
    def is_empty(self) -> bool:
        return not any(part.value for part in self.parts)

    @property
    def width(self) -> int:
        return WHOLE

    @property
    def shares(self) -> list[Share]:
        """The parts, in whole percents that come to 100."""
        whole = sum(part.value for part in self.parts)
        percents = pro_rata(100, {n: part.value for n, part in enumerate(self.parts)}) if whole else {}
        found, x = [], 0
        for n, part in enumerate(self.parts):
            width = WHOLE * part.value // whole if whole else 0
            found.append(Share(part, percent(percents.get(n, 0)), Rectangle(x, max(0, width - GAP))))
            x += width
        return found

    @property
    def summary(self) -> str:
        return ", ".join(f"{one.part.label} {one.printed}" for one in self.shares)


def _cell(series: Series, value: int | None) -> str:
    return "–" if value is None else series.printed(value)


def percent(share: int) -> str:
    return _("%(rate)s%%") % {"rate": share}


def age(time: timedelta, *, exact: bool = False) -> str:
    """So long, in the two largest units at most; without seconds unless they are asked for."""
    seconds = max(0, int(time.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if exact and seconds < 120:
        return f"{seconds}\u00a0s"
    if minutes < 60:
        return f"{minutes}\u00a0min" if minutes else "<\u00a01\u00a0min"
    if hours < 48:
        return f"{hours}\u00a0h {minutes % 60}\u00a0min"
    return _("%(days)d d") % {"days": days}
