"""Reads one record's fields by any of their names, and collects every fault instead of the first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from zoneinfo import ZoneInfo

from services.intake.domain import coordinates, times
from services.intake.domain.faults import Fault, FaultReason
from services.intake.domain.times import Horizon

MAX_TEXT, MAX_WORDS = 20_000, 1_000
"""Characters of a narrative and of anything shorter (place, name, kind), *ours*."""

_NUMBER = re.compile(r"[\w.:/\-]{1,64}")
_DIVISION = re.compile(r"[0-9]{6,12}")
_SEVERAL = re.compile(r"[,、;\s]+")
_TRUE = frozenset({"1", "true", "y", "yes", "是"})


class Fields:
    """One record; names are matched without regard to letter case.

    Every reading method takes the field's names in order of preference, the first being the one
    a fault is told under, and returns None for what is absent, blank or refused. A field is read
    once; what was never asked for is the `rest`.
    """

    def __init__(self, body: Mapping[str, object]) -> None:
        self._body = body
        self._left = {name.lower(): value for name, value in body.items()}
        self.faults: list[Fault] = []

    def refuse(self, field: str, reason: FaultReason) -> None:
        """Note a fault of *field*."""
        self.faults.append(Fault(field, reason))

    def text(self, *names: str, required: bool = False, limit: int = MAX_WORDS) -> str | None:
        """Return the first of *names* that says something; a number counts as its digits."""
        left = self._left
        for name in names:
            if name in left and (found := self._text(name, limit)) is not None:
                return found
        if required and not any(f.field in names for f in self.faults):
            self.refuse(names[0], FaultReason.MISSING)
        return None

    def number(self, *names: str, required: bool = False) -> str | None:
        """Return a record number: short, without blanks, safe to show."""
        found = self.text(*names, required=required)
        return None if found is None else self.checked(names[0], found)

    def checked(self, field: str, number: str) -> str | None:
        """Return *number* if it is a record number, else refuse *field*."""
        if _NUMBER.fullmatch(number):
            return number
        self.refuse(field, FaultReason.MALFORMED_NUMBER)
        return None

    def instant(
        self, *names: str, zone: ZoneInfo, horizon: Horizon, required: bool = False
    ) -> datetime | None:
        """Return a time as an instant in UTC, refused when it cannot be."""
        found = self.text(*names, required=required)
        if found is None:
            return None
        at = times.parse(found, zone)
        reason = FaultReason.NOT_A_TIME if at is None else times.fault_of(at, horizon)
        if reason is not None:
            self.refuse(names[0], reason)
            return None
        return at

    def position(self, lon_name: str, lat_name: str) -> coordinates.Degrees | None:
        """Return longitude and latitude as they came, both inside the country, or None."""
        lon, lat = self._degrees(lon_name), self._degrees(lat_name)
        if lon is None and lat is None:
            return None
        if lon is None or lat is None:
            absent = lon_name if lon is None else lat_name
            if not any(f.field == absent for f in self.faults):
                self.refuse(absent, FaultReason.HALF_A_POSITION)
            return None
        if not coordinates.inside_country(lon, lat):
            self.refuse(lon_name, FaultReason.OUTSIDE_COUNTRY)
            self.refuse(lat_name, FaultReason.OUTSIDE_COUNTRY)
            return None
        return lon, lat

    def division(self, *names: str) -> str | None:
        """Return an administrative division code of 6 to 12 digits."""
        found = self.text(*names)
        if found is None or _DIVISION.fullmatch(found):
            return found
        self.refuse(names[0], FaultReason.NOT_A_DIVISION_CODE)
        return None

    def said(self, *names: str) -> bool | None:
        """Return a yes or no (true, 1, 是 …), None when nobody said so."""
        for name in names:
            if isinstance(self._left.get(name), bool):
                return bool(self._left.pop(name))
        found = self.text(*names)
        return None if found is None else found.lower() in _TRUE

    def count(self, *names: str) -> int | None:
        """Return how many there are: a number, or the length of a list of them; never who."""
        for name in names:
            value = self._left.pop(name, None)
            if isinstance(value, bool):
                self.refuse(name, FaultReason.NOT_A_COUNT)
            elif isinstance(value, int) and 0 <= value <= 100_000:
                return value
            elif isinstance(value, list):
                return len(value)
            elif isinstance(value, str) and value.strip():
                found = value.strip()
                digits = found.isascii() and found.isdigit() and len(found) < 6
                return int(found) if digits else len([p for p in _SEVERAL.split(found) if p])
            elif value not in (None, ""):
                self.refuse(name, FaultReason.NOT_A_COUNT)
        return None

    def rest(self) -> dict[str, object]:
        """Return what nobody asked for, under its own names: it may hold anything."""
        left = self._left
        return {
            name: value
            for name, value in self._body.items()
            if value is not None and value != "" and name.lower() in left
        }

    def _text(self, name: str, limit: int) -> str | None:
        value = self._left.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, str):
            if isinstance(value, bool) or not isinstance(value, int | float):
                self.refuse(name, FaultReason.NOT_TEXT)
                return None
            value = str(value)
        found = value.strip()
        if len(found) > limit:
            self.refuse(name, FaultReason.TOO_LONG)
            return None
        return found or None

    def _degrees(self, name: str) -> float | None:
        value = self._left.pop(name, None)
        if value is None or value == "":
            return None
        found = _float(value)
        if found is None:
            self.refuse(name, FaultReason.NOT_DEGREES)
        return found


def _float(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if isfinite(found) else None
