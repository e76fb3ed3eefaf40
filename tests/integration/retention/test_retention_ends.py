"""A call through all services, and what is left of it once its retention has ended (DOMAIN §7)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.intake.domain.revisions import Outcome
from services.notify.adapters.settling import RESULT
from services.router.domain.commands import Check, Hold, ReleaseHold, Reopen, Transfer
from services.router.domain.duties import is_active
from services.router.domain.requests import NotDone
from shared.contracts.incident import HoldPurpose, Incident, IncidentState
from shared.contracts.values import Line
from shared.runtime.packs import load_pack
from shared.runtime.store import Work
from tests.builders import T0, minutes
from tests.integration.retention.town import Town, town
from tests.parts import FreshDatabase

pytestmark = pytest.mark.infrastructure

PACK = load_pack(Path(__file__).parents[3] / "deploy" / "regions" / "xianju")
PLACE, TEXT, SHEET, REASON = "藏珍巷", "灶间冒烟", "余火扑灭", "回访无异议"
EAST, NORTH = "120.654321", "28.754321"
WORDS = (PLACE, TEXT, SHEET, REASON, EAST, NORTH)
MONTH = timedelta(days=30)


@pytest.fixture
async def place(database: FreshDatabase) -> AsyncIterator[Town]:
    """Open the platform at T0."""
    async with town(database, PACK) as opened:
        yield opened


def local(after: float) -> str:
    """Return a moment after T0 (minutes) as the hotlines write it."""
    at = (T0 + minutes(after)).astimezone(ZoneInfo("Asia/Shanghai"))
    return at.strftime("%Y-%m-%d %H:%M:%S")


def a_record(number: str = "J1", **fields: Any) -> dict[str, Any]:
    """Return a 接警单 with a caller, a place and words."""
    return {
        "jjdbh": number,
        "bjsj": local(-1),
        "bjnr": TEXT,
        "afdd": f"横溪镇{PLACE}7号",
        "afxzqh": "331024101",
        "fxdwjd": EAST,
        "fxdwwd": NORTH,
        "bjlx": "0102",
        "bjdh": "13712345678",
        **fields,
    }


def a_sheet(unit: str, number: str = "J1") -> dict[str, Any]:
    """Return a unit's whole record of the call."""
    return {
        "fkdbh": f"F-{unit}-{number}",
        "jjdbh": number,
        "cjdwbm": unit,
        "pdjssj": local(0),
        "ddxcsj": local(0),
        "cjwbsj": local(0),
        "cljg": SHEET,
        "fknr": SHEET,
    }


async def closed(place: Town) -> Incident:
    """Have a call handled and closed; return its incident."""
    await place.posts(a_record())
    await place.carried()
    [incident] = await place.incidents()
    for duty in incident.assignments:
        if is_active(duty):
            assert Outcome.RECEIVED is await place.reports(a_sheet(duty.unit))
    await place.carried()
    await place.asks(Check(by="desk", passed=True, reason=REASON), incident)
    await place.carried()
    await settled(place)
    [incident] = await place.incidents()

    assert IncidentState.CLOSED is incident.state
    return incident


async def settled(place: Town) -> None:
    """Let every notice but one be delivered; that one was overtaken and no sender has dropped it yet."""
    await place.rows(
        "update notify.notice set state = 'delivered', version = 1 where notice_id <> ("
        " select notice_id from notify.notice where purpose = 'dispatch' order by seq limit 1)",
    )
    await place.rows(
        "update notify.notice set pointless = 'duty_over', owner = 'test/1' where state = 'queued'",
    )


async def dropped(place: Town) -> None:
    """Let the sender that still held a notice drop it."""
    [held] = await place.rows(
        "select incident_id, notice_id, version from notify.notice where state = 'queued'"
    )
    work, at = Work(), held["version"]
    row = (held["incident_id"], held["notice_id"], "test/1", at, at + 1)
    work.put(RESULT, *row, "superseded", 0, 0.0, None, None, None)
    await place.stores["notify"].commit(work)


async def test_nothing_is_left_of_place_text_and_caller_anywhere(place: Town) -> None:
    """All five services, every table, every column; what figures need is still there.

    A sheet that comes late, but not too late, does not prolong it, and goes with the rest.
    """
    await closed(place)
    await place.later(MONTH - timedelta(days=1))
    unit = (await place.incidents())[0].assignments[0].unit
    assert Outcome.RECEIVED is await place.reports(a_sheet(unit) | {"fkdbh": "F29"})
    await place.carried()
    [incident] = await place.incidents()
    [call] = await place.rows("select doc from intake.calls")
    caller = incident.calls[0].caller or "-"
    before = await place.where(*WORDS, caller)
    figures = await place.rows("select * from reports.assignment_fact order by 1")
    await place.later(timedelta(days=1, minutes=1))
    said = await place.swept()
    await dropped(place)
    left = await place.where(*WORDS, caller)
    purged = [e for e in said if e.type == "cn.liandong.incident.purged.v1"]

    assert {"intake.calls", "intake.feedback", "router.incident", "notify.incident_view"} <= set(
        before
    )
    assert "notify.notice" in before
    assert caller.encode() in call["doc"]
    assert {} == left
    assert [incident.version + 1] == [e.version for e in purged]
    assert incident.scene.area == purged[0].data.incident.scene.area
    assert figures == await place.rows("select * from reports.assignment_fact order by 1")


async def test_the_contact_is_destroyed_and_says_so(place: Town) -> None:
    """One key per call: gone, in every copy; who destroyed it and why stands in the audit."""
    await closed(place)
    kept = await place.rows("select wrapped_key, sealed from intake.contact")
    await place.later(MONTH + minutes(1))
    await place.swept()
    gone = await place.rows("select wrapped_key, sealed from intake.contact")
    audit = await place.rows("select who, what, reason from intake.contact_access")

    assert all(kept[0])
    assert [(None, None)] == [tuple(row) for row in gone]
    assert [("intake", "destroyed", "retention_ended")] == [tuple(row) for row in audit]


async def test_an_older_event_again_brings_nothing_back(place: Town) -> None:
    """A replay after the marks are gone: calls, incidents, records, all that was ever said."""
    await place.posts(a_record())
    said = await place.carried()
    [incident] = await place.incidents()
    for duty in incident.assignments:
        if is_active(duty):
            await place.reports(a_sheet(duty.unit))
    said += await place.carried()
    await place.asks(Check(by="desk", passed=True, reason=REASON), incident)
    said += await place.carried()
    await place.rows("update notify.notice set state = 'delivered', version = 1")
    await place.later(MONTH + minutes(1))
    await place.swept()
    await place.heard(said)
    [after] = await place.incidents()

    assert {} == await place.where(*WORDS)
    assert after.purged


async def test_what_comes_late_is_refused_by_name_and_leaves_no_word(place: Town) -> None:
    """Revision, unit's record, reopening: `purged`; the desk hears of each."""
    incident = await closed(place)
    await place.later(MONTH + minutes(1))
    await place.swept()
    await dropped(place)
    unit = incident.assignments[0].unit
    answers = [
        await place.posts(a_record(bjnr=f"{TEXT}又起")),
        await place.posts(a_record()),
        await place.reports(a_sheet(unit) | {"fkdbh": "F9"}),
    ]
    refused = await place.asks(Reopen(by="desk", reason=REASON), incident)
    rejected = await place.rows("select doc from intake.rejection")

    assert [Outcome.PURGED, Outcome.REPEATED, Outcome.PURGED] == answers
    assert isinstance(refused, NotDone)
    assert "purged" == refused.reason
    assert 2 == sum(b'"purged"' in row["doc"] for row in rejected)
    await place.carried()
    assert {} == await place.where(*WORDS)


async def test_what_the_log_still_held_is_refused_in_an_event(place: Town) -> None:
    """Router met it only after the purge: it says so, and keeps no dead letter that would hold the text."""
    incident = await closed(place)
    await place.posts(a_record(bjnr=f"{TEXT}又起"))
    await place.reports(a_sheet(incident.assignments[0].unit) | {"fkdbh": "F9"})
    late = await place.taken("intake")
    await place.later(MONTH + minutes(1))
    await place.swept()
    await dropped(place)
    await place.heard(late)
    said = await place.carried()
    changes = [(c.kind, c.reason) for e in said for c in e.data.changes if e.family == "incident"]

    assert [("refused", "purged")] * 2 == changes
    assert {} == await place.where(*WORDS)


async def test_a_hold_keeps_it_everywhere_until_it_is_released(place: Town) -> None:
    """留存, set after closing: router, intake and notify keep what they have; who held it stays known."""
    incident = await closed(place)
    hold = Hold(by="desk", purpose=HoldPurpose.EVIDENCE, reason=f"案件{PLACE}")
    await place.asks(hold, incident)
    await place.carried()
    await place.later(MONTH + minutes(1))
    await place.swept()
    held = await place.where(PLACE)
    release = ReleaseHold(by="chief", purpose=HoldPurpose.EVIDENCE, reason=f"结案{PLACE}")
    await place.asks(release, incident)
    await place.swept()
    await dropped(place)
    audit = await place.rows(
        "select what, purpose, by_whom, reason from router.hold order by version"
    )

    assert {"intake.calls", "router.incident", "notify.notice", "router.hold"} <= set(held)
    assert {} == await place.where(*WORDS)
    assert [
        ("held", "evidence", "desk", None),
        ("hold_released", "evidence", "chief", None),
    ] == [tuple(row) for row in audit]


async def test_a_transferred_incident_does_not_take_the_call_with_it(place: Town) -> None:
    """It goes on in a linked one: the caller must be reached for as long as that is open."""
    await place.posts(a_record())
    await place.carried()
    [incident] = await place.incidents()
    await place.asks(Transfer(by="desk", line=Line.GOVERNMENT, reason=REASON), incident)
    await place.carried()
    await place.later(MONTH + minutes(1))
    await place.swept()
    old, new = await place.incidents()
    kept = await place.rows("select wrapped_key from intake.contact")

    assert (True, False) == (old.purged, new.purged)
    assert [] != [row for row in kept if row["wrapped_key"]]
    assert {"intake.calls", "router.incident"} <= set(await place.where(PLACE))


async def test_a_call_that_opened_no_incident_goes_too(place: Town) -> None:
    """And a unit's record whose call never came; but not while incidents may be unheard."""
    await place.posts(a_record())
    await place.reports(a_sheet("xj-rescue", number="never"))
    await place.taken("intake")
    await place.later(MONTH + minutes(1))
    place.heard_all = False
    await place.swept()
    unsure = await place.where(*WORDS)
    place.heard_all = True
    await place.swept()

    assert [PLACE, TEXT, EAST, NORTH] == unsure["intake.calls"]
    assert {} == await place.where(*WORDS)


async def test_parked_records_do_not_outlive_the_retention(place: Town) -> None:
    """A stamp whose call was never heard of waits at the desk, but not for ever."""
    await place.reports(a_sheet("xj-rescue", number="never"))
    await place.carried()
    parked = await place.where(SHEET)
    await place.later(MONTH + minutes(1))
    await place.swept()

    assert "router.parked_feedback" in parked
    assert {} == await place.where(SHEET)


async def test_a_revision_that_meets_the_purge_loses_its_guard(place: Town) -> None:
    """It was decided on before: its text must not come back, the source is told that it is gone."""
    await closed(place)
    await place.later(MONTH + minutes(1))
    await place.router_sweep().once()
    await place.carried()
    calls = place.intake.calls
    load = calls.load

    async def purged_meanwhile(call_ids: Any) -> Any:
        found = await load(call_ids)
        calls.load = load  # type: ignore[method-assign]
        await place.intake_sweep().once()
        return found

    calls.load = purged_meanwhile  # type: ignore[method-assign]
    with pytest.raises(Exception, match="calls"):
        await place.posts(a_record(bjnr=f"{TEXT}又起"))

    assert Outcome.PURGED is await place.posts(a_record(bjnr=f"{TEXT}又起"))
    assert "intake.calls" not in await place.where(*WORDS)
