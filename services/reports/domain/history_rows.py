"""What one row of a mapped CSV means, and how rows become cases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from uuid import NAMESPACE_URL, UUID, uuid5

from services.reports.domain import history_mapping as mappings
from services.reports.domain.history_mapping import Dimension, PartOf, Stamp
from services.reports.domain.history_time import BLANK, instant, local_time

SEPARATOR = "\x1f"
"""Stands between the columns of a key."""


class Reason(StrEnum):
    """Why a row is not part of the history; the first that holds, in this order."""

    MALFORMED = "malformed"
    UNDECODABLE = "undecodable"
    NO_KEY = "no_key"
    UNREADABLE_TIME = "unreadable_time"
    UNKNOWN_LABEL = "unknown_label"
    REPEATED_KEY = "repeated_key"
    NOT_COUNTED = "not_counted"


@dataclass(frozen=True)
class Reject:
    """A row refused; `field` names the stamp that was unreadable, or what was missing."""

    reason: Reason
    field: str = ""


@dataclass(frozen=True)
class Reading:
    """One row read: times UTC, `overdue` the source's own label (None: blank)."""

    key: str
    unit: str | None
    stamps: Mapping[Stamp, datetime | None]
    values: Mapping[Dimension, str | None]
    overdue: bool | None


@dataclass(frozen=True)
class Response:
    """What one row says of the unit sent: its own times, UTC; no unit is one not named."""

    unit: str | None
    stamps: Mapping[Stamp, datetime | None]


@dataclass(frozen=True)
class Case:
    """A closed (or still open) case of the history; times UTC.

    `responses`: one for each row in its order, none where the mapping names no unit.
    """

    id: UUID
    units: int
    stamps: Mapping[Stamp, datetime | None]
    values: Mapping[Dimension, str | None]
    overdue: bool | None
    counted_at: datetime
    responses: tuple[Response, ...] = ()


def namespace(region: str) -> UUID:
    """Return the namespace of the case ids of *region*."""
    return uuid5(NAMESPACE_URL, f"liandong:history:{region}")


def text(row: Mapping[str, str | None], column: str | None, missing: Iterable[str]) -> str | None:
    """Return the field without blanks round it; None when empty or one of *missing*."""
    found = (row.get(column) or "").strip(BLANK) if column else ""
    return None if not found or found in missing else found


def reading(row: Mapping[str, str | None], mapping: mappings.Mapping) -> Reading | Reject:
    """Read one row (column → field) as *mapping* says; refused rows say why."""
    fields = {name: text(row, name, mapping.missing) for name in mapping.wanted}
    if any("\ufffd" in field for field in fields.values() if field):
        return Reject(Reason.UNDECODABLE)
    key = [fields[name] for name in mapping.key_columns]
    if not any(key):
        return Reject(Reason.NO_KEY)
    stamps: dict[Stamp, datetime | None] = {}
    for stamp in Stamp:
        column = getattr(mapping.columns, stamp)
        local = _local(fields[column], mapping) if column else None
        if column and fields[column] and local is None:
            return Reject(Reason.UNREADABLE_TIME, stamp)
        known = local and not _is_sentinel(local, mapping)
        stamps[stamp] = instant(local, mapping.zone) if local and known else None
    overdue = None
    if mapping.label and (said := fields[mapping.label.column]):
        if said not in {*mapping.label.overdue, *mapping.label.not_overdue}:
            return Reject(Reason.UNKNOWN_LABEL)
        overdue = said in mapping.label.overdue
    values = {each: _value(getattr(mapping.columns, each), fields) for each in Dimension}
    unit = fields[mapping.columns.unit] if mapping.columns.unit else None
    return Reading(SEPARATOR.join(part or "" for part in key), unit, stamps, values, overdue)


def _local(field: str | None, mapping: mappings.Mapping) -> datetime | None:
    return local_time(field, mapping.time_formats) if field else None


def _is_sentinel(local: datetime, mapping: mappings.Mapping) -> bool:
    before = mapping.missing_before
    return before is not None and local < datetime.combine(before, time())


def _value(chosen: str | PartOf | None, fields: Mapping[str, str | None]) -> str | None:
    if not isinstance(chosen, PartOf):
        return fields[chosen] if chosen else None
    found = re.search(chosen.regex, fields[chosen.column] or "")
    return (found[1] or None) if found else None


def cases(
    rows: Iterable[Mapping[str, str | None]], mapping: mappings.Mapping, region: str
) -> tuple[list[Case], list[tuple[int, Reject]]]:
    """Return the cases of *rows* and the rejects with the row's number (from 1), both in order.

    Of rows with one key the first is the case and the others are refused, unless the mapping
    groups them. A case without the stamp it is counted by is refused with all of its rows.
    """
    grouped: dict[str, list[tuple[int, Reading]]] = {}
    rejects: list[tuple[int, Reject]] = []
    for number, row in enumerate(rows, 1):
        read = reading(row, mapping)
        if isinstance(read, Reject):
            rejects.append((number, read))
        elif read.key in grouped and not mapping.group_by:
            rejects.append((number, Reject(Reason.REPEATED_KEY)))
        else:
            grouped.setdefault(read.key, []).append((number, read))
    found = []
    for key, members in grouped.items():
        stamps = {stamp: _joined(stamp, [r for _, r in members]) for stamp in Stamp}
        counted_at = stamps[mapping.counted_by]
        if counted_at is None:
            missing = Reject(Reason.NOT_COUNTED, mapping.counted_by)
            rejects += [(number, missing) for number, _ in members]
            continue
        values = {
            d: next((r.values[d] for _, r in members if r.values[d]), None) for d in Dimension
        }
        overdue = next((r.overdue for _, r in members if r.overdue is not None), None)
        id_ = uuid5(namespace(region), key)
        sent = tuple(Response(r.unit, r.stamps) for _, r in members if mapping.columns.unit)
        found.append(Case(id_, len(members), stamps, values, overdue, counted_at, sent))
    return found, sorted(rejects, key=lambda each: each[0])


def _joined(stamp: Stamp, readings: Iterable[Reading]) -> datetime | None:
    known = [at for r in readings if (at := r.stamps[stamp])]
    if not known:
        return None
    return max(known) if stamp is Stamp.CLOSED else min(known)
