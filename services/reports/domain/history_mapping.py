"""How the columns of somebody else's CSV become closed cases: a mapping, checked before use."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from services.reports.domain.history_time import UnknownTimeCode, pattern
from shared.contracts.pack import AffairClass

Name = Annotated[str, Meta(min_length=1)]
Names = Annotated[list[Name], Meta(min_length=1)]
Limit = Annotated[int, Meta(ge=1)]
Hour = Annotated[int, Meta(ge=0, le=24)]


class Stamp(StrEnum):
    """The times a case can carry (签收 acked, 出警 turned out, 反馈 fed back)."""

    RECEIVED = "received"
    DISPATCHED = "dispatched"
    ACKED = "acked"
    TURNED_OUT = "turned_out"
    ARRIVED = "arrived"
    FED_BACK = "fed_back"
    CLOSED = "closed"
    DUE = "due"


class Beside(StrEnum):
    """What is counted beside and stands in no rate (FIGURES)."""

    INVALID = "invalid"
    DUPLICATE = "duplicate"
    TEST = "test"
    EXERCISE = "exercise"


class AcrossFiles(StrEnum):
    """What becomes of a case that a later file has too.

    REPLACE: the case is as the later file says. MERGE: rows of both are rows of one case; a row
    with the same `row_key` is replaced by the later one.
    """

    REPLACE = "replace"
    MERGE = "merge"


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


class InTwo(Struct, frozen=True, forbid_unknown_fields=True):
    """A time in two columns: read as the day, a blank and the time; what is blank is left away."""

    date: Name
    time: Name


class Label(Struct, frozen=True, forbid_unknown_fields=True):
    """The source's own verdict: the texts that say overdue, and those that say it is not."""

    column: Name
    overdue: Names
    not_overdue: Names


class Standings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The texts of *column* that say a case counts beside; every other text is a valid case."""

    column: Name
    invalid: list[Name] = []
    duplicate: list[Name] = []
    test: list[Name] = []
    exercise: list[Name] = []


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits units were under, seconds.

    To sign for, to turn out and to report: from the dispatch (or the receipt); to arrive and to
    close: from the receipt, `closed` only where a row has no due time.
    """

    acked: Limit | None = None
    arrived: Limit | None = None
    fed_back: Limit | None = None
    closed: Limit | None = None
    turned_out: Limit | UnsetType = UNSET


class Columns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The column of each stamp and dimension, of the unit sent and of the number cases are listed by.

    What is not named here is never stored.
    """

    received: Name | InTwo | None = None
    dispatched: Name | InTwo | None = None
    acked: Name | InTwo | None = None
    turned_out: Name | InTwo | None = None
    arrived: Name | InTwo | None = None
    fed_back: Name | InTwo | None = None
    closed: Name | InTwo | None = None
    due: Name | InTwo | None = None
    unit: Name | None = None
    number: Name | None = None
    department: Name | PartOf | None = None
    category: Name | PartOf | None = None
    kind: Name | PartOf | None = None
    area: Name | PartOf | None = None
    source: Name | PartOf | None = None
    priority: Name | PartOf | None = None


class Within(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits in seconds from the receipt, each counted on its own."""

    dispatched: list[Limit] = []
    acked: list[Limit] = []
    turned_out: list[Limit] = []
    arrived: list[Limit] = []
    fed_back: list[Limit] = []
    closed: list[Limit] = []


class Affairs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which texts of a dimension (None: of the rows of T1) are of which affair class (P05).

    `rest`: the class of every other text; None: they are unclassified, as a blank always is.
    """

    by: Dimension | None = None
    emergency: list[Name] = []
    public_order: list[Name] = []
    city_management: list[Name] = []
    livelihood: list[Name] = []
    rest: AffairClass | None = None

    def listed(self) -> dict[str, AffairClass]:
        """Return the class of each text that is named."""
        return {text: each for each in AffairClass for text in getattr(self, each)}


class Urgent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The texts of a dimension that say a case is urgent."""

    by: Dimension
    texts: Names


class Mapping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way of reading a CSV; docs/import/README.md describes each field.

    Exactly one of `key` (a row is a case) and `group_by` (rows are units of a case: closed = the
    latest, every other stamp = the earliest). Times in the file are local to `time_zone` unless
    they say their offset; `as_of` is local.
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
    skip_rows: Annotated[int, Meta(ge=0)] = 0
    across_files: AcrossFiles = AcrossFiles.REPLACE
    row_key: list[Name] = []
    aliases: dict[Name, list[Name]] = {}
    optional: list[Name] = []
    ignore_case: bool = False
    codes: dict[Dimension, dict[Name, Name]] = {}
    standing: Standings | None = None
    limits: Limits = Limits()
    name: Name | None = None
    line: Literal["110", "119", "122", "12345", "other"] = "other"
    rows: Dimension | None = None
    day_hours: tuple[Hour, Hour] = (8, 20)
    affairs: Affairs | None = None
    sub_centres: dict[Name, list[Name]] = {}
    urgent: Urgent | None = None

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
        stamps = [name for s in Stamp for name in sources_of(getattr(self.columns, s))]
        named: list[str | None] = [*self.key_columns, *stamps]
        named += [self.columns.unit, self.columns.number, *self.row_key]
        named += [source_of(getattr(self.columns, d)) for d in Dimension]
        named += [self.label.column] if self.label else []
        named += [self.standing.column] if self.standing else []
        return list(dict.fromkeys(name for name in named if name))


def source_of(chosen: str | PartOf | None) -> str | None:
    """Return the column a dimension is read from."""
    return chosen.column if isinstance(chosen, PartOf) else chosen


Chosen = str | PartOf | InTwo | None
"""How a stamp or dimension is read."""


def sources_of(chosen: Chosen) -> list[str]:
    """Return the columns a stamp or dimension is read from."""
    if isinstance(chosen, InTwo):
        return [chosen.date, chosen.time]
    name = source_of(chosen)
    return [name] if name else []


def columns_of(chosen: Chosen) -> str:
    """Return the columns as they are told."""
    return " + ".join(sources_of(chosen))


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
    yield from _wrong_rows(mapping)
    yield from _wrong_affairs(mapping)
    yield from _wrong_columns(mapping)
    if mapping.as_of and mapping.as_of.tzinfo:
        yield "as_of: write it in the local time of time_zone, without an offset"


def _wrong_rows(mapping: Mapping) -> Iterator[str]:
    if mapping.across_files is AcrossFiles.MERGE and not (
        mapping.group_by and mapping.columns.unit
    ):
        yield "across_files: merge needs group_by and columns.unit; without them leave replace"
    if mapping.row_key and mapping.across_files is not AcrossFiles.MERGE:
        yield "row_key: it tells rows apart for `across_files: merge` only; leave it away"
    if mapping.rows and getattr(mapping.columns, mapping.rows) is None:
        yield f"rows: {mapping.rows} has no column; name it under columns"


def _wrong_affairs(mapping: Mapping) -> Iterator[str]:
    affairs = mapping.affairs
    if affairs is not None:
        by = affairs_by(mapping)
        if by is None or getattr(mapping.columns, by) is None:
            yield f"affairs.by: {by or 'the rows of T1'} has no column; name it under columns"
        texts = [text for each in AffairClass for text in getattr(affairs, each)]
        if len(set(texts)) != len(texts):
            yield "affairs: one text stands in two classes; leave it in one"
    if mapping.urgent and getattr(mapping.columns, mapping.urgent.by) is None:
        yield f"urgent.by: {mapping.urgent.by} has no column; name it under columns"
    areas = [area for each in mapping.sub_centres.values() for area in each]
    if len(set(areas)) != len(areas):
        yield "sub_centres: one area stands under two of them; leave it under one"
    if areas and mapping.columns.area is None:
        yield "sub_centres: area has no column; name it under columns"


def _wrong_columns(mapping: Mapping) -> Iterator[str]:
    wanted = set(mapping.wanted)
    for each in mapping.aliases:
        if each not in wanted:
            yield f"aliases: {each!r} is no column this mapping reads; correct or remove it"
    for each in mapping.optional:
        if each not in wanted:
            yield f"optional: {each!r} is no column this mapping reads; correct or remove it"
        if each in {*mapping.key_columns, *mapping.row_key}:
            yield f"optional: {each!r} is part of the key, which a file cannot lack"
        if each in sources_of(getattr(mapping.columns, mapping.counted_by)):
            yield f"optional: {each!r} is what cases are counted by, which a file cannot lack"
    if mapping.standing:
        said = [t for beside in Beside for t in getattr(mapping.standing, beside)]
        if len(set(said)) != len(said):
            yield "standing: one text stands in two lists; leave it in one"


def _wrong_regex(field: str, regex: str) -> Iterator[str]:
    try:
        groups = re.compile(regex).groups
    except re.error as wrong:
        yield f"{field}: {wrong}; correct the expression"
        return
    if groups != 1:
        yield f"{field}: it has {groups} groups; put ( ) round the one part that is wanted"


def without(mapping: Mapping, absent: Collection[str]) -> Mapping:
    """Return *mapping* without the columns in *absent*, which this file does not have."""
    gone = {
        name: None
        for name in Columns.__struct_fields__
        if set(sources_of(getattr(mapping.columns, name))) & set(absent)
    }
    return replace(
        mapping,
        columns=replace(mapping.columns, **gone),
        label=None if mapping.label and mapping.label.column in absent else mapping.label,
        standing=None
        if mapping.standing and mapping.standing.column in absent
        else mapping.standing,
        rows=None if mapping.rows in gone else mapping.rows,
        affairs=None if affairs_by(mapping) in gone else mapping.affairs,
        sub_centres={} if Dimension.AREA in gone else mapping.sub_centres,
        urgent=None if mapping.urgent and mapping.urgent.by in gone else mapping.urgent,
    )


def row_dimension(mapping: Mapping) -> Dimension | None:
    """Return what the rows of T1 and T2 are: as said, else the category, else the kind."""
    if mapping.rows:
        return mapping.rows
    both = (Dimension.CATEGORY, Dimension.KIND)
    return next((d for d in both if getattr(mapping.columns, d) is not None), None)


def affairs_by(mapping: Mapping) -> Dimension | None:
    """Return the dimension affair classes are told by; None: by none."""
    if mapping.affairs is None:
        return None
    return mapping.affairs.by or row_dimension(mapping)
