"""T1, the overview in the manner of Xianju: what came in, what of it counted, and as what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from services.reports.domain.changes import Opening
from services.reports.domain.facts import CallFact, Facts, IncidentFact, Population
from services.reports.domain.heading import Heading, heading
from services.reports.domain.period import Period
from services.reports.domain.quantities import Breakdown, Rate, breakdown, rate
from services.reports.domain.standing import Standing, standing
from services.reports.domain.wording import AFFAIRS, LINES
from shared.contracts.pack import UNCLASSIFIED, Pack

FORMULA = 1
"""Version of the definitions below; a frozen month names the one it was computed with."""


class LeftOut(Struct, frozen=True):
    """Counted beside, in no rate; `exercise` only where the population is the real one."""

    test: int
    exercise: int | None


class Overview(Struct, frozen=True, kw_only=True):
    """T1. `received` = `valid` + `invalid` + `duplicate`; every breakdown is of the valid ones.

    None stands for a number suppressed in what is published. `by_affair` and `by_category` are
    None there: they nest in `by_row` and would give its hidden cells away. `opening` compares with
    other periods; None where it was not asked for.
    """

    heading: Heading
    received: int | None
    valid: int | None
    invalid: int | None
    duplicate: int | None
    valid_rate: Rate | None
    unclassified: int | None
    left_out: LeftOut | None
    by_row: Breakdown
    by_line: Breakdown
    by_affair: Breakdown | None
    by_category: Breakdown | None
    by_area: Breakdown
    by_hour: Breakdown
    by_day: Breakdown | None
    by_month: Breakdown | None
    opening: Opening | None = None


@dataclass(frozen=True)
class _Counted:
    """A valid call as its incident classifies it (as the hotline did, until there is one)."""

    line: str
    category: str
    affair: str
    area: str
    received_at: datetime


def overview(facts: Facts, period: Period, population: Population, pack: Pack) -> Overview:
    """Compute T1 of *period* from *facts*; calls outside of it are not counted."""
    inside = [call for call in facts.calls if call.received_at in period]
    ours = [call for call in inside if Population.of(exercise=call.exercise) is population]
    stand = _standings(ours, facts)
    opened = {incident.incident_id: incident for incident in facts.incidents}
    valid = [
        _counted(call, opened.get(call.opens), pack)
        for call in ours
        if stand[call] is Standing.VALID
    ]
    amount = Counter(stand.values())
    received = len(ours) - amount[Standing.TEST]
    local = [call.received_at.astimezone(period.zone) for call in valid]
    days = {str(each): str(each) for each in period.days}
    return Overview(
        heading=heading("T1", FORMULA, period, population, pack),
        received=received,
        valid=len(valid),
        invalid=amount[Standing.INVALID],
        duplicate=amount[Standing.DUPLICATE],
        valid_rate=rate(len(valid), received),
        unclassified=sum(call.category == UNCLASSIFIED for call in valid),
        left_out=LeftOut(
            amount[Standing.TEST],
            len(inside) - len(ours) if population is Population.REAL else None,
        ),
        by_row=_by(valid, lambda c: pack.category(c.category).row, _rows(pack)),
        by_line=_by(valid, lambda c: c.line, LINES),
        by_affair=_by(valid, lambda c: c.affair, AFFAIRS),
        by_category=_by(valid, lambda c: c.category.split(".")[0], _categories(pack)),
        by_area=_by(valid, lambda c: c.area, {area.code: area.name for area in pack.areas}),
        by_hour=breakdown(len(valid), Counter(f"{at:%H}" for at in local), _HOURS, complete=True),
        by_day=breakdown(len(valid), Counter(str(at.date()) for at in local), days, complete=True)
        if 1 < len(days) <= _DAYS_SHOWN
        else None,
        by_month=breakdown(
            len(valid),
            Counter(f"{at:%Y-%m}" for at in local),
            {each: each for each in period.months},
            complete=True,
        )
        if len(days) > _DAYS_SHOWN
        else None,
    )


_DAYS_SHOWN = 31
"""Longer periods are shown by month."""

_HOURS: Mapping[str, str] = {f"{hour:02}": f"{hour:02} 时" for hour in range(24)}


def _standings(calls: Iterable[CallFact], facts: Facts) -> dict[CallFact, Standing]:
    opened = {incident.incident_id: incident for incident in facts.incidents}
    linked = {link.call_id for link in facts.links}
    return {
        call: standing(call, opened.get(call.opens), linked=call.call_id in linked)
        for call in calls
    }


def _counted(call: CallFact, incident: IncidentFact | None, pack: Pack) -> _Counted:
    category = incident.category if incident else call.category
    return _Counted(
        call.line,
        category,
        incident.affair if incident else pack.category(category).affair,
        (incident and incident.area) or call.area or "",
        call.received_at,
    )


def _by(
    valid: list[_Counted], key: Callable[[_Counted], str], names: Mapping[str, str]
) -> Breakdown:
    return breakdown(len(valid), Counter(map(key, valid)), names)


def _rows(pack: Pack) -> dict[str, str]:
    return {row.id: row.name for row in pack.table_rows}


def _categories(pack: Pack) -> dict[str, str]:
    """Return the categories of the first level; what is unclassified is the remainder."""
    return {c.code: c.name for c in pack.categories if "." not in c.code and c.code != UNCLASSIFIED}
