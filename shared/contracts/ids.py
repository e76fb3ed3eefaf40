"""Replay-stable identifiers: the same opening call always makes the same ids."""

from __future__ import annotations

from hashlib import sha1
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

NAMESPACE = uuid5(NAMESPACE_URL, "urn:liandong:v1")

_BEGUN = sha1(NAMESPACE.bytes, usedforsecurity=False)
_NAME_BITS = ~(0xF000 << 64 | 0xC000 << 48) & (1 << 128) - 1
_VERSION_5 = 5 << 76 | 0x8000 << 48
_encode = msgspec.json.Encoder().encode


def named(name: str) -> UUID:
    """Return `uuid5(NAMESPACE, name)`, made at a third of the cost: every event asks for several."""
    digest = _BEGUN.copy()
    digest.update(name.encode())
    bits = int.from_bytes(digest.digest()[:16], "big") & _NAME_BITS | _VERSION_5
    return msgspec.convert(bits.to_bytes(16, "big"), UUID)


def text(id_: UUID) -> str:
    """Return `str(id_)`, at a third of the cost."""
    return _encode(id_)[1:-1].decode()


def call_id(source: str, source_id: str) -> UUID:
    """Id of the call that *source* numbered *source_id* (`jjdbh`, `gdbh`)."""
    return named(f"call/{source}/{source_id}")


def incident_id(opening_call: UUID) -> UUID:
    """Id of the incident that *opening_call* opens."""
    return named(f"incident/{text(opening_call)}")


def assignment_id(incident: UUID, unit: str, ordinal: int) -> UUID:
    """Id of the *ordinal*-th duty (1, 2, …) of *unit* in *incident*; a unit sent again gets the next."""
    return named(f"assignment/{text(incident)}/{unit}/{ordinal}")


def clock_id(incident: UUID, assignment: UUID | None, kind: str, ordinal: int) -> UUID:
    """Id of the *ordinal*-th clock of *kind* on an assignment (or on the incident itself)."""
    return ClockIds(incident).of(assignment, kind, ordinal)


class ClockIds:
    """Ids of one incident's clocks, each made once: its next events ask for the same ones."""

    __slots__ = ("_incident", "_made")

    def __init__(self, incident: UUID) -> None:
        self._incident = text(incident)
        self._made: dict[tuple[int | None, str, int], UUID] = {}

    def of(self, assignment: UUID | None, kind: str, ordinal: int) -> UUID:
        """Return `clock_id` of this incident and the rest."""
        # a number: hashing a UUID costs more than all else here
        key = (assignment.int if assignment else None, kind, ordinal)
        made = self._made.get(key)
        if made is None:
            duty = text(assignment) if assignment else None
            made = named(f"clock/{self._incident}/{duty}/{kind}/{ordinal}")
            self._made[key] = made
        return made


def notice_id(cause: UUID, recipient: str, channel: str) -> UUID:
    """Id of the notice that event *cause* owes *recipient* on *channel* (the provider's idempotency key)."""
    return named(f"notice/{text(cause)}/{recipient}/{channel}")


def feed_id(incident: UUID, department: str) -> UUID:
    """Id of *incident* as one department's feed shows it; notify numbers its versions."""
    return named(f"feed/{text(incident)}/{department}")


def silence_id(last_heartbeat: UUID, lane: str) -> UUID:
    """Id of sla's silence on *lane* since that heartbeat: told once, by whichever instance sees it."""
    return named(f"silence/{text(last_heartbeat)}/{lane}")


def call_back_id(incident: UUID, call: UUID, again: int) -> UUID:
    """Id of the call-back of *call* after *incident* was reopened *again* times."""
    return named(f"call-back/{text(incident)}/{text(call)}/{again}")


def appeal_id(assignment: UUID, ordinal: int) -> UUID:
    """Id of the *ordinal*-th appeal about a duty."""
    return named(f"appeal/{text(assignment)}/{ordinal}")


def deferral_id(assignment: UUID, ordinal: int) -> UUID:
    """Id of the *ordinal*-th suspension or extension asked for a duty."""
    return named(f"deferral/{text(assignment)}/{ordinal}")


def upward_report_id(incident: UUID, level: str, sequence: int) -> UUID:
    """Id of report *sequence* of *incident*'s series for *level*."""
    return named(f"upward-report/{text(incident)}/{level}/{sequence}")


def supervision_id(incident: UUID, cause: UUID, ordinal: int) -> UUID:
    """Id of the *ordinal*-th supervision that *cause* (a clock, a leader's order) opened."""
    return named(f"supervision/{text(incident)}/{text(cause)}/{ordinal}")


def rejection_id(source: str, source_id: str, body_sha256: str) -> UUID:
    """Id of a refused body; the same body refused twice is one rejection."""
    return named(f"rejected/{source}/{source_id}/{body_sha256}")


def feedback_id(source: str, record_id: str, body_sha256: str) -> UUID:
    """Id of one handling record or feedback sheet (`cjdbh`, `fkdbh`) that came by feed."""
    return named(f"feedback/{source}/{record_id}/{body_sha256}")


def heartbeat_id(producer: str, instance: str) -> UUID:
    """Id of an instance's series of heartbeats."""
    return named(f"heartbeat/{producer}/{instance}")


def figure_id(region: str, name: str) -> UUID:
    """Id of one figure of a region, live (`331024/calls.110`) or of a month (`331024/2026-10/flow.valid`)."""
    return named(f"figure/{region}/{name}")


def event_id(producer: str, aggregate: UUID, version: int) -> UUID:
    """Id of the event that took *aggregate* to *version*; a replay makes the same one."""
    return named(f"event/{producer}/{text(aggregate)}/{version}")
