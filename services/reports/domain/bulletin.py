"""T9 quarterly bulletin and T10 half-year bulletin and yearly ranking 通报 (A01): the tables, what changed, the ranks."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from services.reports.domain.assessment import BANDS, AssessmentTable, assessment
from services.reports.domain.category_months import CategoryTable, category_table
from services.reports.domain.changes import Change, Opening, most_important
from services.reports.domain.earlier import period_before, with_calls_of
from services.reports.domain.facts import Facts, Population
from services.reports.domain.heading import Heading, heading
from services.reports.domain.opening import Three, changes, is_over, opening, seen
from services.reports.domain.overdue import OverdueTable, overdue_table, published_overdue
from services.reports.domain.overview import Overview
from services.reports.domain.period import Period, PeriodKind
from services.reports.domain.units import UnitTable, unit_table
from services.reports.domain.wording import TABLES
from shared.contracts.pack import Pack

FORMULA = 3
"""2: what is published ranks and bands the units and tells no score. 3: T3, T5 and the scores in it look
at granted appeals."""
LISTED = 10
"""Changes listed below the three of the first paragraph, those three included."""


class Ranked(Struct, frozen=True, kw_only=True):
    """A unit's place within its class; `score` None where it is not ranked, and in what is published.

    `band`: place of its score among the bands, the best 0; None where it is not ranked.
    """

    unit: str
    name: str
    workload_class: int
    rank: int | None
    score: float | None
    band: int | None = None


class Ranking(Struct, frozen=True, kw_only=True):
    """Every unit by class, rank and id; `previous` gave the classes."""

    heading: Heading
    previous: str
    ranked_from: int
    units: list[Ranked]


class Bulletin(Struct, frozen=True, kw_only=True):
    """A quarter's (T9), half-year's or year's (T10) report to the units; `cut` ends what is judged.

    `moved`: the most important changes, those of `opening` first. `ranking` is within classes of
    like workload only, which the period before gives; `assessment`, behind it, is None in what is
    published (its counts are of single units). Of imported history None is also what no column says.
    """

    heading: Heading
    cut: datetime
    opening: Opening
    moved: list[Change]
    overview: Overview
    categories: CategoryTable | None
    units: UnitTable | None
    overdue: OverdueTable | None
    ranking: Ranking | None
    assessment: AssessmentTable | None


class NoBulletin(ValueError):
    """Days and months have no bulletin."""


def bulletin(
    known: Three, period: Period, population: Population, pack: Pack, *, published: bool = False
) -> Bulletin:
    """Compute T9 of a quarter, T10 of a half-year or year; raises NoBulletin."""
    above = bulletin_heading(period, population, pack, published=published)
    facts, before, _ = known
    three = seen(known, period, population, pack, published=published)
    now = three[0]
    first = opening(*three, over=is_over(facts, period))
    overdue = overdue_table(facts, period, population, pack)
    scores = assessment(facts, before, (period, period_before(period)), population, pack)
    units = now.units or unit_table(facts, period, population, pack)
    return composed(
        Parts(
            opening=first,
            moved=most_important(changes(*three), LISTED) if first.changes else [],
            overview=now.overview,
            categories=category_table(_calls(known), period, population, pack, published=published),
            units=units,
            overdue=published_overdue(overdue, units) if published else overdue,
            scores=scores,
        ),
        above,
        units.cut,
    )


class Parts(Struct, frozen=True, kw_only=True):
    """What a bulletin is made of, already as it is told; None: no column of the history says it."""

    opening: Opening
    moved: list[Change]
    overview: Overview
    categories: CategoryTable | None
    units: UnitTable | None
    overdue: OverdueTable | None
    scores: AssessmentTable | None


def bulletin_heading(
    period: Period, population: Population, pack: Pack, *, published: bool
) -> Heading:
    """Return what stands above a bulletin; raises NoBulletin."""
    if period.kind in {PeriodKind.DAY, PeriodKind.MONTH}:
        raise NoBulletin(f"{period.label}: a bulletin is of a quarter, half-year or year")
    table = "T9" if period.kind is PeriodKind.QUARTER else "T10"
    above = heading(table, FORMULA, period, population, pack)
    if period.kind is PeriodKind.YEAR:
        title = above.title.replace(TABLES["T10"], TABLES["T10Y"])
        above = replace(above, title=title)
    return replace(above, published=published)


def composed(parts: Parts, above: Heading, cut: datetime) -> Bulletin:
    """Return the bulletin of its *parts*, judged up to *cut*."""
    scores = parts.scores
    return Bulletin(
        heading=above,
        cut=cut,
        opening=parts.opening,
        moved=parts.moved,
        overview=parts.overview,
        categories=parts.categories,
        units=parts.units,
        overdue=parts.overdue,
        ranking=None if scores is None else ranking(scores, published=above.published),
        assessment=None if above.published else scores,
    )


def _calls(known: Three) -> Facts:
    facts, before, last_year = known
    both = with_calls_of(facts, before)
    return with_calls_of(both, last_year) if last_year else both


def band(score: float) -> int:
    """Return the place of *score* among the bands, the best 0."""
    return next((n for n, least in enumerate(BANDS) if score >= least), len(BANDS))


def ranking(whole: AssessmentTable, *, published: bool = False) -> Ranking:
    """Return who stands where.

    Without rank no score is told: who had few cases would show how many of them were late. Nor is
    one *published*: to the hundredth it is a fraction that gives hidden counts away.
    """
    return Ranking(
        heading=replace(whole.heading, published=published),
        previous=whole.previous,
        ranked_from=whole.ranked_from,
        units=[
            Ranked(
                unit=each.unit,
                name=each.name,
                workload_class=each.workload_class,
                rank=each.rank,
                score=each.score if each.rank is not None and not published else None,
                band=band(each.score) if each.rank is not None and each.score is not None else None,
            )
            for each in whole.units
        ],
    )
