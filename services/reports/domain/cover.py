"""What every document has in common: title, the line beneath, marks, the note on hidden cells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from services.reports.domain import period as periods
from services.reports.domain.document import SUPPRESSED, Cell, Document, Grid
from services.reports.domain.heading import Heading
from services.reports.domain.period import PeriodKind
from services.reports.domain.quantities import Rate
from services.reports.domain.wording import POPULATIONS, Text, english, named, say

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_ORDINALS = {"1": "First", "2": "Second", "3": "Third", "4": "Fourth"}


def covered(
    heading: Heading,
    *,
    summary: Sequence[str],
    grids: Sequence[Grid],
    footnotes: Sequence[str],
    cut: datetime | None = None,
    landscape: bool = False,
    signature: Sequence[str] = (),
) -> Document:
    """Return a document under *heading*; `cut` (aware) is named as the instant it is judged at."""
    hidden = say("＊ 小于 5 的单元格及可由合计推算出它的单元格不予公布。")
    return Document(
        title=title(heading),
        subtitle=subtitle(heading, cut),
        summary=list(summary),
        grids=list(grids),
        footnotes=[*footnotes, *([hidden] if heading.published else [])],
        exercise=heading.population == "exercise",
        landscape=landscape,
        signature=list(signature),
    )


def title(heading: Heading) -> Text:
    """Return the title; in English the region by its code."""
    drill = POPULATIONS[heading.population]
    of = period_name(heading)
    name = heading.title.removeprefix(heading.region_name + of).removesuffix(drill)
    words = f"{heading.region.title()} · {of.en} · {english(named(name))}"
    return Text(heading.title, f"{words} (exercise)" if drill else words)


def period_name(heading: Heading) -> Text:
    """Return `2026年9月` / `September 2026`, `Third quarter of 2026`, and so for days, quarters, half-years and years."""
    kind = PeriodKind(heading.period_kind)
    found = periods.at(kind, heading.start.date(), ZoneInfo(heading.time_zone))
    year, *rest = heading.period.split("-")
    match kind:
        case PeriodKind.DAY:
            said = f"{int(rest[1])} {_MONTHS[int(rest[0]) - 1]} {year}"
        case PeriodKind.MONTH:
            said = f"{_MONTHS[int(rest[0]) - 1]} {year}"
        case PeriodKind.QUARTER:
            said = f"{_ORDINALS[rest[0][1]]} quarter of {year}"
        case PeriodKind.HALF:
            said = f"{_ORDINALS[rest[0][1]]} half of {year}"
        case _:
            said = year
    return Text(found.title, said)


def subtitle(heading: Heading, cut: datetime | None = None) -> Text:
    """Return the line under the title: period with its zone, population, table, formula, cut."""
    words = say(
        "统计时段 {start} 至 {end}（不含，{zone}） · 口径：{population}{published} · {table} 公式第 {formula} 版",
        start=f"{heading.start:%Y-%m-%d %H:%M}",
        end=f"{heading.end:%Y-%m-%d %H:%M}",
        zone=heading.time_zone,
        population=say("演练") if heading.population == "exercise" else say("实战"),
        published=say("，公布稿") if heading.published else "",
        table=heading.table,
        formula=heading.formula,
    )
    if cut is None:
        return words
    return say("{words} · 截至 {cut}", words=words, cut=f"{cut:%Y-%m-%d %H:%M:%S}")


def shown(value: int | None, *, hides: bool = True) -> Cell:
    """Return a count as it is printed."""
    return SUPPRESSED if value is None and hides else value


def percent(rate: Rate | None) -> Cell:
    """Return a rate's percentage: – where there is nothing to divide by, ＊ where it is hidden."""
    return SUPPRESSED if rate is None else rate.percent
