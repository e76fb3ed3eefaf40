"""How a set of clocks is kept: MessagePack with fields by position, two fifths of its JSON."""

from __future__ import annotations

from uuid import UUID

import msgspec
from msgspec.structs import astuple, force_setattr

from services.sla.domain.clock_set import ZERO, ClockSet
from shared.contracts.sla import Clock
from shared.contracts.values import Lane


class _Clock(Clock, frozen=True, array_like=True):
    """A clock by position: a field added to `Clock` goes to its end, with a default."""


class _Set(msgspec.Struct, frozen=True, array_like=True):
    """A set by position, as `encoded` writes it."""

    incident_id: UUID
    number: str
    version: int
    incident_version: int
    region: str
    lane: Lane
    exercise: bool
    trace: str | None
    clocks: tuple[_Clock, ...]


_ENCODER = msgspec.msgpack.Encoder(uuid_format="bytes")
_DECODER = msgspec.msgpack.Decoder(_Set)
_JSON = msgspec.json.Decoder(ClockSet)


def encoded(clocks: ClockSet) -> bytes:
    """Return the document kept of *clocks*."""
    return _ENCODER.encode(
        (
            clocks.incident_id,
            clocks.number,
            clocks.version,
            clocks.incident_version,
            clocks.region,
            clocks.lane,
            clocks.exercise,
            clocks.trace,
            [astuple(clock) for clock in clocks.clocks],
        )
    )


def decoded(document: bytes) -> ClockSet:
    """Return the set *document* keeps; one that was last written before 0002 is JSON."""
    if document[:1] == b"{":
        return _JSON.decode(document)
    kept = _DECODER.decode(document)
    clocks = msgspec.convert(kept.clocks, tuple[Clock, ...], from_attributes=True)
    for clock in clocks:
        _as_made(clock)
    return ClockSet(
        incident_id=kept.incident_id,
        number=kept.number,
        version=kept.version,
        incident_version=kept.incident_version,
        region=kept.region,
        lane=kept.lane,
        clocks=clocks,
        exercise=kept.exercise,
        trace=kept.trace,
    )


def _as_made(clock: Clock) -> None:
    """Give a clock nobody has seen yet the very zero it was made with, so that none is written out."""
    if not clock.overdue_s:
        force_setattr(clock, "overdue_s", ZERO)
    if not clock.grace_s:
        force_setattr(clock, "grace_s", ZERO)
    if not clock.paused_s:
        force_setattr(clock, "paused_s", ZERO)
