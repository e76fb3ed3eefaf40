"""Words every contract uses: instants, lanes, lines, open enumerations."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

import msgspec

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment with an offset (UTC on the wire); a naive time is refused when decoded."""


class OpenEnum(StrEnum):
    """An enumeration readers must tolerate growing: what they do not know becomes UNKNOWN."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:  # noqa: ARG003 - the enum protocol
        return cls.__members__.get("UNKNOWN")


class Lane(StrEnum):
    """The two lanes from the door to the notice; fixed when the incident opens."""

    URGENT = "urgent"
    ORDINARY = "ordinary"

    @property
    def number(self) -> int:
        """Short form kept in outbox rows: 0 urgent, 1 ordinary."""
        return 0 if self is Lane.URGENT else 1


class Line(OpenEnum):
    """The hotline a call came by (110 police, 119 fire, 122 traffic, 12345 government)."""

    POLICE = "110"
    FIRE = "119"
    TRAFFIC = "122"
    GOVERNMENT = "12345"
    OTHER = "other"
    UNKNOWN = "unknown"


class Producer(StrEnum):
    """Who numbers an aggregate's versions; with the aggregate it makes the event id."""

    INTAKE = "intake"
    ROUTER = "router"
    SLA = "sla"
    NOTIFY = "notify"
    REPORTS = "reports"
