"""How units answer: in order unless swapped, sometimes late, twice or never."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.drill.domain.unit_play import Act, Duty, Manner, Step, answers
from shared.contracts.ids import NAMESPACE
from shared.contracts.incident import Relation
from shared.contracts.pack import Behaviour
from shared.runtime.packs import load_pack

T0 = datetime(2026, 11, 23, 1, tzinfo=UTC)
BEHAVIOUR = load_pack(Path(__file__).parents[3] / "deploy" / "regions" / "xianju").drill.behaviour
FAULTLESS = replace(BEHAVIOUR, late=0, doubled=0, swapped=0, missing=0, returned=0)


def duty(number: int, relation: Relation = Relation.OWN_SEAT) -> Duty:
    """Return the *number*-th duty of a unit."""
    return Duty(assignment=uuid5(NAMESPACE, str(number)), unit="u", relation=relation, at=T0)


def many(behaviour: Behaviour) -> list[tuple[Act, ...]]:
    """Return the answers to 2,000 orders."""
    return [answers(duty(number), behaviour, 1) for number in range(2000)]


@given(number=st.uuids(), seed=st.integers(0, 99), relation=st.sampled_from(Relation))
def test_answers_are_decided_by_seed_and_assignment(
    number: UUID, seed: int, relation: Relation
) -> None:
    """When the order is received moves the answers, nothing else changes them."""
    first = Duty(assignment=number, unit="u", relation=relation, at=T0)

    assert answers(first, BEHAVIOUR, seed) == answers(first, BEHAVIOUR, seed)


@given(number=st.uuids(), relation=st.sampled_from(Relation))
def test_nothing_is_said_before_it_happened(number: UUID, relation: Relation) -> None:
    """A stamp is never of the future: sent at or after the moment it names, which is after the order."""
    for act in answers(Duty(assignment=number, unit="u", relation=relation, at=T0), BEHAVIOUR, 3):
        assert T0 <= act.occurred_at <= act.at


def test_a_faultless_unit_reports_every_step_in_order() -> None:
    """DOMAIN §3, rows 6 to 11."""
    acts = answers(duty(1), FAULTLESS, 1)

    assert [Step.ACK, Step.TURN_OUT, Step.ARRIVE, Step.END, Step.SHEET] == [a.step for a in acts]
    assert sorted(a.at for a in acts) == [a.at for a in acts]


@pytest.mark.parametrize("relation", list(Relation))
def test_only_a_team_leaving_town_for_a_township_assembles(relation: Relation) -> None:
    """R03, R04: assembly hangs on the relation of base and scene."""
    steps = {act.step for act in answers(duty(1, relation), FAULTLESS, 1)}

    assert (relation is Relation.TOWN_TO_TOWNSHIP) == (Step.ASSEMBLE in steps)


def test_some_are_late_doubled_swapped_or_silent() -> None:
    """Each manner of the pack comes up about as often as its share says."""
    played = many(BEHAVIOUR)
    manners = Counter(act.manner for acts in played for act in acts)
    total = sum(manners.values())

    assert 0.02 < manners[Manner.LATE] / total < 0.04
    assert 0.02 < manners[Manner.REPORTED_LATE] / total < 0.04
    assert 0.02 < manners[Manner.DOUBLED] / total < 0.04
    assert 0.01 < manners[Manner.SWAPPED] / total < 0.03
    assert 0.005 < sum(not acts for acts in played) / len(played) < 0.03


def test_who_reports_late_was_in_time() -> None:
    """DOMAIN §3, row 19: a back-dated stamp is what proves that a limit was met."""
    late = [a for acts in many(BEHAVIOUR) for a in acts if a.manner is Manner.REPORTED_LATE]

    assert late
    assert all(a.at > a.occurred_at for a in late)


def test_a_swapped_report_comes_after_its_successor() -> None:
    """Out of order: the later step is told first."""
    for acts in many(BEHAVIOUR):
        steps = [act.step for act in acts]
        for act in acts:
            if act.manner is Manner.SWAPPED and act.step is not Step.SHEET:
                assert steps.index(act.step) > 0 or len(steps) == 1


def test_a_unit_that_reports_by_feed_tells_what_feeds_know() -> None:
    """FEEDS §2: a handling record has no field for turning out or assembling."""
    fed = [acts for acts in many(FAULTLESS) if acts[0].by_feed]

    assert 100 < len(fed) < 300
    for acts in fed:
        assert [Step.ACK, Step.ARRIVE, Step.END, Step.SHEET] == [act.step for act in acts]
        assert all(act.by_feed for act in acts)


def test_arrivals_have_the_packs_median() -> None:
    """The delays are the pack's: half of the journeys take less than the median."""
    journeys = []
    for acts in many(FAULTLESS):
        if acts[0].by_feed:
            continue
        by_step = {act.step: act.occurred_at for act in acts}
        journeys.append((by_step[Step.ARRIVE] - by_step[Step.TURN_OUT]).total_seconds())
    middle = sorted(journeys)[len(journeys) // 2]

    assert 0.9 < middle / BEHAVIOUR.arrive[Relation.OWN_SEAT].median_s < 1.1
