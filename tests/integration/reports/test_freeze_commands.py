"""`freeze`, `revise`, `recompute`, `diff` as a person types them: words and exit codes."""

from __future__ import annotations

import asyncio
import json

import pytest
from typer.testing import CliRunner, Result

from services.reports.adapters.commands import app
from services.reports.adapters.running_stack import DATABASE, KAFKA, MONTHS
from services.reports.domain.overview import FORMULA
from tests.integration.reports import said
from tests.integration.reports.stage import Stage
from tests.integration.reports.test_freezing import READY, at, fed, first, later
from tests.unit.reports.cases import T0

pytestmark = pytest.mark.infrastructure

DIFFERS, REFUSED = 3, 4


@pytest.fixture
async def november(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Return a stage whose November may be frozen; the commands are pointed at its database."""
    monkeypatch.setenv(DATABASE, stage.dsn)
    monkeypatch.setenv(KAFKA, stage.kafka)
    monkeypatch.setenv(MONTHS, str(stage.months))
    await fed(stage, *first())
    await at(stage, READY)
    return stage


async def typed(*words: str) -> Result:
    """Run a command beside this loop."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(words))


async def test_a_month_from_freeze_to_revision(november: Stage) -> None:
    """Frozen, unchanged, corrected, compared, revised, recomputed: each says what it found."""
    frozen = await typed("freeze", "2026-11")
    unchanged = await typed("diff", "2026-11")
    await fed(november, *later(), before=len(first()))
    changed = await typed("diff", "2026-11")
    revised = await typed("revise", "2026-11", "--reason", "late_events")
    again = await typed("recompute", "2026-11", "--revision", "0")

    assert [0, 0, DIFFERS, 0, 0] == [
        r.exit_code for r in (frozen, unchanged, changed, revised, again)
    ]
    assert f"overview/real (formula {FORMULA})" in frozen.output
    assert not unchanged.output
    assert "valid_rate\t100.0 (2/2)\t50.0 (1/2)\tchanged" in changed.output
    assert "迟到数据补入" in revised.output
    assert "DIFFERS" not in again.output


async def test_what_is_frozen_is_named(november: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a stack or an address nothing is frozen: no running stack is guessed."""
    monkeypatch.delenv(DATABASE)

    frozen = await typed("freeze", "2026-11")
    revised = await typed("revise", "2026-11", "--reason", "appeal")

    assert [2, 2] == [frozen.exit_code, revised.exit_code]
    assert "--stack" in frozen.output
    assert not await november.rows("select 1 from frozen_month")


async def test_events_that_are_no_facts_yet_hold_a_freeze_up(november: Stage) -> None:
    """Exit code 4, `behind`, and how to wait."""
    await november.say(said.call("late", T0))

    result = await typed("freeze", "2026-11", "--wait", "0")

    assert REFUSED == result.exit_code
    assert result.output.startswith("behind: 1 events are not facts yet")


async def test_diff_as_json_has_both_values_and_what_they_are_of(november: Stage) -> None:
    """`--json`: table, path, both figures with numerator and denominator."""
    await typed("freeze", "2026-11")
    await fed(november, *later(), before=len(first()))

    told = json.loads((await typed("diff", "2026-11", "--json")).output)

    overview = next(each["differences"] for each in told if each["sheet"]["table"] == "overview")
    rate = next(each for each in overview if each["path"] == "valid_rate")
    assert {"value": 100.0, "numerator": 2, "denominator": 2} == rate["before"]
    assert {"value": 50.0, "numerator": 1, "denominator": 2} == rate["after"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("freeze", "2026-12"), "too_early"),
        (("revise", "2026-11", "--reason", "appeal"), "not_frozen"),
        (("recompute", "2026-11"), "not_frozen"),
        (("diff", "2026-11"), "not_frozen"),
    ],
)
async def test_a_refusal_names_its_reason(
    words: tuple[str, ...], reason: str, november: Stage
) -> None:
    """Exit code 4 and the named reason."""
    result = await typed(*words)

    assert REFUSED == result.exit_code
    assert result.output.startswith(f"{reason}: ")


async def test_a_changed_fact_is_found_by_recompute(november: Stage) -> None:
    """Exit code 3, and the table that differs by name."""
    await typed("freeze", "2026-11")
    await november.database.write("update call_fact set line = '110'")

    result = await typed("recompute", "2026-11")

    assert DIFFERS == result.exit_code
    assert "DIFFERS  overview/real:" in result.output
    assert "DIFFERS  units" not in result.output
