"""Logs of a stack that runs for weeks stay bounded."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from deploy.local import rotation, supervisor
from deploy.local.processes import Child, Command
from deploy.local.rotation import rotate
from deploy.local.supervisor import Supervisor


class APart:
    """A part that only has a process."""

    name = "probe"
    address = ""

    def __init__(self, child: Child) -> None:
        self.child = child

    async def start(self) -> None: ...
    async def restart(self) -> None: ...
    async def stop(self) -> None:
        self.child.kill()

    def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


def test_a_short_log_is_left_alone(tmp_path: Path) -> None:
    """Nothing to bound yet; a log that is not there is no error."""
    log = tmp_path / "a.log"
    log.write_text("x" * 10)

    assert not rotate(log, most_bytes=10)
    assert not rotate(tmp_path / "none.log", most_bytes=10)
    assert "x" * 10 == log.read_text()


def test_three_copies_are_kept_newest_first(tmp_path: Path) -> None:
    """The whole of a log is at most four times the limit, whatever is written."""
    log = tmp_path / "a.log"
    for text in ("one", "two", "three", "four", "five"):
        log.write_text(text)
        assert rotate(log, most_bytes=2)

    assert "" == log.read_text()
    assert ["five", "four", "three"] == [
        (tmp_path / f"a.log.{number}").read_text() for number in (1, 2, 3)
    ]
    assert 4 == len(list(tmp_path.iterdir()))


def test_copies_are_no_more_readable_than_the_log(tmp_path: Path) -> None:
    """A log of the platform is its operator's."""
    log = tmp_path / "a.log"
    log.write_text("text")
    log.chmod(0o600)
    rotate(log, most_bytes=2)

    assert 0o600 == (tmp_path / "a.log.1").stat().st_mode & 0o777


async def test_a_running_part_goes_on_writing_at_the_new_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor watches its parts' logs; no hole of zeros is left where the old text was."""
    log = tmp_path / "probe.log"
    printing = "import time\nwhile True:\n print('line', flush=True)\n time.sleep(0.001)"
    child = Child("probe", Command(argv=[sys.executable, "-c", printing], log=log, environment=dict(os.environ)))  # fmt: skip
    child.start()
    watched = Supervisor(lambda _: None, lambda: None)
    watched.add(APart(child))
    monkeypatch.setattr(rotation.rotate, "__kwdefaults__", {"most_bytes": 100, "kept": 3})
    monkeypatch.setattr(supervisor, "_LOGS_S", 0.02)
    watched.watch()
    try:
        deadline = time.monotonic() + 20
        while not (tmp_path / "probe.log.3").exists() and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
    finally:
        await watched.stop()
        await asyncio.get_running_loop().shutdown_default_executor()  # a rotation in progress

    written = sorted(tmp_path.iterdir())
    assert ["probe.log", "probe.log.1", "probe.log.2", "probe.log.3"] == [p.name for p in written]
    assert {"line"} == {line for p in written for line in p.read_text().split()}
