"""How a unit answers an order: what it does when, what it reports when, and what it never says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from uuid import UUID

from services.drill.domain.chance import drawn, happens, stream
from shared.contracts.incident import Relation
from shared.contracts.pack import Behaviour, Delay

BY_FEED = 0.1
"""Share of duties whose unit reports through its hotline instead of router's door (*ours*)."""

_KNOWN_TO_FEEDS = frozenset({"ack", "arrive", "end", "sheet"})

SHORT = timedelta(seconds=10)
"""Platform time between two taps on the same button, and between swapped reports."""


class Step(StrEnum):
    """A unit's doings in their order; the value is the last part of router's door."""

    ACK = "ack"
    TURN_OUT = "turn-out"
    ASSEMBLE = "assemble"
    ARRIVE = "arrive"
    END = "end"
    SHEET = "sheet"
    RETURN = "return"


class Manner(StrEnum):
    """How a step is reported."""

    IN_TIME = "in_time"
    LATE = "late"
    REPORTED_LATE = "reported_late"
    DOUBLED = "doubled"
    SWAPPED = "swapped"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One command to router: it happened at `occurred_at`, is sent at `at` (platform, UTC).

    `command` is the Idempotency-Key; an act sent `copies` times carries the same one. `by_feed`
    means that the unit's own hotline passes it on as a handling record 处警单.
    """

    assignment: UUID
    unit: str
    step: Step
    occurred_at: datetime
    at: datetime
    command: str
    copies: int = 1
    manner: Manner = Manner.IN_TIME
    by_feed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What a unit knows of its order: told at `at` (platform, UTC), how far it has to go."""

    assignment: UUID
    unit: str
    relation: Relation
    at: datetime


def answers(duty: Duty, behaviour: Behaviour, seed: int) -> tuple[Act, ...]:
    """Return the acts of a unit that got *duty*, in the order they are sent.

    R03/R04: only a team that leaves the county town for another township assembles first. A unit
    that misses its ACK never answers at all. Of the late ones half did it in time and only report
    it late (补报), which is what corrects a breach (DOMAIN §3, 19). A feed has no field for turning
    out or assembling (FEEDS §2), so who has to assemble does not report through one.
    """
    chance = stream(seed, "unit", duty.assignment)
    if happens(behaviour.returned, chance):
        return (_returned(duty, behaviour, chance),)
    by_feed = duty.relation is not Relation.TOWN_TO_TOWNSHIP and happens(BY_FEED, chance)
    acts: list[Act] = []
    happened = reported = duty.at
    for step, delay in _steps(duty.relation, behaviour):
        manner = _manner(behaviour, chance)
        took = drawn(delay, chance)
        if manner is Manner.MISSING:
            if step is Step.ACK:
                return ()
            happened += took
            continue
        act, happened, reported = _act(duty, step, (happened, reported), (took, manner), behaviour)
        if not by_feed:
            acts.append(act)
        elif step in _KNOWN_TO_FEEDS:
            acts.append(replace(act, by_feed=True))
    return in_sending_order(acts)


def act_of(step: Step, assignment: UUID, unit: str, at: datetime) -> Act:
    """Return *step* done and reported at *at*; an assignment's step has one command id for ever."""
    return Act(
        assignment=assignment,
        unit=unit,
        step=step,
        occurred_at=at,
        at=at,
        command=f"{assignment}-{step}",
    )


def again(act: Act, now: datetime, pause: timedelta) -> Act:
    """Return the act tried once more after a refusal: a new command about the same moment."""
    return replace(act, at=now + pause, command=f"{act.command}-2", copies=1)


def in_sending_order(acts: Sequence[Act]) -> tuple[Act, ...]:
    """Move each swapped act behind its successor, and return all by the time they are sent."""
    moved = list(acts)
    for index in reversed(range(len(acts) - 1)):
        if moved[index].manner is Manner.SWAPPED:
            moved[index] = replace(moved[index], at=moved[index + 1].at + SHORT)
    return tuple(sorted(moved, key=lambda act: act.at))


def _steps(relation: Relation, behaviour: Behaviour) -> list[tuple[Step, Delay]]:
    steps = [(Step.ACK, behaviour.ack), (Step.TURN_OUT, behaviour.turnout)]
    if relation is Relation.TOWN_TO_TOWNSHIP:
        steps.append((Step.ASSEMBLE, behaviour.assemble))
    arrive = behaviour.arrive.get(relation) or behaviour.arrive[Relation.UNKNOWN]
    return [
        *steps,
        (Step.ARRIVE, arrive),
        (Step.END, behaviour.end),
        (Step.SHEET, behaviour.sheet),
    ]


def _manner(behaviour: Behaviour, chance: Random) -> Manner:
    draw = chance.random()
    shares = (
        (Manner.MISSING, behaviour.missing),
        (Manner.SWAPPED, behaviour.swapped),
        (Manner.DOUBLED, behaviour.doubled),
        (Manner.LATE, behaviour.late / 2),
        (Manner.REPORTED_LATE, behaviour.late / 2),
    )
    for manner, share in shares:
        if draw < share:
            return manner
        draw -= share
    return Manner.IN_TIME


def _act(
    duty: Duty,
    step: Step,
    before: tuple[datetime, datetime],
    drawn_: tuple[timedelta, Manner],
    behaviour: Behaviour,
) -> tuple[Act, datetime, datetime]:
    """Return the act with the moments (happened, reported) the next step follows."""
    (happened, reported), (took, manner) = before, drawn_
    slow = took * behaviour.late_factor
    happened += slow if manner is Manner.LATE else took
    sent = happened - took + slow if manner is Manner.REPORTED_LATE else happened
    sent = max(sent, reported)  # who reports late reports all the rest after it
    act = replace(
        act_of(step, duty.assignment, duty.unit, happened),
        at=sent,
        copies=2 if manner is Manner.DOUBLED else 1,
        manner=manner,
    )
    return act, happened, sent


def _returned(duty: Duty, behaviour: Behaviour, chance: Random) -> Act:
    """退单: the unit says it is not its case, and waits for the desk."""
    return act_of(Step.RETURN, duty.assignment, duty.unit, duty.at + drawn(behaviour.ack, chance))
