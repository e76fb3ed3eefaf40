"""`bulletin`, `daily` and `checklist` as a person types them, on the facts of a real database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.reports.adapters.commands import app
from services.reports.adapters.running_stack import DATABASE
from tests.integration.reports.stage import Stage
from tests.integration.reports.test_freezing import READY, at, fed, first

pytestmark = pytest.mark.infrastructure


async def typed(*words: str) -> Result:
    """Run a command beside this loop."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(words))


async def test_what_is_signed_is_written_to_files(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A quarter, a day and the five monthly duties: each names its file, none is empty."""
    monkeypatch.setenv(DATABASE, stage.dsn)
    await fed(stage, *first())
    await at(stage, READY)
    out = ("--out", str(tmp_path))

    results = [
        await typed("bulletin", "2026-Q4", *out),
        await typed("daily", "2026-11-22", *out),
        await typed("checklist", "2026-11", *out),
        await typed("bulletin", "2026-11", *out),
    ]

    assert [0, 0, 0, 2] == [each.exit_code for each in results]
    pages = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert "2026年第4季度应急联动工作情况通报" in pages["xianju-2026-Q4-bulletin.html"]
    assert "本日不在特护期内" in pages["xianju-2026-11-22-daily.html"]
    assert "平台尚无记录：一月一台账、一月一通报" in pages["xianju-2026-11-checklist.html"]
