"""What a reader of figures of imported history is warned of: the as-of, the end of the data, the month."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import UNSET, Struct

from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.history_mapping import Stamp
from services.reports.domain.history_terms import Basis
from services.reports.domain.period import Period
from services.reports.domain.wording import Text

COUNTED = {
    Stamp.DISPATCHED: ("派遣", "dispatched"),
    Stamp.ACKED: ("签收", "acked"),
    Stamp.TURNED_OUT: ("出警", "turned_out"),
    Stamp.ARRIVED: ("到场", "arrived"),
    Stamp.FED_BACK: ("反馈", "fed_back"),
    Stamp.CLOSED: ("办结", "closed"),
}


class Note(Struct, frozen=True):
    """A sentence in both languages, as it stands in `notes` of a month."""

    zh: str
    en: str


def warned(basis: Basis) -> list[Text]:
    """Return what makes the figures doubtful, to be told loudly; [] nothing."""
    if basis.latest is None or basis.as_of >= basis.latest:
        return []
    return [too_early(basis.as_of, basis.latest, ZoneInfo(basis.time_zone))]


def too_early(as_of: datetime, latest: datetime, zone: ZoneInfo) -> Text:
    """Say that cases still open are judged before the newest stamp of the data."""
    at, newest = _local(as_of, zone), _local(latest, zone)
    return Text(
        f"未结案件按 {at} 判断，早于数据中最新的时间 {newest}：超期未结会被少算，请用 --as-of 另定。",
        f"open cases are judged at {at}, before the newest stamp of the data ({newest}): what is "
        "open past due is counted too low; give another time by --as-of",
    )


def cautions(basis: Basis, period: Period) -> list[Text]:
    """Return every sentence that belongs beside figures of *period*; the loud ones first."""
    said = warned(basis)
    if basis.counted_until and not complete(basis, period):
        end = _local(basis.counted_until, period.zone)
        said.append(
            Text(f"数据截至 {end}，未满本期。", f"the data end at {end}, within the period")
        )
    said += [_partly(*each, basis, period.zone) for each in _cut_off(basis, period)]
    if others := [COUNTED[s] for s in basis.counted_by if s in COUNTED]:
        chinese, english = ("、".join(w[0] for w in others), ", ".join(w[1] for w in others))
        said.append(
            Text(
                f"案件按{chinese}时间计入本期，不是按接报时间。",
                f"cases are counted in the month of {english}, not of their receipt",
            )
        )
    return said


def complete(basis: Basis, period: Period) -> bool:
    """Say whether the data reach the last local day of *period*; a cut one is not compared."""
    if basis.counted_until is None:
        return False
    last = (period.end.astimezone(period.zone) - timedelta(microseconds=1)).date()
    return basis.counted_until.astimezone(period.zone).date() >= last


def begun(basis: Basis, period: Period) -> bool:
    """Say whether the data begin by the first local day of *period*; where that is not known, yes."""
    if basis.counted_from is UNSET:
        return True
    first = basis.counted_from.astimezone(period.zone).date()
    return first <= period.start.astimezone(period.zone).date()


_EARLIER = (("上期", "the period before"), ("去年同期", "the same period of last year"))


def _cut_off(basis: Basis, period: Period) -> list[tuple[str, str]]:
    """Return the names of the periods *period* is compared with in which the data begin."""
    if basis.counted_from is UNSET:
        return []
    both = (period_before(period), year_before(period))
    return [
        name
        for name, each in zip(_EARLIER, both, strict=True)
        if each and basis.counted_from < each.end and not begun(basis, each)
    ]


def _partly(chinese: str, english: str, basis: Basis, zone: ZoneInfo) -> Text:
    assert basis.counted_from is not UNSET  # noqa: S101 - only then it is cut off
    since = _local(basis.counted_from, zone)
    return Text(
        f"数据自 {since} 起，{chinese}不全：与之比较的数字不成立。",
        f"the data begin at {since}, within {english}: comparisons with it do not hold",
    )


def noted(texts: Sequence[Text]) -> list[Note]:
    """Return the sentences as they stand in JSON."""
    return [Note(str(each), each.en) for each in texts]


def _local(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
