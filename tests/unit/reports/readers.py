"""Readers of each published table: what it prints, and which sums a reader knows of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.reports.domain.crosstab import CountTable, KeptTable
from services.reports.domain.gaps import GapTable
from services.reports.domain.key_figures import FigureTable, KeyFigure
from services.reports.domain.later_words import SUPERVISIONS
from services.reports.domain.overdue import OverdueTable
from services.reports.domain.overview import Overview
from services.reports.domain.quality import QualityTable
from services.reports.domain.units import UnitTable
from services.reports.domain.upward_reports import ReportLedger
from tests.unit.reports.knowable import Reader

HEAD = ("received", "valid", "invalid", "duplicate")
BREAKDOWNS = ("by_row", "by_line", "by_area", "by_hour", "by_day", "by_month")
KEPT = ("should", "on_time", "late", "open")
GAPS = ("owed", "both", "automatic", "back_filled", "no_arrival", "no_end", "neither")
FAULTS = ("no_ack", "no_arrival", "no_end", "back_dated", "out_of_order")
KINDS = {
    "ack": "sign_for",
    "arrival": "arrival.all",
    "assembly": "assembly.all",
    "feedback": "feedback",
    "handle": "handle",
}


def of_rate(reader: Reader, name: str, of: str, shown: Any) -> None:
    """Read numerator and denominator of a rate that is printed."""
    if shown is not None:
        reader.reads(name, shown.numerator, shown.numerator)
        reader.reads(of, shown.denominator, shown.denominator)


def t1(reader: Reader, whole: Overview, shown: Overview, key: str = "T1") -> None:
    """Read T1: the calls, and each breakdown of the valid ones."""
    for name in HEAD:
        reader.reads(f"{key}/{name}", getattr(whole, name), getattr(shown, name))
    reader.adds(*(f"{key}/{name}" for name in HEAD))
    of_rate(reader, f"{key}/valid", f"{key}/received", shown.valid_rate)
    for name in BREAKDOWNS:
        if table := getattr(whole, name):
            other = getattr(shown, name)
            reader.reads(f"{key}/valid", table.total, other.total)
            cells = [f"{key}/{name}/{part.id}" for part in table.rows]
            for cell, part, seen in zip(cells, table.rows, other.rows, strict=True):
                reader.reads(cell, part.count, seen.count)
                assert seen.percent is None or seen.count is not None
            reader.adds(f"{key}/valid", *cells)


def t3(reader: Reader, whole: UnitTable, shown: UnitTable | None) -> None:
    """Read T3; without *shown* its sums only."""
    rows = [whole.total, *whole.units]
    seen: list[Any] = [shown.total, *shown.units] if shown else [None for _ in rows]
    names: dict[str, list[str]] = {}
    for row, other in zip(rows, seen, strict=True):
        for path, cells in _unit(reader, row, other).items():
            names.setdefault(path, []).extend(cells)
    for cells in names.values():
        reader.adds(*cells)


def _unit(reader: Reader, row: Any, shown: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    key = f"T3/{row.unit}"
    for path in ("sign_for", "feedback", "handle", *_split("arrival"), *_split("assembly")):
        cohort, seen = _at(row, path), _at(shown, path) if shown else None
        for name in (*KEPT, "done"):
            cell = f"{key}/{path}/{name}"
            reader.reads(cell, getattr(cohort, name), getattr(seen, name) if seen else None)
            found[f"{path}/{name}"] = [cell]
        if seen:
            of_rate(reader, f"{key}/{path}/on_time", f"{key}/{path}/should", seen.rate)
            if seen.spread is not None:
                reader.reads(f"{key}/{path}/done", cohort.done, seen.spread.n)
        reader.adds(*(f"{key}/{path}/{name}" for name in ("should", "done", "open")))
        reader.adds(*(f"{key}/{path}/{name}" for name in ("done", "on_time", "late")))
        reader.adds(*(f"{key}/{path}/{name}" for name in ("should", "on_time", "missed")))
    for which in ("arrival", "assembly"):
        for name in (*KEPT, "done"):
            reader.adds(*(f"{key}/{which}.{part}/{name}" for part in ("all", "day", "night")))
    for path in ("sign_for", "feedback"):
        bands = getattr(row, f"{path}_bands")
        others = getattr(shown, f"{path}_bands") if shown else bands
        cells = [f"{key}/{path}/band.{n}" for n, _ in enumerate(bands)]
        for cell, band, seen in zip(cells, bands, others, strict=True):
            reader.reads(cell, band.count, seen.count if shown else None)
            found[cell.removeprefix(f"{key}/")] = [cell]
        reader.adds(f"{key}/{path}/done", *cells)
    for name in ("owed", "both", "automatic", "back_filled"):
        cell = f"{key}/dual/{name}"
        dual = getattr(row.dual_feedback, name)
        reader.reads(cell, dual, getattr(shown.dual_feedback, name) if shown else None)
        found[f"dual/{name}"] = [cell]
    dual = ("owed", "both", "automatic", "back_filled", "missing")
    reader.adds(*(f"{key}/dual/{name}" for name in dual))
    return found


def _split(which: str) -> tuple[str, ...]:
    return tuple(f"{which}.{part}" for part in ("all", "day", "night"))


def _at(row: Any, path: str) -> Any:
    for name in path.split("."):
        row = getattr(row, name)
    return row


def kept(reader: Reader, key: str, whole: KeptTable, shown: KeptTable | None) -> None:
    """Read a table of promises kept, both margins."""
    rows = [whole.total, *whole.rows]
    seen: list[Any] = [shown.total, *shown.rows] if shown else [None for _ in rows]
    columns = [cell.id for cell in whole.total.cells]
    for row, other in zip(rows, seen, strict=True):
        others = [other.total, *other.cells] if other else [None for _ in range(len(columns) + 1)]
        for cell, cover in zip([row.total, *row.cells], others, strict=True):
            own = f"{key}/{row.id}/{cell.id}"
            for name in KEPT:
                reader.reads(f"{own}/{name}", getattr(cell, name), getattr(cover, name, None))
            of_rate(reader, f"{own}/on_time", f"{own}/should", getattr(cover, "rate", None))
            reader.adds(*(f"{own}/{name}" for name in KEPT))
        for name in KEPT:
            reader.adds(*(f"{key}/{row.id}/{column}/{name}" for column in ("total", *columns)))
    for column in ("total", *columns):
        for name in KEPT:
            reader.adds(*(f"{key}/{row.id}/{column}/{name}" for row in rows))


def counts(reader: Reader, key: str, whole: CountTable, shown: CountTable) -> None:
    """Read a table of counts, both margins."""
    columns = [cell.id for cell in whole.total.cells]
    rows = [whole.total, *whole.rows]
    for row, seen in zip(rows, [shown.total, *shown.rows], strict=True):
        reader.reads(f"{key}/{row.id}/total", row.total, seen.total)
        for cell, other in zip(row.cells, seen.cells, strict=True):
            reader.reads(f"{key}/{row.id}/{cell.id}", cell.count, other.count)
        reader.adds(*(f"{key}/{row.id}/{column}" for column in ("total", *columns)))
    for column in ("total", *columns):
        reader.adds(*(f"{key}/{row.id}/{column}" for row in rows))


def t5(reader: Reader, whole: OverdueTable, shown: OverdueTable) -> None:
    """Read T5, whose kinds are T3's total, and the supervisions."""
    for kind, seen in zip(whole.kinds, shown.kinds, strict=True):
        key = f"T3/total/{KINDS[kind.clock]}"
        for name in ("should", "overdue", "late", "open"):
            cell = f"{key}/{'missed' if name == 'overdue' else name}"
            reader.reads(cell, getattr(kind, name), getattr(seen, name))
        reader.adds(f"{key}/should", f"{key}/on_time", f"{key}/missed")
        reader.adds(f"{key}/missed", f"{key}/late", f"{key}/open")
    if whole.supervision and shown.supervision:
        kept(reader, "S", whole.supervision, shown.supervision)


def t6(reader: Reader, whole: ReportLedger, shown: ReportLedger) -> None:
    """Read T6; two of the faults are its late and missed reports."""
    kept(reader, "T6", whole.punctuality, shown.punctuality)
    same = {"missed": "T6/total/total/open", "late": "T6/total/total/late"}
    for fault, seen in zip(whole.faults, shown.faults, strict=True):
        reader.reads(same.get(fault.id, f"T6/fault/{fault.id}"), fault.count, seen.count)


def rows_of(reader: Reader, key: str, table: tuple[Any, Any], names: Iterable[str]) -> list[str]:
    """Read *names* of the total and each unit of a table as it is and as it is shown."""
    whole, shown = table
    units = [row.unit for row in (whole.total, *whole.units)]
    pairs = zip((whole.total, *whole.units), (shown.total, *shown.units), strict=True)
    for row, seen in pairs:
        for name in names:
            reader.reads(f"{key}/{row.unit}/{name}", getattr(row, name), getattr(seen, name))
    for name in names:
        reader.adds(*(f"{key}/{unit}/{name}" for unit in units))
    return units


def t7(reader: Reader, whole: GapTable, shown: GapTable) -> None:
    """Read T7."""
    for unit in rows_of(reader, "T7", (whole, shown), GAPS):
        reader.adds(*(f"T7/{unit}/{name}" for name in GAPS))


def t8(reader: Reader, whole: QualityTable, shown: QualityTable) -> None:
    """Read T8: each fault has a rest of duties without it."""
    for unit in rows_of(reader, "T8", (whole, shown), ("duties", *FAULTS)):
        for name in FAULTS:
            reader.adds(*(f"T8/{unit}/{part}" for part in ("duties", name, f"{name}/rest")))


TIMELY = {
    "sign_for": "sign_for",
    "arrival_day": "arrival.day",
    "arrival_night": "arrival.night",
    "assembly_day": "assembly.day",
    "assembly_night": "assembly.night",
    "feedback": "feedback",
    "handle": "handle",
}


def figures(reader: Reader, whole: FigureTable, shown: FigureTable) -> None:
    """Read the list of figures, under the names its numbers have in the tables they are of."""
    told = {figure.id: figure for figure in shown.figures}
    for figure in whole.figures:
        if figure.id == "supervision.other":
            continue  # one id for the unknown kinds and the unknown rungs
        seen = told.get(figure.id)
        part, of, key = _figure(figure)
        for name, number in ((part, "numerator"), (of, "denominator")):
            reader.reads(
                name, getattr(figure.value, number), getattr(seen and seen.value, number, None)
            )
        known = {each.id: each.count for each in seen.beside} if seen else {}
        for each in figure.beside:
            reader.reads(f"{key}/{each.id}", each.count, known.get(each.id))
    for rate in ("reached", "responded", "resolved", "satisfied"):
        whole_of = "K/called" if rate == "reached" else "K/reached"
        reader.adds(whole_of, f"K/{rate}", f"K/{rate}/rest")
    for place in TIMELY.values():
        key = f"T3/total/{place}"
        reader.adds(*(f"{key}/{name}" for name in KEPT))
        reader.adds(*(f"{key}/{name}" for name in ("should", "on_time", "missed")))
    reader.adds(*(f"T3/total/handle/{name}" for name in ("should", "done", "open")))
    reader.adds(*(f"T1/{name}" for name in HEAD))


def _figure(figure: KeyFigure) -> tuple[str, str, str]:  # noqa: PLR0911 (a table of names)
    """Return the names of numerator and denominator, and what stands before what is beside them."""
    name = figure.id.partition(".")[2]
    column = "total" if name == "all" else name
    match figure.group:
        case "timely" if name in TIMELY:
            key = f"T3/total/{TIMELY[name]}"
            return f"{key}/on_time", f"{key}/should", key
        case "timely" if name == "closed":
            return "T3/total/handle/done", "T3/total/handle/should", "T3/total/handle"
        case "timely" if name == "dual_feedback":
            return "T3/total/dual/both", "T3/total/dual/owed", "T3/total/dual"
        case "flow" if name == "valid":
            return "T1/valid", "T1/received", "T1"
        case "call_back":
            of = "K/reached" if name in {"responded", "resolved", "satisfied"} else "K/called"
            return f"K/{name}", of, f"K/{name}"
        case "reporting":
            key = f"T6/total/{column}"
            return f"{key}/on_time", f"{key}/should", key
        case "supervision":
            key = f"S/{name if name in SUPERVISIONS else 'total'}"
            key = f"{key}/{'total' if name in {*SUPERVISIONS, 'all', 'other'} else column}"
            return f"{key}/on_time", f"{key}/should", key
        case "quality" if name != "unclassified":
            return f"T8/total/{name}", "T8/total/duties", "T8"
        case _:
            return f"K/{figure.id}", f"K/{figure.id}/of", f"K/{figure.id}/beside"
