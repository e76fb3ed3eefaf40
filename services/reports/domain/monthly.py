"""What of a frozen month goes to `stats.monthly`: every published figure, nothing that is hidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from services.reports.domain.freezing import Revision
from services.reports.domain.heading import Heading
from services.reports.domain.key_figures import FigureTable
from services.reports.domain.overview import Overview
from services.reports.domain.report import Report
from shared.contracts import ids
from shared.contracts.envelope import Message
from shared.contracts.pack import Pack
from shared.contracts.stats import MonthlyFigure
from shared.contracts.topics import TOPICS
from shared.contracts.values import Lane

TOPIC, FAMILY, PRODUCER = "stats.monthly.v1", "monthly", "reports"
_HEAD = ("received", "valid", "invalid", "duplicate")
assert TOPIC in TOPICS  # noqa: S101 - the registry is what deploys


class NotPublished(ValueError):
    """A table with all its cells is never said, nor one whose cells have no names of their own."""


def monthly_figures(
    tables: Iterable[Report], revision: Revision, pack: Pack
) -> Iterator[MonthlyFigure]:
    """Yield the figures of published *tables* (T1 and K) of a month; raises NotPublished.

    Of T1 what came in and the valid calls of each area; of K every rate.
    """
    for table in tables:
        if not table.heading.published:
            raise NotPublished(table.heading.table)
        match table:
            case Overview():
                found = _counts(table)
            case FigureTable():
                found = _rates(table)
            case _:
                raise NotPublished(table.heading.table)
        for area, figure, numerator, denominator in found:
            yield _said(table.heading, revision, pack, (area, figure), (numerator, denominator))


_Cell = tuple[str | None, str, int | None, int | None]
"""Area (None: the region), figure, numerator (None: hidden), denominator (None: a count)."""


def _counts(table: Overview) -> Iterator[_Cell]:
    for name in _HEAD:
        yield None, f"calls.{name}", getattr(table, name), None
    for part in table.by_area.rows:
        yield part.id, "calls.valid", part.count, None


def _rates(table: FigureTable) -> Iterator[_Cell]:
    for each in table.figures:
        value = each.value
        if value is None:
            yield None, each.id, None, None
        else:
            yield None, each.id, value.numerator, value.denominator


def _said(
    heading: Heading,
    revision: Revision,
    pack: Pack,
    what: tuple[str | None, str],
    value: tuple[int | None, int | None],
) -> MonthlyFigure:
    area, figure = what
    numerator, denominator = value
    return MonthlyFigure(
        region=pack.region.code,
        area=area or pack.region.area_code,
        month=revision.month,
        figure=figure,
        population=heading.population,
        table=heading.table,
        formula=heading.formula,
        revision=revision.number,
        frozen_at=revision.at,
        numerator=numerator,
        denominator=denominator,
        suppressed=numerator is None,
        reason=revision.reason,
    )


def messages(
    figures: Iterable[MonthlyFigure], revision: Revision, pack: Pack, before: Iterable[str] = ()
) -> list[Message]:
    """Return what is said of *revision*: every figure, and an end of each key of *before* it lacks.

    A figure's version is the revision's number + 1, so that a repeated freeze makes the same ids.
    """
    said: Mapping[str, MonthlyFigure | None] = {each.name: each for each in figures}
    ended = {name: None for name in before if name not in said}
    return [
        Message(
            topic=TOPIC,
            key=name,
            producer=PRODUCER,
            family=FAMILY,
            change="withdrawn"
            if figure is None
            else "frozen"
            if not revision.number
            else "revised",
            aggregate=ids.figure_id(pack.region.code, name),
            version=revision.number + 1,
            time=revision.at,
            lane=Lane.ORDINARY,
            data=figure,
        )
        for name, figure in (*said.items(), *ended.items())
    ]
