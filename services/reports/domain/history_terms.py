"""By what imported cases are judged: the terms of each file, and of a period all of its files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import UNSET, Struct, UnsetType

from services.reports.domain.history_mapping import (
    AcrossFiles,
    Dimension,
    Limits,
    Mapping,
    Stamp,
    Urgent,
    Within,
    affairs_by,
    row_dimension,
)
from services.reports.domain.history_rows import folded
from services.reports.domain.history_time import instant
from shared.contracts.pack import AffairClass


class AffairsBy(Struct, frozen=True, kw_only=True):
    """The affair class of each value of a dimension; `rest`: of every other value (None: of none)."""

    by: Dimension
    of: dict[str, AffairClass]
    rest: AffairClass | None

    def affair(self, value: str | None) -> AffairClass | None:
        """Return the class of *value*; a blank has none."""
        return None if value is None else self.of.get(value, self.rest)


class Terms(Struct, frozen=True, kw_only=True):
    """What figures need of the mapping a file was read by; `as_of` UTC.

    What is unset is not written: what was stored before it existed keeps its hash.
    """

    time_zone: str
    counted_by: Stamp
    within: Within
    limits: Limits
    stamps: list[Stamp]
    dimensions: list[Dimension]
    units: bool
    numbers: bool
    standing: bool
    rows: Dimension | None
    name: str | None
    line: str
    day_hours: tuple[int, int]
    across_files: AcrossFiles
    row_key: list[str]
    as_of: datetime | None
    affairs: AffairsBy | UnsetType = UNSET
    sub_centres: dict[str, list[str]] | UnsetType = UNSET
    urgent: Urgent | UnsetType = UNSET


class Ends(NamedTuple):
    """Of a region's data, UTC: the newest stamp, the newest and the oldest a case is counted by."""

    latest: datetime | None = None
    until: datetime | None = None
    since: datetime | None = None


UNKNOWN = Ends()


class Basis(Struct, frozen=True, kw_only=True):
    """What the history of a region is counted by in one period.

    `as_of` UTC, and where it comes from. `files`: how many files brought cases of the period;
    `stamps` and `dimensions` are those that at least one of them has. `name` is the region's,
    `rows` what the rows of T1 and T2 are. Of the region, UTC: `latest` is its newest stamp (due
    times aside), `counted_until` the newest one a case is counted by, `counted_from` the oldest.
    """

    time_zone: str
    counted_by: list[Stamp]
    within: Within
    limits: Limits
    stamps: list[Stamp]
    dimensions: list[Dimension]
    units: bool
    standing: bool
    rows: Dimension | None
    name: str
    line: str
    day_hours: tuple[int, int]
    files: int
    as_of: datetime
    as_of_from: str
    latest: datetime | None = None
    counted_until: datetime | None = None
    counted_from: datetime | UnsetType = UNSET
    affairs: AffairsBy | UnsetType = UNSET
    sub_centres: dict[str, list[str]] | UnsetType = UNSET
    urgent: Urgent | UnsetType = UNSET


def terms_of(mapping: Mapping) -> Terms:
    """Return the terms of a file read by *mapping*."""
    columns = mapping.columns
    return Terms(
        time_zone=mapping.time_zone,
        counted_by=mapping.counted_by,
        within=mapping.within,
        limits=mapping.limits,
        stamps=[s for s in Stamp if getattr(columns, s) is not None],
        dimensions=[d for d in Dimension if getattr(columns, d) is not None],
        units=columns.unit is not None,
        numbers=columns.number is not None,
        standing=mapping.standing is not None,
        rows=row_dimension(mapping),
        name=mapping.name,
        line=mapping.line,
        day_hours=mapping.day_hours,
        across_files=mapping.across_files,
        row_key=mapping.row_key,
        as_of=instant(mapping.as_of, mapping.zone) if mapping.as_of else None,
        affairs=_affairs(mapping),
        sub_centres={
            name: [folded(area, mapping) for area in areas]
            for name, areas in mapping.sub_centres.items()
        }
        or UNSET,
        urgent=Urgent(
            by=mapping.urgent.by, texts=[folded(text, mapping) for text in mapping.urgent.texts]
        )
        if mapping.urgent
        else UNSET,
    )


def _affairs(mapping: Mapping) -> AffairsBy | UnsetType:
    by, affairs = affairs_by(mapping), mapping.affairs
    if by is None or affairs is None:
        return UNSET
    of = {folded(text, mapping): each for text, each in affairs.listed().items()}
    return AffairsBy(by=by, of=of, rest=affairs.rest)


def basis_of(
    region: str,
    files: Sequence[Terms],
    first: Terms,
    as_of: tuple[datetime, str],
    ends: Ends = UNKNOWN,
) -> Basis:
    """Return what a period is counted by: *files* brought its cases (in the order imported).

    Months are those of the zone of the region's *first* file; limits, rows and names those of the
    newest file that has them, and so affair classes and sub-centres. *ends*: of the region's data.
    """
    known = list(files) or [first]
    newest = known[-1]
    return Basis(
        time_zone=first.time_zone,
        counted_by=[s for s in Stamp if any(t.counted_by is s for t in known)],
        within=Within(
            **{
                name: sorted({limit for t in known for limit in getattr(t.within, name)})
                for name in Within.__struct_fields__
            }
        ),
        limits=_limits(known),
        stamps=[s for s in Stamp if any(s in t.stamps for t in known)],
        dimensions=[d for d in Dimension if any(d in t.dimensions for t in known)],
        units=any(t.units for t in known),
        standing=any(t.standing for t in known),
        rows=next((t.rows for t in reversed(known) if t.rows), None),
        name=next((t.name for t in reversed(known) if t.name), region),
        line=newest.line,
        day_hours=newest.day_hours,
        files=len(files),
        as_of=as_of[0],
        as_of_from=as_of[1],
        latest=ends.latest,
        counted_until=ends.until,
        counted_from=ends.since or UNSET,
        affairs=next((t.affairs for t in reversed(known) if t.affairs is not UNSET), UNSET),
        sub_centres=next(
            (t.sub_centres for t in reversed(known) if t.sub_centres is not UNSET), UNSET
        ),
        urgent=next((t.urgent for t in reversed(known) if t.urgent is not UNSET), UNSET),
    )


def _limits(known: Sequence[Terms]) -> Limits:
    """Return of each limit the newest; none stays what a limit that is not there is."""
    none = Limits()
    newest = {
        name: next(
            (n for t in reversed(known) if (n := getattr(t.limits, name))), getattr(none, name)
        )
        for name in Limits.__struct_fields__
    }
    return Limits(**newest)
