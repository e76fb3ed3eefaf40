"""By what imported cases are judged: the terms of each file, and of a period all of its files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from services.reports.domain.history_mapping import (
    AcrossFiles,
    Dimension,
    Limits,
    Mapping,
    Stamp,
    Within,
    row_dimension,
)
from services.reports.domain.history_time import instant


class Terms(Struct, frozen=True, kw_only=True):
    """What figures need of the mapping a file was read by; `as_of` UTC."""

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


class Basis(Struct, frozen=True, kw_only=True):
    """What the history of a region is counted by in one period.

    `as_of` UTC, and where it comes from. `files`: how many files brought cases of the period;
    `stamps` and `dimensions` are those that at least one of them has. `name` is the region's,
    `rows` what the rows of T1 and T2 are. Of the region, UTC: `latest` is its newest stamp (due
    times aside), `counted_until` the newest one a case is counted by.
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
    )


def basis_of(
    region: str,
    files: Sequence[Terms],
    first: Terms,
    as_of: tuple[datetime, str],
    ends: tuple[datetime | None, datetime | None] = (None, None),
) -> Basis:
    """Return what a period is counted by: *files* brought its cases (in the order imported).

    Months are those of the zone of the region's *first* file; limits, rows and names those of the
    newest file that has them. *ends*: `latest` and `counted_until`.
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
        limits=Limits(
            **{
                name: next((n for t in reversed(known) if (n := getattr(t.limits, name))), None)
                for name in Limits.__struct_fields__
            }
        ),
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
        latest=ends[0],
        counted_until=ends[1],
    )
