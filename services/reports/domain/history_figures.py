"""What is said of a month of imported history: counts first, then rates with what they leave out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from services.reports.domain.history_mapping import Dimension, Stamp, Within
from services.reports.domain.period import Period
from services.reports.domain.quantities import OTHER_NAME, rate

FORMULA = 1
"""Version of the definitions below."""


class Measure(StrEnum):
    """A length of time between two stamps of a case."""

    DISPATCH = "received_to_dispatched"
    ARRIVAL = "received_to_arrived"
    CLOSING = "received_to_closed"
    ON_SCENE = "arrived_to_closed"


ENDS: dict[Measure, tuple[Stamp, Stamp]] = {
    Measure.DISPATCH: (Stamp.RECEIVED, Stamp.DISPATCHED),
    Measure.ARRIVAL: (Stamp.RECEIVED, Stamp.ARRIVED),
    Measure.CLOSING: (Stamp.RECEIVED, Stamp.CLOSED),
    Measure.ON_SCENE: (Stamp.ARRIVED, Stamp.CLOSED),
}

LIMITED: dict[Stamp, Measure] = {
    Stamp.DISPATCHED: Measure.DISPATCH,
    Stamp.ARRIVED: Measure.ARRIVAL,
    Stamp.CLOSED: Measure.CLOSING,
}
"""The measures a limit can be set for, by the stamp that ends them."""


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


class Basis(Struct, frozen=True, kw_only=True):
    """What the history of a region was counted by; `as_of` UTC, and where it comes from."""

    time_zone: str
    counted_by: Stamp
    within: Within
    stamps: list[Stamp]
    dimensions: list[Dimension]
    as_of: datetime
    as_of_from: str


class HistoryMonth(Struct, frozen=True, kw_only=True):
    """A month `[start, end)` of imported history, by the local month of `counted_by`.

    `due_in_month` is the "should" cohort: the cases due in the month whenever they came in; its
    rate `by_due_of_should` is the month's timeliness (FIGURES), so that waiting improves nothing.
    Every breakdown sums to `total`, parts in the order of their names, what has none last.
    `units` counts responses instead, one for each row of a case, with the times of that row; they
    sum to the `units` of the total, and are empty where no unit was mapped.
    """

    formula: int = FORMULA
    region: str
    month: str
    start: datetime
    end: datetime
    basis: Basis
    total: Row
    due_in_month: Row
    by: dict[Dimension, list[Row]]
    units: list[Row]


def row(value: str | None, name: str, counts: Counts) -> Row:
    """Return the part with the rates of its *counts*."""
    return Row(value=value, name=name, counts=counts, rates=rates(counts))


def rates(c: Counts) -> dict[str, Share]:
    """Return every rate of *c*; a missing stamp is never within a limit nor on time (FIGURES)."""
    found = {
        "closed": _share(c.closed, c.cases),
        "not_overdue": _share(c.cases - c.overdue, c.cases),
        "closed_by_due": _share(
            c.closed_by_due, c.closed_by_due + c.closed_after_due, no_due=c.no_due,
            open=c.open_past_due + c.open_not_due,
        ),
        "by_due_of_should": _share(
            c.closed_by_due, c.with_due - c.open_not_due, no_due=c.no_due, not_yet_due=c.open_not_due
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


def assembled(
    region: str,
    period: Period,
    basis: Basis,
    wholes: tuple[Counts, Counts],
    by: dict[Dimension, list[Row]],
    units: list[Row],
) -> HistoryMonth:
    """Put the month together, *wholes* of those counted and those due; times in its zone."""
    return HistoryMonth(
        region=region,
        month=period.label,
        start=period.start.astimezone(period.zone),
        end=period.end.astimezone(period.zone),
        basis=basis,
        total=row("total", "合计", wholes[0]),
        due_in_month=row("due", "本期到期", wholes[1]),
        by=by,
        units=units,
    )


def limits_of(within: Within) -> list[tuple[Stamp, list[int]]]:
    """Return the limits by stamp, rising, each once."""
    found = [(stamp, sorted(set(getattr(within, stamp)))) for stamp in LIMITED]
    return [(stamp, limits) for stamp, limits in found if limits]


def measures_of(stamps: Iterable[Stamp]) -> list[Measure]:
    """Return the lengths that can be known where only *stamps* are in the file."""
    known = set(stamps)
    return [measure for measure, ends in ENDS.items() if known.issuperset(ends)]
