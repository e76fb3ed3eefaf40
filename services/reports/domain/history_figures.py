"""What is said of a month of imported history: counts first, then rates with what they leave out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from services.reports.domain.cohorts import Band
from services.reports.domain.facts import Population
from services.reports.domain.history_mapping import Beside, Dimension, Stamp, Within
from services.reports.domain.history_notes import Note, cautions, noted
from services.reports.domain.history_terms import Basis
from services.reports.domain.period import Period
from services.reports.domain.quantities import OTHER_NAME, rate

FORMULA = 3
"""Version of the definitions below."""


class Measure(StrEnum):
    """A length of time between two stamps of a case."""

    DISPATCH = "received_to_dispatched"
    ACK = "dispatched_to_acked"
    TURNOUT = "dispatched_to_turned_out"
    FEEDBACK = "dispatched_to_fed_back"
    ARRIVAL = "received_to_arrived"
    CLOSING = "received_to_closed"
    ON_SCENE = "arrived_to_closed"


ENDS: dict[Measure, tuple[Stamp, Stamp]] = {
    Measure.DISPATCH: (Stamp.RECEIVED, Stamp.DISPATCHED),
    Measure.ACK: (Stamp.DISPATCHED, Stamp.ACKED),
    Measure.TURNOUT: (Stamp.DISPATCHED, Stamp.TURNED_OUT),
    Measure.FEEDBACK: (Stamp.DISPATCHED, Stamp.FED_BACK),
    Measure.ARRIVAL: (Stamp.RECEIVED, Stamp.ARRIVED),
    Measure.CLOSING: (Stamp.RECEIVED, Stamp.CLOSED),
    Measure.ON_SCENE: (Stamp.ARRIVED, Stamp.CLOSED),
}

LIMITED: dict[Stamp, Measure] = {
    Stamp.DISPATCHED: Measure.DISPATCH,
    Stamp.ACKED: Measure.ACK,
    Stamp.TURNED_OUT: Measure.TURNOUT,
    Stamp.ARRIVED: Measure.ARRIVAL,
    Stamp.FED_BACK: Measure.FEEDBACK,
    Stamp.CLOSED: Measure.CLOSING,
}
"""The measures a limit can be set for, by the stamp that ends them."""

BANDS_S: dict[Measure, tuple[int, ...]] = {
    Measure.ACK: (30, 60, 120, 180),
    Measure.TURNOUT: (300, 600, 900, 1800),
    Measure.FEEDBACK: (1800, 3600, 7200, 14400),
}
"""The bands of FIGURES (签收, 出警, 反馈), upper ends in seconds; an open one follows."""


class Length(Struct, frozen=True, kw_only=True):
    """How long it took, seconds, of the `n` cases with both stamps in order.

    Percentiles by nearest rank; `median_s` is the mean of the two middle ones where n is even, as
    other publishers print it. Left out and counted here: `negative` (the end before the start)
    and `unknown` (a stamp is missing, open cases among them).
    """

    n: int
    negative: int
    unknown: int
    mean_s: float | None = None
    median_s: float | None = None
    p50_s: float | None = None
    p90_s: float | None = None
    p95_s: float | None = None
    max_s: float | None = None


class Counts(Struct, frozen=True, kw_only=True):
    """Counts of cases, of one month and one part of it.

    cases = closed + open = with_due + no_due; with_due = closed_by_due + closed_after_due +
    open_past_due + open_not_due. Past due: due before the as-of. A case is overdue when it has a
    due time and was closed after it, or is open and past due. `label_*`: the source's own verdict,
    and where ours agrees. `within`: the stamp came 0…limit seconds after the receipt, a key for
    each limit. `units`: rows the cases were made of. None: the file has no such stamp.
    """

    cases: int
    units: int
    closed: int
    open: int
    with_due: int
    no_due: int
    closed_by_due: int
    closed_after_due: int
    open_past_due: int
    open_not_due: int
    overdue: int
    label_overdue: int
    label_not_overdue: int
    label_blank: int
    label_equal: int
    label_different: int
    dispatched: int
    arrived: int
    never_arrived: int | None
    within: dict[Stamp, dict[int, int]]
    bands: dict[Measure, list[Band]]
    lengths: dict[Measure, Length]


class Share(Struct, frozen=True, kw_only=True):
    """numerator ÷ denominator, percent to two decimals (None: –), and the cases left out."""

    numerator: int
    denominator: int
    percent: float | None
    excluded: dict[str, int] = {}


class Row(Struct, frozen=True, kw_only=True):
    """A part of the month; `value` None is what has none (其他 / 未分类)."""

    value: str | None
    name: str
    counts: Counts
    rates: dict[str, Share]


class HistoryMonth(Struct, frozen=True, kw_only=True):
    """A period `[start, end)` of imported history, by when a case was counted.

    `received` = valid ones, which everything else is of (`total.counts.cases`), + `left_out`, in no
    rate. `due_in_month` is the "should" cohort: the cases due in the period whenever they came in;
    its rate `by_due_of_should` is the timeliness (FIGURES), so that waiting improves nothing.
    Every breakdown sums to `total`, parts in the order of their names, what has none last; hours
    are local. `units` counts responses instead, one for each row of a case, with the times of that
    row; they sum to the `units` of the total, and are empty where no unit was mapped.
    `before` (环比) and `last_year` (同比): None where nothing was imported of them. `notes`: what
    a reader has to know beside the figures.
    """

    formula: int = FORMULA
    region: str
    month: str
    start: datetime
    end: datetime
    population: Population
    basis: Basis
    notes: list[Note]
    received: int
    left_out: dict[Beside, int]
    total: Row
    due_in_month: Row
    by: dict[Dimension, list[Row]]
    by_hour: list[Row]
    units: list[Row]
    before: Row | None
    last_year: Row | None


def row(value: str | None, name: str, counts: Counts) -> Row:
    """Return the part with the rates of its *counts*."""
    return Row(value=value, name=name, counts=counts, rates=rates(counts))


def rates(c: Counts) -> dict[str, Share]:
    """Return every rate of *c*; a missing stamp is never within a limit nor on time (FIGURES).

    `not_overdue` is of all cases, as cities publish it; where none has a due time it is of none.
    """
    judged = c.cases if c.with_due else 0
    found = {
        "closed": _share(c.closed, c.cases),
        "not_overdue": _share(
            judged - c.overdue, judged, **({} if judged else {"no_due": c.no_due})
        ),
        "closed_by_due": _share(
            c.closed_by_due, c.closed_by_due + c.closed_after_due, no_due=c.no_due,
            open=c.open_past_due + c.open_not_due,
        ),
        "by_due_of_should": _share(
            c.closed_by_due, c.with_due - c.open_not_due, no_due=c.no_due, not_yet_due=c.open_not_due
        ),
        "closed_of_should": _share(
            c.closed_by_due + c.closed_after_due, c.with_due - c.open_not_due,
            no_due=c.no_due, not_yet_due=c.open_not_due,
        ),
        "open_past_due_of_should": _share(
            c.open_past_due, c.with_due - c.open_not_due,
            no_due=c.no_due, not_yet_due=c.open_not_due,
        ),
        "label_equal": _share(c.label_equal, c.cases - c.label_blank, blank=c.label_blank),
    }  # fmt: skip
    if c.never_arrived is not None:
        found["arrived"] = _share(c.arrived, c.cases)
    for stamp, limits in c.within.items():
        for limit, n in limits.items():
            found[f"{stamp}_within_{limit}s"] = _share(n, c.cases)
    return found


def _share(numerator: int, denominator: int, **excluded: int) -> Share:
    percent = rate(numerator, denominator).percent
    return Share(numerator=numerator, denominator=denominator, percent=percent, excluded=excluded)


def part_name(value: str | None) -> str:
    """Return what stands in front of a part."""
    return OTHER_NAME if value is None else value


def limits_of(within: Within) -> list[tuple[Stamp, list[int]]]:
    """Return the limits by stamp, rising, each once."""
    found = [(stamp, sorted(set(getattr(within, stamp)))) for stamp in LIMITED]
    return [(stamp, limits) for stamp, limits in found if limits]


def measures_of(stamps: Iterable[Stamp]) -> list[Measure]:
    """Return the lengths that can be known where only *stamps* are in the file."""
    known = set(stamps)
    return [measure for measure, ends in ENDS.items() if known.issuperset(ends)]


def month_of(
    region: str, period: Period, population: Population, basis: Basis, **found: Any
) -> HistoryMonth:
    """Put the month together, its bounds in its zone."""
    return HistoryMonth(
        region=region,
        month=period.label,
        start=period.start.astimezone(period.zone),
        end=period.end.astimezone(period.zone),
        population=population,
        basis=basis,
        notes=noted(cautions(basis, period)),
        **found,
    )


TOTAL, DUE, BEFORE, LAST_YEAR = "合计", "本期到期", "上期", "去年同期"
