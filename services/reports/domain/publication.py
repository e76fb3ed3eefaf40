"""The tables as they may be published: cells below five hidden, single cases not listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from services.reports.domain.cohorts import Band, Cohort
from services.reports.domain.dual_feedback import DualFeedback
from services.reports.domain.overview import Overview
from services.reports.domain.quantities import Breakdown, Part, Spread
from services.reports.domain.response import Response, ResponseRow
from services.reports.domain.suppression import LEAST, Sum, hidden
from services.reports.domain.units import DayAndNight, UnitRow, UnitTable

_HEAD = ("received", "valid", "invalid", "duplicate")
_TABLES = ("by_row", "by_line", "by_area", "by_hour", "by_day", "by_month")
_MEASURES = ("should", "done", "on_time", "late", "open")
_RESPONSE = ("arrived", "open")
_DUAL = ("owed", "both", "automatic", "back_filled")

Hidden = frozenset[str]


def published_overview(whole: Overview) -> Overview:
    """Return T1 as it may be published.

    Classes and categories nest in the rows of the table and would give them away: left out. What
    was left out of the figures (tests, exercises) is not published either.
    """
    tables: dict[str, Breakdown] = {
        name: table for name in _TABLES if (table := getattr(whole, name)) is not None
    }
    values: dict[str, int] = {name: getattr(whole, name) for name in _HEAD}
    sums: list[Sum] = [_HEAD]
    for name, table in tables.items():
        cells = {f"{name}/{part.id}": part.count or 0 for part in table.rows}
        values |= cells
        sums.append(("valid", *cells))
    if whole.response is not None:
        values |= _responses(whole.response)
        sums += _response_sums(whole.response)
    gone = hidden(values, sums)
    changes: dict[str, Any] = {name: _kept(values[name], name, gone) for name in _HEAD}
    if whole.response is not None:
        changes["response"] = _response(whole.response, gone)
    changes |= {name: _breakdown(name, table, gone) for name, table in tables.items()}
    return replace(
        whole,
        heading=replace(whole.heading, published=True),
        valid_rate=None if gone & {*_HEAD} else whole.valid_rate,
        unclassified=None,
        left_out=None,
        by_affair=None,
        by_category=None,
        **changes,
    )


def _responses(whole: Response) -> dict[str, int]:
    return {
        f"response/{row.id}/{name}": getattr(row, name) or 0
        for row in (*whole.rows, whole.total)
        for name in _RESPONSE
    }


def _response_sums(whole: Response) -> Iterator[Sum]:
    """Yield that every line's arrived and open ones are its valid ones, and that lines sum up."""
    for row in whole.rows:
        yield (f"by_line/{row.id}", *(f"response/{row.id}/{name}" for name in _RESPONSE))
    yield ("valid", *(f"response/{whole.total.id}/{name}" for name in _RESPONSE))
    for name in _RESPONSE:
        yield tuple(f"response/{row.id}/{name}" for row in (whole.total, *whole.rows))


def _response(whole: Response, gone: Hidden) -> Response:
    def shown(row: ResponseRow) -> ResponseRow:
        counts = {n: _kept(getattr(row, n), f"response/{row.id}/{n}", gone) for n in _RESPONSE}
        known = counts["arrived"] is not None
        return replace(row, **counts, spread=row.spread if known else None)

    return Response(rows=[shown(row) for row in whole.rows], total=shown(whole.total))


def _breakdown(name: str, table: Breakdown, gone: Hidden) -> Breakdown:
    rows = []
    for part in table.rows:
        hide = f"{name}/{part.id}" in gone
        percent = None if hide or "valid" in gone else part.percent
        rows.append(Part(part.id, part.name, None if hide else part.count, percent))
    return Breakdown(rows, None if "valid" in gone else table.total)


def _kept(value: int, name: str, gone: Hidden) -> int | None:
    return None if name in gone else value


def published_units(whole: UnitTable) -> UnitTable:
    """Return T3 as it may be published: counts hidden, and rates and spreads that rest on them."""
    rows = [whole.total, *whole.units]
    values: dict[str, int] = {}
    sums: list[Sum] = []
    for row in rows:
        for path, cells, inner in _cells(row):
            values |= {f"{row.unit}/{path}/{name}": value for name, value in cells.items()}
            sums += [tuple(f"{row.unit}/{path}/{name}" for name in each) for each in inner]
        sums += _day_and_night(row.unit)
    for path, cells, _ in _cells(whole.total):
        sums += [tuple(f"{row.unit}/{path}/{name}" for row in rows) for name in cells]
    gone = hidden(values, sums)
    return replace(
        whole,
        heading=replace(whole.heading, published=True),
        units=[_row(row, gone) for row in whole.units],
        total=_row(whole.total, gone),
        censored_count=None,
        censored=[],
    )


def _cohorts(row: UnitRow) -> Mapping[str, tuple[Cohort, list[Band]]]:
    return {
        "sign_for": (row.sign_for, row.sign_for_bands or []),
        "arrival.all": (row.arrival.all, []),
        "arrival.day": (row.arrival.day, []),
        "arrival.night": (row.arrival.night, []),
        "assembly.all": (row.assembly.all, []),
        "assembly.day": (row.assembly.day, []),
        "assembly.night": (row.assembly.night, []),
        "feedback": (row.feedback, row.feedback_bands or []),
        "handle": (row.handle, []),
    }


def _cells(row: UnitRow) -> Iterator[tuple[str, dict[str, int], list[Sum]]]:
    """Yield path, cells and their sums; what a reader could subtract is a cell too.

    `missed` is late and open together (should less on time), `missing` what no report was given.
    """
    for path, (cohort, bands) in _cohorts(row).items():
        cells = {name: getattr(cohort, name) or 0 for name in _MEASURES}
        cells["missed"] = cells["should"] - cells["on_time"]
        in_bands = {f"band.{n}": band.count or 0 for n, band in enumerate(bands)}
        sums: list[Sum] = [("should", "done", "open"), ("done", "on_time", "late")]
        sums.append(("should", "on_time", "missed"))
        yield path, cells | in_bands, [*sums, ("done", *in_bands)] if in_bands else sums
    dual = {name: getattr(row.dual_feedback, name) or 0 for name in _DUAL}
    dual["missing"] = dual["owed"] - dual["both"] - dual["automatic"] - dual["back_filled"]
    yield "dual_feedback", dual, [(*_DUAL, "missing")]


def _day_and_night(unit: str) -> list[Sum]:
    return [
        tuple(f"{unit}/{which}.{part}/{name}" for part in ("all", "day", "night"))
        for which in ("arrival", "assembly")
        for name in (*_MEASURES, "missed")
    ]


def _row(row: UnitRow, gone: Hidden) -> UnitRow:
    new = {path: _cohort(c, f"{row.unit}/{path}", gone) for path, (c, _) in _cohorts(row).items()}
    return replace(
        row,
        sign_for=new["sign_for"],
        sign_for_bands=_bands(row.sign_for_bands or [], f"{row.unit}/sign_for", gone),
        arrival=_both("arrival", new),
        assembly=_both("assembly", new),
        dual_feedback=_dual(row.dual_feedback, f"{row.unit}/dual_feedback", gone),
        feedback=new["feedback"],
        feedback_bands=_bands(row.feedback_bands or [], f"{row.unit}/feedback", gone),
        handle=new["handle"],
        rework=None,
        rework_exempt=None,
    )


def _both(which: str, new: Mapping[str, Cohort]) -> DayAndNight:
    return DayAndNight(
        all=new[f"{which}.all"], day=new[f"{which}.day"], night=new[f"{which}.night"]
    )


def _cohort(cohort: Cohort, path: str, gone: Hidden) -> Cohort:
    counts = {n: _kept(getattr(cohort, n), f"{path}/{n}", gone) for n in _MEASURES}
    known = counts["should"] is not None and counts["on_time"] is not None
    timed = counts["done"] is not None and (cohort.done or 0) >= LEAST
    return Cohort(
        **counts,
        rate=cohort.rate if known else None,
        spread=cohort.spread if timed else Spread(n=0) if cohort.done == 0 else None,
        exempt=None,
        suspended=None,
        not_yet_due=None,
        done_early=None,
    )


def _bands(bands: Sequence[Band], path: str, gone: Hidden) -> list[Band]:
    """Return the bands; none where a count is hidden: a band's edge may be the limit itself."""
    covered = any(f"{path}/{name}" in gone for name in _MEASURES)
    return [
        Band(
            band.up_to_s,
            None if covered else _kept(band.count or 0, f"{path}/band.{n}", gone),
        )
        for n, band in enumerate(bands)
    ]


def _dual(dual: DualFeedback, path: str, gone: Hidden) -> DualFeedback:
    counts = {name: _kept(getattr(dual, name), f"{path}/{name}", gone) for name in _DUAL}
    known = counts["owed"] is not None and counts["both"] is not None
    rate = dual.rate if known else None
    return DualFeedback(**counts, rate=rate, waived=None, exempt=None)
