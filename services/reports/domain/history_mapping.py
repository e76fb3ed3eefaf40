"""How the columns of somebody else's CSV become closed cases: a mapping, checked before use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

from services.reports.domain.history_time import UnknownTimeCode, pattern

Name = Annotated[str, Meta(min_length=1)]
Names = Annotated[list[Name], Meta(min_length=1)]
Limit = Annotated[int, Meta(ge=1)]


class Stamp(StrEnum):
    """The five times a case can carry."""

    RECEIVED = "received"
    DISPATCHED = "dispatched"
    ARRIVED = "arrived"
    CLOSED = "closed"
    DUE = "due"


class Dimension(StrEnum):
    """What a month is broken down by."""

    DEPARTMENT = "department"
    CATEGORY = "category"
    KIND = "kind"
    AREA = "area"
    SOURCE = "source"
    PRIORITY = "priority"


class PartOf(Struct, frozen=True, forbid_unknown_fields=True):
    """The one group of *regex* where it is first found in *column*; not found is missing."""

    column: Name
    regex: Name


class Label(Struct, frozen=True, forbid_unknown_fields=True):
    """The source's own verdict: the texts that say overdue, and those that say it is not."""

    column: Name
    overdue: Names
    not_overdue: Names


class Columns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The column of each stamp and dimension, and of the unit sent; what is not named here is never stored."""

    received: Name | None = None
    dispatched: Name | None = None
    arrived: Name | None = None
    closed: Name | None = None
    due: Name | None = None
    unit: Name | None = None
    department: Name | PartOf | None = None
    category: Name | PartOf | None = None
    kind: Name | PartOf | None = None
    area: Name | PartOf | None = None
    source: Name | PartOf | None = None
    priority: Name | PartOf | None = None


class Within(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits in seconds from the receipt, each counted on its own."""

    dispatched: list[Limit] = []
    arrived: list[Limit] = []
    closed: list[Limit] = []


class Mapping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way of reading a CSV; docs/import/README.md describes each field.

    Exactly one of `key` (a row is a case) and `group_by` (rows are units of a case: received,
    dispatched, arrived, due = the earliest, closed = the latest). Times in the file are local to
    `time_zone`, `as_of` too.
    """

    time_zone: Name
    time_formats: Names
    columns: Columns
    key: list[Name] = []
    group_by: list[Name] = []
    counted_by: Stamp = Stamp.RECEIVED
    label: Label | None = None
    within: Within = Within()
    missing: list[str] = []
    missing_before: date | None = None
    as_of: datetime | None = None
    encoding: Name = "utf-8"
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone of the file's times."""
        return ZoneInfo(self.time_zone)

    @property
    def key_columns(self) -> list[str]:
        """Return the columns that name a case."""
        return self.group_by or self.key

    @property
    def wanted(self) -> list[str]:
        """Return every column that is read, each once, in a fixed order."""
        named = [*self.key_columns, *(getattr(self.columns, s) for s in Stamp)]
        named += [self.columns.unit]
        named += [source_of(getattr(self.columns, d)) for d in Dimension]
        named += [self.label.column] if self.label else []
        return list(dict.fromkeys(name for name in named if name))


def source_of(chosen: str | PartOf | None) -> str | None:
    """Return the column a dimension is read from."""
    return chosen.column if isinstance(chosen, PartOf) else chosen


class WrongMapping(ValueError):
    """A mapping that cannot be used; the message names the field and what to do."""


def checked(mapping: Mapping) -> Mapping:
    """Return *mapping*; raises WrongMapping with every problem, one a line."""
    problems = list(_problems(mapping))
    if problems:
        raise WrongMapping("\n".join(problems))
    return mapping


def _problems(mapping: Mapping) -> Iterator[str]:
    try:
        ZoneInfo(mapping.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        yield f"time_zone: {mapping.time_zone!r} is unknown; write an IANA name as Asia/Shanghai"
    for each in mapping.time_formats:
        try:
            pattern(each)
        except UnknownTimeCode as wrong:
            yield f"time_formats: {wrong}"
    if bool(mapping.key) == bool(mapping.group_by):
        yield (
            "key: name either key (one row is one case) or group_by (rows are units of a case), "
            "with the columns that tell cases apart"
        )
    if mapping.counted_by is Stamp.DUE or getattr(mapping.columns, mapping.counted_by) is None:
        yield (
            f"counted_by: {mapping.counted_by} has no column; name it under columns, or count by "
            "one of received, dispatched, arrived, closed that has"
        )
    for dimension in Dimension:
        chosen = getattr(mapping.columns, dimension)
        if isinstance(chosen, PartOf):
            yield from _wrong_regex(f"columns.{dimension}.regex", chosen.regex)
    if mapping.label and set(mapping.label.overdue) & set(mapping.label.not_overdue):
        yield "label: one text stands for overdue and for not overdue; leave it in one list"
    if mapping.as_of and mapping.as_of.tzinfo:
        yield "as_of: write it in the local time of time_zone, without an offset"


def _wrong_regex(field: str, regex: str) -> Iterator[str]:
    try:
        groups = re.compile(regex).groups
    except re.error as wrong:
        yield f"{field}: {wrong}; correct the expression"
        return
    if groups != 1:
        yield f"{field}: it has {groups} groups; put ( ) round the one part that is wanted"
