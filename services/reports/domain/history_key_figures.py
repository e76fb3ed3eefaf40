"""The list of figures of imported history: which its columns answer, what the others would need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import UNSET, Struct
from msgspec.structs import replace

from services.reports.domain.facts import Facts, Population
from services.reports.domain.history_figures import ENDS, Measure, measures_of
from services.reports.domain.history_mapping import Dimension, Stamp
from services.reports.domain.history_terms import Basis
from services.reports.domain.key_figures import (
    Beside,
    FigureTable,
    KeyFigure,
    figure,
    figure_table,
)
from services.reports.domain.key_figures_words import FIGURES
from services.reports.domain.period import Period
from shared.contracts.pack import Pack
from shared.contracts.sla import ClockKind

NEVER: Mapping[str, tuple[str, str]] = {
    "flow.to_government": ("转办去向的列", "a column of the line a case was passed on to"),
    "flow.to_urgent": ("转办去向的列", "a column of the line a case was passed on to"),
    "flow.repeated": ("区分来电人的列", "a column that tells callers apart"),
    "flow.answered": ("振铃、接听时间的列", "columns of when it rang and when it was answered"),
    "timely.assembly_day": ("集结时间的列", "a column of the assembly"),
    "timely.assembly_night": ("集结时间的列", "a column of the assembly"),
    "timely.urgent_hours": (
        "区分紧急工作时限的列",
        "a column of whether the limit is in urgent hours",
    ),
    "conduct.returned": ("退单的列", "a column of returns"),
    "conduct.reworked": ("返工的列", "a column of rework"),
    "conduct.extended": ("延期的列", "columns of extensions"),
    "conduct.suspended": ("挂账的列", "columns of suspensions"),
    "conduct.appealed": ("申诉的列", "columns of appeals"),
    "call_back": (
        "回访（接通、响应、解决、满意）的列",
        "columns of the call-back: reached, responded, resolved, satisfied",
    ),
    "reporting": ("上报（应报、实报时间）的列", "columns of upward reports: due and made"),
    "supervision": (
        "督办（种类、级别、立案、办结）的列",
        "columns of supervision: kind, level, closed",
    ),
    "staffing.below": ("队伍实有人数的列", "a column of the teams' strength"),
    "staffing.hours_without": ("值班表", "a duty roster"),
    "quality.back_dated": ("各时间的录入时间的列", "columns of when each time was recorded"),
}
"""By figure or group: what would be needed and no mapping reads, Chinese and English."""

FLAG = "quality.overrun_flag"
"""How often the source's own verdict is not ours, judged at the as-of as in `month --json`."""

_CHINESE = {english: chinese for chinese, english in NEVER.values()}
_HANDLED = (f"columns.{Stamp.CLOSED}", "columns.due or limits.closed")
_LEFT = (f"columns.{Stamp.DISPATCHED}", f"columns.{Stamp.TURNED_OUT}")
NEEDED: Mapping[str, tuple[str, ...]] = {
    "flow.valid": ("standing",),
    "timely.sign_for": ("columns.acked", "limits.acked"),
    "timely.arrival_day": ("columns.arrived", "limits.arrived"),
    "timely.arrival_night": ("columns.arrived", "limits.arrived"),
    "timely.feedback": ("columns.fed_back", "limits.fed_back"),
    "timely.handle": _HANDLED,
    "timely.closed": _HANDLED,
    "timely.dual_feedback": ("columns.arrived", "columns.closed"),
    "timely.urgent_lane": ("urgent", *_HANDLED),
    "timely.turnout": ("columns.turned_out", "limits.turned_out"),
    **{name: _LEFT for name in FIGURES if name.startswith("conduct.turn")},
    "quality.unclassified": ("columns.category or columns.kind",),
    "quality.no_ack": ("columns.acked",),
    "quality.no_arrival": ("columns.arrived",),
    "quality.no_end": ("columns.closed",),
    "quality.out_of_order": (),
    FLAG: (),
}
"""Fields of a mapping each figure rests on; what is in neither is not in the list."""

_UNSAID = frozenset({"refused", "automatic", "back_filled", "waived", "exempt", "suspended"})
"""What stands beside a figure of the platform and no column says."""
EXCLUDED = frozenset(
    {
        "invalid", "duplicate", "test", "exercise", "unstamped", "exempt", "suspended",
        "not_yet_due", "no_limit", "out_of_order", "blank",
    }
)  # fmt: skip
"""What of a figure's `beside` is in its denominator neither."""
UNLIMITED = ("timely.handle", "timely.closed")


def needs(id_: str, basis: Basis) -> list[str]:
    """Return what a mapping would have to name for the figure; []: it can be answered."""
    if id_ in NEEDED:
        return [each for each in NEEDED[id_] if not _named(each, basis)]
    chosen = NEVER.get(id_) or NEVER[id_.partition(".")[0]]
    return [chosen[1]]


def in_chinese(need: str) -> str:
    """Return a need as it is read in Chinese: fields of a mapping have one name."""
    return _CHINESE.get(need, need)


def _named(need: str, basis: Basis) -> bool:
    match need.split("."):
        case ["standing"]:
            return basis.standing
        case ["urgent"]:
            return basis.urgent is not UNSET
        case ["limits", name]:
            return bool(getattr(basis.limits, name))
        case ["columns", name]:
            return name in basis.stamps
    if need.startswith("columns.due"):
        return Stamp.DUE in basis.stamps or basis.limits.closed is not None
    return basis.rows is not None


def history_figures(
    facts: Facts,
    period: Period,
    whose: Population,
    terms: tuple[Basis, Pack, Labels],
    *,
    published: bool = False,
) -> FigureTable:
    """Compute the list from facts of imported cases and what their source said of them."""
    basis, pack, labels = terms
    found = figure_table(facts, period, whose, pack, published=published)
    if published:
        return answered(found, basis)
    return answered(found, basis, _unlimited(facts, period, whose), labels)


def _unlimited(facts: Facts, period: Period, whose: Population) -> int:
    """Return how many duties of the period's cases never had to be handled by a time."""
    inside = {i.incident_id for i in facts.incidents if i.received_at in period}
    limited = {c.assignment_id for c in facts.clocks if c.kind == ClockKind.HANDLE}
    return sum(
        duty.incident_id in inside
        and duty.assignment_id not in limited
        and Population.of(exercise=duty.exercise) is whose
        for duty in facts.assignments
    )


def answered(
    table: FigureTable, basis: Basis, unlimited: int | None = None, labels: Labels | None = None
) -> FigureTable:
    """Return every figure of FIGURES: those of *table* its columns answer, what the others need.

    *unlimited*: duties of the period's cases without a limit to handle them. Neither it nor the
    verdicts of the source are told in what is published.
    """
    known = {each.id: each for each in table.figures}
    if labels is None:
        known[FLAG] = figure(FLAG, None, None)
    elif labels.labelled:
        known[FLAG] = figure(FLAG, labels.different, labels.labelled, blank=labels.blank)
    return replace(
        table,
        figures=[_answered(id_, known.get(id_), basis, unlimited) for id_ in FIGURES],
        conduct=None,
    )


def _answered(id_: str, known: KeyFigure | None, basis: Basis, unlimited: int | None) -> KeyFigure:
    wanted = needs(id_, basis)
    if id_ == FLAG and known is None:
        wanted = ["label"]
    if wanted or known is None:
        group = id_.partition(".")[0]
        return KeyFigure(id=id_, group=group, value=None, beside=[], needs=wanted)
    beside = [each for each in known.beside if each.id not in _UNSAID]
    if id_ in UNLIMITED and unlimited is not None:
        beside.append(Beside("no_limit", unlimited))
    return replace(known, beside=beside)


class Labels(Struct, frozen=True, kw_only=True):
    """The source's own verdicts on cases counted in the period, and how many differ from ours."""

    different: int
    labelled: int
    blank: int


class Listed(Struct, frozen=True, kw_only=True):
    """A figure as `month --json` lists it.

    `excluded` is in neither of its numbers, `beside` is a part of its denominator. Both numbers
    None: `needs` says what a mapping would have to name, empty: they are hidden.
    """

    id: str
    zh: str
    numerator: int | None
    denominator: int | None
    percent: float | None
    excluded: dict[str, int | None]
    beside: dict[str, int | None]
    needs: list[str]


def listed(table: FigureTable) -> Iterator[Listed]:
    """Yield every figure of the list."""
    for each in table.figures:
        counts = {one.id: one.count for one in each.beside}
        yield Listed(
            id=each.id,
            zh=FIGURES[each.id],
            numerator=each.value.numerator if each.value else None,
            denominator=each.value.denominator if each.value else None,
            percent=each.value.percent if each.value else None,
            excluded={name: n for name, n in counts.items() if name in EXCLUDED},
            beside={name: n for name, n in counts.items() if name not in EXCLUDED},
            needs=[] if each.needs is UNSET else each.needs,
        )


def unanswered(basis: Basis) -> dict[str, list[str]]:
    """Return the counts and lengths of a month that stay empty, and the columns they would need."""
    found = {
        f"by.{each}": [f"columns.{each}"] for each in Dimension if each not in basis.dimensions
    }
    if not basis.units:
        found["units"] = ["columns.unit"]
    if basis.affairs is UNSET:
        found["by affair class (T1, T4)"] = ["affairs"]
    known = measures_of(basis.stamps)
    found |= {
        f"lengths.{each}": [f"columns.{stamp}" for stamp in ENDS[each] if stamp not in basis.stamps]
        for each in Measure
        if each not in known
    }
    return found
