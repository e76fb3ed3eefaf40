"""What one row of a mapped CSV means, and how rows become cases."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from uuid import NAMESPACE_URL, UUID, uuid5

from services.reports.domain import history_mapping as mappings
from services.reports.domain.history_mapping import (
    AcrossFiles,
    Beside,
    Dimension,
    PartOf,
    Stamp,
    columns_of,
    source_of,
    sources_of,
)
from services.reports.domain.history_time import BLANK, instant, local_time

SEPARATOR = "\x1f"
"""Stands between the columns of a key."""

LONGEST_SHAPE = 40


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
    """A row refused.

    `field`: the stamp or label it is about, `column`: its name in the mapping, `shape`: what the
    value looks like (see `shape`), never the value.
    """

    reason: Reason
    field: str = ""
    column: str = ""
    shape: str = ""


@dataclass(frozen=True)
class Response:
    """What one row says of the unit sent: its own times, UTC; no unit is one not named.

    `part` tells the rows of a case apart when a later file brings more of them; what the row says
    of the case (`values`, `overdue`, `standing`, `number`) is kept only then.
    """

    unit: str | None
    stamps: Mapping[Stamp, datetime | None]
    part: str | None = None
    values: Mapping[Dimension, str | None] | None = None
    overdue: bool | None = None
    standing: Beside | None = None
    number: str | None = None


@dataclass(frozen=True)
class Reading:
    """One row read: times UTC, `overdue` the source's own label (None: blank).

    `standing` None is a valid case; `row_key` None where the mapping names none.
    """

    key: str
    unit: str | None
    stamps: Mapping[Stamp, datetime | None]
    values: Mapping[Dimension, str | None]
    overdue: bool | None
    standing: Beside | None = None
    number: str | None = None
    row_key: str | None = None


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
    standing: Beside | None = None
    number: str | None = None


def namespace(region: str) -> UUID:
    """Return the namespace of the case ids of *region*."""
    return uuid5(NAMESPACE_URL, f"liandong:history:{region}")


_LOWER, _UPPER = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FOLD = str.maketrans(_LOWER, _UPPER)


def folded(text: str, mapping: mappings.Mapping) -> str:
    """Return *text* as it is compared: `ignore_case` folds a-z, and nothing else."""
    return text.translate(_FOLD) if mapping.ignore_case else text


def shape(text: str) -> str:
    """Return what *text* looks like: 9 a digit, a a letter, * what is not ASCII, the rest as it is.

    Says why a time was not read, and nothing about anybody.
    """
    found = re.sub("[0-9]", "9", re.sub("[A-Za-z]", "a", text[:LONGEST_SHAPE]))
    return re.sub(r"[^\x00-\x7f]", "*", re.sub(r"[\x00-\x1f]", " ", found))


def text(row: Mapping[str, str | None], column: str | None, missing: Iterable[str]) -> str | None:
    """Return the field without blanks round it; None when empty or one of *missing*."""
    found = (row.get(column) or "").strip(BLANK) if column else ""
    return None if not found or found in missing else found


def _fields(row: Mapping[str, str | None], mapping: mappings.Mapping) -> dict[str, str | None]:
    missing = {folded(each, mapping) for each in mapping.missing}
    found = {name: text(row, name, ()) for name in mapping.wanted}
    return {n: f if f and folded(f, mapping) not in missing else None for n, f in found.items()}


def reading(row: Mapping[str, str | None], mapping: mappings.Mapping) -> Reading | Reject:
    """Read one row (column → field) as *mapping* says; refused rows say why."""
    fields = _fields(row, mapping)
    if any("\ufffd" in field for field in fields.values() if field):
        return Reject(Reason.UNDECODABLE)
    key = [fields[name] for name in mapping.key_columns]
    if not any(key):
        return Reject(Reason.NO_KEY, column=mapping.key_columns[0])
    stamps: dict[Stamp, datetime | None] = {}
    for stamp in Stamp:
        chosen = getattr(mapping.columns, stamp)
        parts = [part for name in sources_of(chosen) if (part := fields[name])]
        field = " ".join(parts)
        at = local_time(field, mapping.time_formats) if field else None
        if field and at is None:
            return Reject(Reason.UNREADABLE_TIME, stamp, columns_of(chosen), shape(field))
        stamps[stamp] = instant(at, mapping.zone) if at and not _is_sentinel(at, mapping) else None
    overdue = None
    if mapping.label and (said := fields[mapping.label.column]):
        labels = {
            folded(text, mapping): is_overdue
            for texts, is_overdue in (
                (mapping.label.not_overdue, False),
                (mapping.label.overdue, True),
            )
            for text in texts
        }
        if folded(said, mapping) not in labels:
            return Reject(Reason.UNKNOWN_LABEL, "label", mapping.label.column, shape(said))
        overdue = labels[folded(said, mapping)]
    columns = mapping.columns
    row_key = [fields[name] for name in mapping.row_key]
    return Reading(
        key=SEPARATOR.join(part or "" for part in key),
        unit=fields[columns.unit] if columns.unit else None,
        stamps=stamps,
        values={d: _value(d, fields, mapping) for d in Dimension},
        overdue=overdue,
        standing=_standing(fields, mapping),
        number=fields[columns.number] if columns.number else None,
        row_key=SEPARATOR.join(part or "" for part in row_key) if row_key else None,
    )


def _is_sentinel(local: datetime, mapping: mappings.Mapping) -> bool:
    before = mapping.missing_before
    return before is not None and local.replace(tzinfo=None) < datetime.combine(before, time())


def _value(
    dimension: Dimension, fields: Mapping[str, str | None], mapping: mappings.Mapping
) -> str | None:
    chosen = getattr(mapping.columns, dimension)
    column = source_of(chosen)
    found = fields[column] if column else None
    if isinstance(chosen, PartOf):
        part = re.search(chosen.regex, found or "")
        found = (part[1] or None) if part else None
    if found is None:
        return None
    codes = {folded(c, mapping): name for c, name in mapping.codes.get(dimension, {}).items()}
    return codes.get(folded(found, mapping), folded(found, mapping))


def _standing(fields: Mapping[str, str | None], mapping: mappings.Mapping) -> Beside | None:
    if mapping.standing is None or not (said := fields[mapping.standing.column]):
        return None
    for beside in Beside:
        if folded(said, mapping) in {
            folded(each, mapping) for each in getattr(mapping.standing, beside)
        }:
            return beside
    return None


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
            rejects.append((number, Reject(Reason.REPEATED_KEY, column=mapping.key[0])))
        else:
            grouped.setdefault(read.key, []).append((number, read))
    found = []
    for key, members in grouped.items():
        counted_at = _joined(mapping.counted_by, [r.stamps for _, r in members])
        if counted_at is None:
            column = columns_of(getattr(mapping.columns, mapping.counted_by))
            missing = Reject(Reason.NOT_COUNTED, mapping.counted_by, column)
            rejects += [(number, missing) for number, _ in members]
            continue
        readings = [r for _, r in members]
        sent = _responses(readings, mapping) if mapping.columns.unit else ()
        merge = mapping.across_files is AcrossFiles.MERGE
        id_ = uuid5(namespace(region), key)
        found.append(_case(id_, sent if merge else readings, sent, counted_at))
    return found, sorted(rejects, key=lambda each: each[0])


def _case(
    id_: UUID,
    rows: Sequence[Reading | Response],
    sent: tuple[Response, ...],
    counted_at: datetime,
) -> Case:
    """Return the case *rows* make: the first value each of them gives."""
    return Case(
        id=id_,
        units=len(rows),
        stamps={stamp: _joined(stamp, [r.stamps for r in rows]) for stamp in Stamp},
        values={
            d: next((v for r in rows if r.values and (v := r.values[d])), None) for d in Dimension
        },
        overdue=next((r.overdue for r in rows if r.overdue is not None), None),
        counted_at=counted_at,
        responses=sent,
        standing=next((r.standing for r in rows if r.standing), None),
        number=next((r.number for r in rows if r.number), None),
    )


def _responses(rows: Sequence[Reading], mapping: mappings.Mapping) -> tuple[Response, ...]:
    if mapping.across_files is AcrossFiles.REPLACE:
        return tuple(Response(r.unit, r.stamps) for r in rows)
    seen = Counter[str]()
    sent: dict[str, Response] = {}
    for r in rows:
        name = r.row_key if r.row_key is not None else r.unit or ""
        seen[name] += 1
        part = name if r.row_key is not None else f"{name}{SEPARATOR}{seen[name]}"
        # of two rows with one row key in a file the later is the revision
        sent[part] = Response(r.unit, r.stamps, part, r.values, r.overdue, r.standing, r.number)
    return tuple(sent.values())


def merged(known: Case, later: Case, mapping: mappings.Mapping) -> Case:
    """Return the case of the rows of both, a row of *later* in the place of the one it revises.

    Rows keep the order they were first seen in, so the same file again changes nothing.
    """
    rows = {each.part: each for each in (*known.responses, *later.responses)}
    sent = tuple(rows.values())
    counted_at = _joined(mapping.counted_by, [each.stamps for each in sent])
    return _case(known.id, sent, sent, counted_at or later.counted_at)


def _joined(stamp: Stamp, rows: Iterable[Mapping[Stamp, datetime | None]]) -> datetime | None:
    known = [at for r in rows if (at := r[stamp])]
    if not known:
        return None
    return max(known) if stamp is Stamp.CLOSED else min(known)
