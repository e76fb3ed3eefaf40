"""`make demo` itself: plays, ends by itself, accounts for every id, leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from datetime import datetime, timedelta
from datetime import time as time_of_day
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.local.demo_day import BUSY_HOUR, SPEED
from deploy.local.stack import REGIONS
from services.drill.domain import scenario
from services.drill.domain.plan import REFUSED
from services.drill.domain.scenario import Window
from shared.runtime.packs import load_pack

ROOT = Path(__file__).parents[2]
PLAYS_S, STARTS_S, ENDS_S = 12, 120, 300

pytestmark = [pytest.mark.e2e, pytest.mark.infrastructure]


def a_seed() -> int:
    """Return the first seed whose faulty records, eleven a day, are among those played today."""
    pack = load_pack(REGIONS / "xianju")
    today = datetime.now(pack.region.zone).date()
    start = datetime.combine(today, time_of_day(BUSY_HOUR), pack.region.zone)
    window = Window(start, start + timedelta(seconds=PLAYS_S * SPEED))
    return next(
        seed
        for seed in count()
        if any(send.allowed == REFUSED for send in scenario.played(pack, seed, today, window))
    )


def a_demo(out: Path) -> subprocess.Popen[str]:
    """Start a short demo in a run folder of its own."""
    play = ["--seconds", str(PLAYS_S), "--seed", str(a_seed())]
    command = [sys.executable, "-m", "deploy.local", "demo", *play]
    return subprocess.Popen(
        [*command, "--out", str(out), "--stack", f"test-{uuid.uuid4().hex[:8]}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=os.environ | {"COLUMNS": "200"},
    )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, Path]:
    """Play once: exit code, what was printed, and the folder written to."""
    out = tmp_path_factory.mktemp("demo") / "out"
    demo = a_demo(out)
    try:
        printed, _ = demo.communicate(timeout=ENDS_S)
    finally:
        _end(demo)
    return demo.returncode, printed, out


@pytest.fixture(scope="module")
def summary(played: tuple[int, str, Path]) -> dict[str, Any]:
    """Return the demo's summary.json."""
    code, printed, out = played
    assert code == 0, printed[-3000:]
    content: dict[str, Any] = json.loads((out / "summary.json").read_text("utf-8"))
    return content


def test_nothing_is_lost_and_nothing_doubled(summary: dict[str, Any]) -> None:
    """Every id answered 202 is followed to the provider's own receipt."""
    assert (0, 0) == (summary["lost"], summary["doubled"])
    assert 0 == summary["dead_letters"]


def test_every_call_got_one_of_the_answers(summary: dict[str, Any]) -> None:
    """Sent = accepted + repeated + rejected: nothing is dropped in silence."""
    calls = summary["calls"]

    assert calls["sent"] == calls["accepted"] + calls["repeated"] + calls["rejected"]
    assert calls["accepted"] > 40
    assert calls["rejected"] > 0


def test_limits_really_fire(summary: dict[str, Any]) -> None:
    """At speed 720 a limit of 20 minutes is 1.7 s of wall time."""
    clocks = summary["clocks"]

    assert clocks["breached"] > 0
    assert clocks["met"] > 0
    assert 0 <= clocks["corrected"] <= clocks["breached"]


def test_units_went_out_and_reported(summary: dict[str, Any]) -> None:
    """Orders reached units, and their answers came back through router's door."""
    duties = summary["assignments"]

    assert duties["sent"] >= summary["incidents"] > 0
    assert duties["acked"] >= duties["ended"] >= duties["fed_back"] > 0
    assert summary["notices"]["delivered"] >= 2 * duties["sent"]


def test_tables_are_written(summary: dict[str, Any], played: tuple[int, str, Path]) -> None:
    """Day's and month's tables, exercise, as HTML and JSON."""
    names = sorted(path.name for path in played[2].iterdir() if path.name != "summary.json")

    assert 36 == len(summary["tables"])
    assert [
        Path(path).name for path in sorted(summary["tables"], key=lambda p: Path(p).name)
    ] == names


def test_progress_is_told_in_plain_lines_where_nobody_watches(
    summary: dict[str, Any], played: tuple[int, str, Path]
) -> None:
    """Not a terminal: a line now and then, no control characters."""
    del summary
    printed = played[1]

    assert "calls in" in printed
    assert "notices delivered" in printed
    assert "\x1b" not in printed


@pytest.mark.parametrize("moment", ["postgres     ready", "calls in"])
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, moment: str) -> None:
    """At any point: broker, database and services end with it."""
    demo = a_demo(tmp_path / "out")
    try:
        printed = _read_until(demo, moment)
        started = psutil.Process(demo.pid).children(recursive=True)
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)
    finally:
        _end(demo)

    assert started, printed
    assert 130 == demo.returncode
    assert [] == [p for p in started if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def _read_until(demo: subprocess.Popen[str], text: str) -> str:
    """Read what is printed until *text* comes."""
    printed, deadline = "", time.monotonic() + STARTS_S
    assert demo.stdout is not None
    for line in demo.stdout:
        printed += line
        if text in line or time.monotonic() > deadline:
            break
    assert text in printed, printed[-3000:]
    return printed


def _end(demo: subprocess.Popen[str]) -> None:
    """End what a failed test would leave running: the demo ends its parts with itself."""
    if demo.poll() is None:
        demo.terminate()
        try:
            demo.wait(30)
        except subprocess.TimeoutExpired:
            demo.kill()
    stack = demo.args[demo.args.index("--stack") + 1] if isinstance(demo.args, list) else ""
    shutil.rmtree(ROOT / "run" / stack, ignore_errors=True)
