"""What granted appeals take out of the rates (DOMAIN §3, row 20): the mark stays visible, the rate does not count it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from services.reports.domain.facts import Facts
from shared.contracts.appeal import AppealState

SATISFACTION, REPORTING, REWORK, DUAL_FEEDBACK = (
    "satisfaction",
    "reporting",
    "rework",
    "dual_feedback",
)
"""Parts of the assessment that an appeal may be about; clocks are exempted by sla itself."""


def exemptions(facts: Facts) -> Mapping[UUID, frozenset[str]]:
    """Return by duty what is exempt: by its own state, or by an appeal that was granted."""
    found: dict[UUID, set[str]] = defaultdict(set)
    for duty in facts.assignments:
        found[duty.assignment_id].update(duty.exempt.split())
    for appeal in facts.appeals:
        if appeal.state == AppealState.GRANTED:
            found[appeal.assignment_id].update(appeal.about.split())
    return {duty: frozenset(words) for duty, words in found.items() if words}
