"""The run folder of a stack."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy.local import processes
from deploy.local.errors import AlreadyRunning
from deploy.local.ownership import reachable
from deploy.local.processes import Child, Command
from deploy.local.run_folder import RunFolder


def test_one_supervisor_at_a_time(tmp_path: Path) -> None:
    """A second start in the same folder is refused with what to do."""
    first = RunFolder(tmp_path)
    first.claim()

    with pytest.raises(AlreadyRunning, match="make down"):
        RunFolder(tmp_path).claim()
    first.release()
    RunFolder(tmp_path).claim()


def test_what_a_dead_supervisor_left_is_ended(tmp_path: Path) -> None:
    """Where the kernel does not end children with their parent, the next start does."""
    child = Child(
        "old", Command(argv=["sleep", "60"], log=tmp_path / "log", environment=dict(os.environ))
    )
    child.start()
    folder = RunFolder(tmp_path)
    born = processes.born(child.pid)
    folder.write_endpoints({"parts": {"old": {"pid": child.pid, "born": born}}})
    folder.claim()

    assert child.wait(5)


def test_a_folder_below_a_closed_home_is_out_of_reach(tmp_path: Path) -> None:
    """As root the database runs as another user, who cannot enter root's home."""
    closed = tmp_path / "home"
    (closed / "checkout").mkdir(parents=True)
    closed.chmod(0o700)
    stranger = (os.getuid() + 1, os.getgid() + 1)

    assert not reachable(closed / "checkout", stranger)
