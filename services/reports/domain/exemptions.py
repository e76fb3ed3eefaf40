"""What granted appeals take out of the rates (DOMAIN §3, row 20): the mark stays visible, the rate does not count it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from services.reports.domain.facts import ClockFact, Facts
from shared.contracts.appeal import AppealState

SATISFACTION, REPORTING, REWORK, DUAL_FEEDBACK = (
    "satisfaction",
    "reporting",
    "rework",
    "dual_feedback",
)
"""Parts of the assessment that an appeal may be about, beside the kinds of time limits."""

Exempt = Mapping[UUID, frozenset[str]]
"""Words of `Appeal.about` by duty."""


def exemptions(facts: Facts) -> Exempt:
    """Return by duty what is exempt: by its own state, or by an appeal that was granted."""
    found: dict[UUID, set[str]] = defaultdict(set)
    for duty in facts.assignments:
        found[duty.assignment_id].update(duty.exempt.split())
    for appeal in facts.appeals:
        if appeal.state == AppealState.GRANTED:
            found[appeal.assignment_id].update(appeal.about.split())
    return {duty: frozenset(words) for duty, words in found.items() if words}


def is_exempt(exempt: Exempt, duty: UUID | None, *words: str) -> bool:
    """Say whether a granted appeal about one of *words* takes *duty* out of a rate."""
    known = exempt.get(duty) if duty is not None else None
    return known is not None and not known.isdisjoint(words)


def with_exemptions(clock: ClockFact, exempt: Exempt) -> ClockFact:
    """Return *clock* as exempt where an appeal about its kind was granted, whatever sla has heard of."""
    if clock.exempt or not is_exempt(exempt, clock.assignment_id, clock.kind):
        return clock
    return clock._replace(exempt=True)
