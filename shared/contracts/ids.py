"""Replay-stable identifiers: the same opening call always makes the same ids."""

from __future__ import annotations

from uuid import NAMESPACE_URL, UUID, uuid5

NAMESPACE = uuid5(NAMESPACE_URL, "urn:liandong:v1")


def call_id(source: str, source_id: str) -> UUID:
    """Id of the call that *source* numbered *source_id* (`jjdbh`, `gdbh`)."""
    return uuid5(NAMESPACE, f"call/{source}/{source_id}")


def incident_id(opening_call: UUID) -> UUID:
    """Id of the incident that *opening_call* opens."""
    return uuid5(NAMESPACE, f"incident/{opening_call}")


def assignment_id(incident: UUID, unit: str, ordinal: int) -> UUID:
    """Id of the *ordinal*-th duty (1, 2, …) of *unit* in *incident*; a unit sent again gets the next."""
    return uuid5(NAMESPACE, f"assignment/{incident}/{unit}/{ordinal}")


def clock_id(incident: UUID, assignment: UUID | None, kind: str, ordinal: int) -> UUID:
    """Id of the *ordinal*-th clock of *kind* on an assignment (or on the incident itself)."""
    return uuid5(NAMESPACE, f"clock/{incident}/{assignment}/{kind}/{ordinal}")


def notice_id(cause: UUID, recipient: str, channel: str) -> UUID:
    """Id of the notice that event *cause* owes *recipient* on *channel* (the provider's idempotency key)."""
    return uuid5(NAMESPACE, f"notice/{cause}/{recipient}/{channel}")


def feed_id(incident: UUID, department: str) -> UUID:
    """Id of *incident* as one department's feed shows it; notify numbers its versions."""
    return uuid5(NAMESPACE, f"feed/{incident}/{department}")


def silence_id(last_heartbeat: UUID, lane: str) -> UUID:
    """Id of sla's silence on *lane* since that heartbeat: told once, by whichever instance sees it."""
    return uuid5(NAMESPACE, f"silence/{last_heartbeat}/{lane}")


def call_back_id(incident: UUID, call: UUID, again: int) -> UUID:
    """Id of the call-back of *call* after *incident* was reopened *again* times."""
    return uuid5(NAMESPACE, f"call-back/{incident}/{call}/{again}")


def appeal_id(assignment: UUID, ordinal: int) -> UUID:
    """Id of the *ordinal*-th appeal about a duty."""
    return uuid5(NAMESPACE, f"appeal/{assignment}/{ordinal}")


def deferral_id(assignment: UUID, ordinal: int) -> UUID:
    """Id of the *ordinal*-th suspension or extension asked for a duty."""
    return uuid5(NAMESPACE, f"deferral/{assignment}/{ordinal}")


def upward_report_id(incident: UUID, level: str, sequence: int) -> UUID:
    """Id of report *sequence* of *incident*'s series for *level*."""
    return uuid5(NAMESPACE, f"upward-report/{incident}/{level}/{sequence}")


def supervision_id(incident: UUID, cause: UUID, ordinal: int) -> UUID:
    """Id of the *ordinal*-th supervision that *cause* (a clock, a leader's order) opened."""
    return uuid5(NAMESPACE, f"supervision/{incident}/{cause}/{ordinal}")


def rejection_id(source: str, source_id: str, body_sha256: str) -> UUID:
    """Id of a refused body; the same body refused twice is one rejection."""
    return uuid5(NAMESPACE, f"rejected/{source}/{source_id}/{body_sha256}")


def feedback_id(source: str, record_id: str, body_sha256: str) -> UUID:
    """Id of one handling record or feedback sheet (`cjdbh`, `fkdbh`) that came by feed."""
    return uuid5(NAMESPACE, f"feedback/{source}/{record_id}/{body_sha256}")


def heartbeat_id(producer: str, instance: str) -> UUID:
    """Id of an instance's series of heartbeats."""
    return uuid5(NAMESPACE, f"heartbeat/{producer}/{instance}")


def figure_id(region: str, name: str) -> UUID:
    """Id of one figure of a region, live (`331024/calls.110`) or of a month (`331024/2026-10/flow.valid`)."""
    return uuid5(NAMESPACE, f"figure/{region}/{name}")


def event_id(producer: str, aggregate: UUID, version: int) -> UUID:
    """Id of the event that took *aggregate* to *version*; a replay makes the same one."""
    return uuid5(NAMESPACE, f"event/{producer}/{aggregate}/{version}")
