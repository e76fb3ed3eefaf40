"""The recorded San Francisco day: calls, stamps and counterparts as the data has them."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from services.drill.adapters.recordings import RecordingAbsent, reading, recorded_calls
from services.drill.domain.recorded import answers, counterpart, place_of, played
from services.drill.domain.unit_play import Duty, Step
from shared.contracts import ids
from shared.contracts.incident import Relation
from shared.runtime.packs import load_pack

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data"
DAY = date(2026, 11, 23)
T0 = datetime(2026, 11, 23, 1, tzinfo=UTC)
PACK = load_pack(ROOT / "deploy" / "regions" / "xianju")
MAPPING = reading("sf-fire")

needs_data = pytest.mark.skipif(
    not (DATA / "data" / MAPPING.file).exists(), reason="recorded data (../shared/data) is absent"
)


def test_an_absent_recording_says_so(tmp_path: Path) -> None:
    """Where the data is not there, the message names the file and the folder."""
    with pytest.raises(RecordingAbsent, match=MAPPING.file):
        recorded_calls(MAPPING, tmp_path)


def test_an_unknown_recording_names_the_known_ones() -> None:
    """A wrong DATA= is answered with what there is."""
    with pytest.raises(RecordingAbsent, match="sf-fire"):
        reading("atlantis")


def test_every_kind_is_one_the_pack_can_write() -> None:
    """Each recorded kind maps to a source and a category that source has a code for."""
    for meaning in (MAPPING.default, *MAPPING.kinds.values()):
        assert PACK.source_by_id[meaning.source].code_of(meaning.category)


def test_an_area_is_always_the_same_place() -> None:
    """Places are synthetic but stable: incidents of one station area stay together."""
    assert place_of(PACK, "31") == place_of(PACK, "31")


@needs_data
def test_calls_agree_with_the_derived_truth() -> None:
    """Received is the earliest stamp of a call's rows, on scene the earliest of its units."""
    calls = recorded_calls(MAPPING, DATA / "data")
    with (DATA / "truth" / "sf_fire_2017-01_calls_derived.csv").open(encoding="utf-8") as file:
        truth = {row["call_number"]: row for row in csv.DictReader(file)}

    assert 459 == len(calls)
    for call in calls:
        arrived = [each.arrived for each in call.responders if each.arrived]
        derived = truth[call.call]
        assert derived["received"] == str(call.received)
        assert derived["first_on_scene"] == (str(min(arrived)) if arrived else "")


@needs_data
def test_stamps_are_moved_onto_the_played_day() -> None:
    """A call comes at its recorded time of day, on the day that is played, on line 119 or 122."""
    calls = recorded_calls(MAPPING, DATA / "data")
    sends = {s.name: s for s in played(PACK, MAPPING, calls, 1, DAY).sends}
    firsts = [s for name, s in sends.items() if not name.endswith("-again")]

    assert len(calls) == len(firsts)
    assert {"119", "122"} == {s.source for s in firsts}
    for call, send in zip(calls, sorted(firsts, key=lambda s: s.name[-6:]), strict=True):
        assert call.received.time() == send.at.astimezone(PACK.region.zone).time()


@needs_data
def test_a_unit_answers_at_its_counterparts_times() -> None:
    """On Scene becomes the arrival, Available the end, counted from the dispatch."""
    calls = recorded_calls(MAPPING, DATA / "data")
    day = played(PACK, MAPPING, calls, 1, DAY)
    call = next(c for c in calls if c.kind == "Structure Fire" and c.responders[0].arrived)
    responder = counterpart("xj-rescue", call, PACK, MAPPING)
    duty = Duty(assignment=ids.NAMESPACE, unit="xj-rescue", relation=Relation.COUNTY_TOWN, at=T0)
    acts = {act.step: act for act in answers(duty, call, PACK, MAPPING, 1)}

    assert call in day.calls.values()
    assert responder is not None
    assert responder.dispatched is not None
    for step, at in ((Step.ARRIVE, responder.arrived), (Step.END, responder.ended)):
        if at is not None and step in acts:
            assert T0 + max(at - responder.dispatched, timedelta()) == acts[step].occurred_at
