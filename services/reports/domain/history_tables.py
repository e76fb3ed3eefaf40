"""Which tables the columns of imported history can answer, and what stays open in those they can."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import UNSET
from msgspec.structs import replace

from services.reports.domain.category_months import CategoryTable
from services.reports.domain.history_mapping import Dimension, Stamp
from services.reports.domain.history_terms import Basis
from services.reports.domain.overdue import OverdueTable
from services.reports.domain.overview import Overview
from services.reports.domain.quality import QualityRow, QualityTable
from services.reports.domain.report import Report
from services.reports.domain.tier_affairs import TierTable
from services.reports.domain.wording import Text


class Asked(StrEnum):
    """The tables, by the words they are asked for with."""

    OVERVIEW = "overview"
    CATEGORIES = "categories"
    UNITS = "units"
    TIERS = "tiers"
    OVERDUE = "overdue"
    GAPS = "gaps"
    QUALITY = "quality"
    FIGURES = "figures"
    ASSESSMENT = "assessment"


def lacking(asked: str, basis: Basis) -> str | None:
    """Return what the mapping would have to name for this table to be answered; None: nothing."""
    wanted = list(_lacking(asked, basis))
    return "; ".join(wanted) if wanted else None


def _lacking(asked: str, basis: Basis) -> Iterator[str]:
    if asked not in set(Asked):
        yield f"nothing a mapping can name answers {asked}"
    if asked == Asked.CATEGORIES and basis.rows is None:
        yield "columns.category or columns.kind (or another dimension under rows)"
    if asked == Asked.TIERS:
        yield from _untiered(basis)
    someone = basis.units or Dimension.DEPARTMENT in basis.dimensions
    if asked in {Asked.UNITS, Asked.ASSESSMENT} and not someone:
        yield "columns.unit or columns.department"
    if asked == Asked.GAPS:
        yield from (f"columns.{s}" for s in (Stamp.ARRIVED, Stamp.CLOSED) if s not in basis.stamps)
    if asked in _JUDGED:
        yield from _unlimited(basis)


def _untiered(basis: Basis) -> Iterator[str]:
    if Dimension.AREA not in basis.dimensions:
        yield "columns.area"
    if basis.affairs is UNSET:
        yield "affairs (which texts are of which affair class)"


def _unlimited(basis: Basis) -> Iterator[str]:
    if not _limits(basis):
        yield _SOME_LIMIT
    for stamp in (Stamp.ACKED, Stamp.ARRIVED, Stamp.FED_BACK, Stamp.CLOSED):
        if getattr(basis.limits, stamp) and stamp not in basis.stamps:
            yield f"columns.{stamp} (a limit is set for it)"


_JUDGED = frozenset({Asked.UNITS, Asked.OVERDUE, Asked.ASSESSMENT})
_SOME_LIMIT = "columns.due, or a limit under limits (acked, arrived, fed_back, closed)"


def _limits(basis: Basis) -> bool:
    limits = basis.limits
    set_ = (limits.acked, limits.arrived, limits.fed_back, limits.closed)
    return Stamp.DUE in basis.stamps or any(set_)


def closes(basis: Basis) -> bool:
    """Say whether closing was due at any time: by the files' due times or by a limit."""
    return Stamp.CLOSED in basis.stamps and (
        Stamp.DUE in basis.stamps or basis.limits.closed is not None
    )


def fitted(report: Report, basis: Basis, *, last_year: bool = True) -> Report:
    """Return *report* without what its files cannot say; `last_year`: it was imported too."""
    match report:
        case Overview():
            return replace(
                report,
                by_affair=None if basis.affairs is UNSET else report.by_affair,
                by_category=None,
                # without a column that tells them apart every call would be valid
                valid_rate=report.valid_rate if basis.standing else None,
                unclassified=report.unclassified if basis.rows else None,
                response=report.response if _timed_from_receipt(basis) else None,
            )
        case CategoryTable() if not last_year:
            none = {"last_year": None, "on_year": None}
            return replace(
                report,
                last_year=None,
                rows=[replace(row, **none) for row in report.rows],
                total=replace(report.total, **none),
            )
        case TierTable() if not closes(basis):
            return replace(report, handled=None)
        case OverdueTable():
            return replace(report, supervision=None)
        case QualityTable():
            return replace(
                report,
                unclassified=report.unclassified if basis.rows else None,
                refused=None,
                units=[_known(row, basis) for row in report.units],
                total=_known(report.total, basis),
            )
        case _:
            return report


def _timed_from_receipt(basis: Basis) -> bool:
    return Stamp.ARRIVED in basis.stamps and basis.counted_by == [Stamp.RECEIVED]


_CELLS = {"no_ack": Stamp.ACKED, "no_arrival": Stamp.ARRIVED, "no_end": Stamp.CLOSED}


def _known(row: QualityRow, basis: Basis) -> QualityRow:
    gone = {cell: None for cell, stamp in _CELLS.items() if stamp not in basis.stamps}
    return replace(row, back_dated=None, **gone)


WORDS = {
    Stamp.DISPATCHED: ("派遣", "dispatch"),
    Stamp.ACKED: ("签收", "acknowledgement"),
    Stamp.ARRIVED: ("到场", "arrival"),
    Stamp.CLOSED: ("办结", "closing"),
    Stamp.DUE: ("时限", "due time"),
}
_EARLIER = (("上期", "the period before"), ("去年同期", "the same period of last year"))


def notes(basis: Basis, *, before: bool, last_year: bool) -> list[Text]:
    """Return what a reader of a table of imported history has to know beside it."""
    at = f"{basis.as_of.astimezone(ZoneInfo(basis.time_zone)):%Y-%m-%d %H:%M:%S}"
    said = [
        Text(
            f"本表由导入的历史数据统计（{basis.files} 个文件，{basis.time_zone}），未结案件按 {at} 判断。",
            f"From imported history ({basis.files} files, {basis.time_zone}); open cases are judged at {at}.",
        )
    ]
    gone = [words for stamp, words in WORDS.items() if stamp not in basis.stamps]
    if gone:
        chinese, english = ("、".join(w[0] for w in gone), ", ".join(w[1] for w in gone))
        said.append(
            Text(
                f"数据中没有下列时间，相关栏目为“–”或 0：{chinese}。",
                f"The files do not say these times, what rests on them is – or 0: {english}.",
            )
        )
    if not basis.standing:
        said.append(
            Text(
                "数据不区分无效、重复：全部计为有效，有效率不成立。",
                "The files do not tell invalid and duplicate ones: all count as valid, no valid rate.",
            )
        )
    if Dimension.AREA not in basis.dimensions:
        said.append(Text("数据中没有区域。", "The files do not say the area."))
    known = (before, last_year)
    absent = [words for words, there in zip(_EARLIER, known, strict=True) if not there]
    if absent:
        chinese, english = ("、".join(w[0] for w in absent), " and ".join(w[1] for w in absent))
        said.append(
            Text(
                f"未导入：{chinese}；与之比较的数字不成立。",
                f"Not imported: {english}; comparisons with it do not hold.",
            )
        )
    return said
