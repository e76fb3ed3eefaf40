"""Rows of a duty roster 值班表 as a centre keeps it: unit, from, to, how many; each refusal named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import uuid5

from services.reports.domain.later_facts import RosterFact
from shared.contracts.ids import NAMESPACE
from shared.contracts.pack import Pack

COLUMNS = ("unit", "begins", "ends", "people")


class RosterFault(StrEnum):
    """Why a row of a roster is left out."""

    UNKNOWN_UNIT = "unknown_unit"
    WRONG_TIME = "wrong_time"
    ENDS_BEFORE_IT_BEGINS = "ends_before_it_begins"
    WRONG_NUMBER = "wrong_number"


class LeftOut(NamedTuple):
    """A row that was left out: its line in the file (the head is line 1) and why."""

    line: int
    why: RosterFault


def roster(rows: Iterable[Mapping[str, str]], pack: Pack) -> tuple[list[RosterFact], list[LeftOut]]:
    """Return the facts of *rows* (by COLUMNS) and what was left out.

    Times without an offset are the region's own. A span of a unit that begins when another does
    replaces it, the later row the earlier: an imported roster can be imported again, corrected.
    """
    found: dict[tuple[str, datetime], RosterFact] = {}
    left_out = []
    for line, row in enumerate(rows, start=2):
        fact = _fact(row, pack)
        if isinstance(fact, RosterFault):
            left_out.append(LeftOut(line, fact))
        else:
            found[fact.unit, fact.begins] = fact
    return list(found.values()), left_out


def _fact(row: Mapping[str, str], pack: Pack) -> RosterFact | RosterFault:
    unit = (row.get("unit") or "").strip()
    if unit not in pack.unit_by_id:
        return RosterFault.UNKNOWN_UNIT
    begins, ends = _instant(row.get("begins"), pack), _instant(row.get("ends"), pack)
    if begins is None or ends is None:
        return RosterFault.WRONG_TIME
    if ends <= begins:
        return RosterFault.ENDS_BEFORE_IT_BEGINS
    people = (row.get("people") or "").strip()
    if not (people.isascii() and people.isdigit() and len(people) <= _DIGITS):
        return RosterFault.WRONG_NUMBER
    name = uuid5(NAMESPACE, f"roster/{unit}/{begins.isoformat()}")
    return RosterFact(name, 1, unit, begins, ends, int(people))


_DIGITS = 6


def _instant(text: str | None, pack: Pack) -> datetime | None:
    try:
        at = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=pack.region.zone)).astimezone(UTC)
