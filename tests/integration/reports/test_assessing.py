"""`assess` on a real database: scores from the facts, classes from the month before as frozen."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.reports.adapters.commands import app
from services.reports.adapters.running_stack import DATABASE, KAFKA, MONTHS
from shared.contracts.sla import ClockKind
from tests.integration.reports import said
from tests.integration.reports.stage import Stage
from tests.integration.reports.test_freezing import READY, TWENTY, UNIT, at, fed
from tests.unit.reports.cases import T0

pytestmark = pytest.mark.infrastructure


def _acked(name: int) -> Any:
    clock = said.clock(name, UNIT, ClockKind.ACK, T0, TWENTY, timedelta(minutes=1))
    return said.clocks(name, T0, clock)


async def _sheet(*words: str) -> dict[str, Any]:
    result = await _typed(*words)
    assert 0 == result.exit_code, result.output
    table = json.loads(result.stdout)
    return next(dict(each) for each in table["units"] if each["unit"] == UNIT)


async def _typed(*words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, list(words))


async def test_scores_come_from_the_facts(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """One arrival in time, one too late: half of arrival's points, and the case is named."""
    monkeypatch.setenv(DATABASE, stage.dsn)
    kept, lost = (
        said.clock(n, UNIT, ClockKind.ARRIVAL, T0, TWENTY, timedelta(minutes=took))
        for n, took in ((1, 20), (2, 21))
    )
    await fed(stage, said.clocks(1, T0, kept), said.clocks(2, T0, lost))
    await at(stage, READY)

    sheet = await _sheet("assess", "2026-11")

    assert (50.0, 2) == (sheet["score"], sheet["duties"])
    assert ["R01 late"] == [each["reason"] for each in sheet["deductions"]]


async def test_classes_are_those_the_freeze_knew(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A03: published beforehand, so later corrections of that month move nobody."""
    monkeypatch.setenv(DATABASE, stage.dsn)
    monkeypatch.setenv(KAFKA, stage.kafka)
    monkeypatch.setenv(MONTHS, str(stage.months))
    await fed(stage, _acked(1))
    await at(stage, READY)
    frozen = await _typed("freeze", "2026-11")
    await fed(stage, _acked(2), before=1)

    assert 0 == frozen.exit_code, frozen.output
    assert 1 == (await _sheet("assess", "2026-12"))["workload"]


async def test_the_page_is_written_where_asked(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The path is printed, so that it can be opened."""
    monkeypatch.setenv(DATABASE, stage.dsn)

    result = await _typed("assess", "2026-11", "--format", "html", "--out", str(tmp_path))

    written = tmp_path / "xianju-2026-11-assessment.html"
    assert str(written) in result.output.replace("\n", "")
    assert "单位考核表" in written.read_text("utf-8")
