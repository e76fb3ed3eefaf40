"""Child processes: their own group, ended with their parent, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import processes
from deploy.local.processes import Child, Command

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]
GRANDPARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""
FAMILY = [sys.executable, "-c", GRANDPARENT]
PARENT = """
import sys, time
from pathlib import Path
from deploy.local.processes import Child, Command
child = Child("child", Command(argv=[sys.executable, "-c", "import time; time.sleep(60)"],
              log=Path(sys.argv[1])))
child.start()
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Name a log file."""
    return tmp_path / "child.log"


@pytest.fixture
def children() -> Iterator[list[Child]]:
    """Kill what a failing test left."""
    made: list[Child] = []
    yield made
    for child in made:
        child.kill()


def a_child(argv: list[str], log: Path, children: list[Child]) -> Child:
    """Start *argv*."""
    child = Child("probe", Command(argv=argv, log=log, environment=dict(os.environ)))
    child.start()
    children.append(child)
    return child


def wait_for(what: object, seconds: float = 10) -> bool:
    """Poll *what* (a callable) until it is true."""
    assert callable(what)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.02)
    return False


def test_stop_ends_it_and_tells_the_code(log: Path, children: list[Child]) -> None:
    """A clean stop is a SIGTERM."""
    child = a_child(SLEEPER, log, children)
    child.stop(timeout_s=5)

    assert -signal.SIGTERM == child.exit_code


def test_what_does_not_stop_in_time_is_killed(log: Path, children: list[Child]) -> None:
    """Nothing stays behind because it did not listen."""
    child = a_child(STUBBORN, log, children)
    assert wait_for(lambda: "up" in log.read_text())
    child.stop(timeout_s=0.2)

    assert -signal.SIGKILL == child.exit_code


def test_a_paused_process_can_be_stopped(log: Path, children: list[Child]) -> None:
    """SIGSTOP is a fault of the tests; the end of a test must still end it."""
    child = a_child(SLEEPER, log, children)
    child.send(signal.SIGSTOP)
    child.stop(timeout_s=5)

    assert -signal.SIGTERM == child.exit_code


def test_kill_reaches_grandchildren_in_groups_of_their_own(
    log: Path, children: list[Child]
) -> None:
    """A database's backends make sessions of their own; a power failure takes them too."""
    child = a_child(FAMILY, log, children)
    assert wait_for(lambda: log.read_text().strip().isdigit())
    grandchild = int(log.read_text())
    birth = processes.born(grandchild)
    child.kill()

    assert not [p for p in processes.leftovers({grandchild: birth}) if p.status() != "zombie"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is Linux's")
def test_a_child_dies_with_a_parent_that_was_killed(log: Path) -> None:
    """A supervisor killed with SIGKILL cannot clean up: the kernel does."""
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(log)], stdout=subprocess.PIPE, cwd=root, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        birth = processes.born(child)
        parent.kill()

    def gone() -> bool:
        return not [p for p in processes.leftovers({child: birth}) if p.status() != "zombie"]

    assert wait_for(gone)


def test_a_pid_given_to_somebody_else_is_not_ours() -> None:
    """Leftovers are known by pid and birth."""
    assert [] == processes.leftovers({os.getpid(): processes.born(os.getpid()) - 100})
    assert [os.getpid()] == [
        p.pid for p in processes.leftovers({os.getpid(): processes.born(os.getpid())})
    ]


def test_the_error_quotes_the_end_of_the_log(log: Path, children: list[Child]) -> None:
    """A part that fails says why where the person looks."""
    child = a_child([sys.executable, "-c", "raise SystemExit('no such region')"], log, children)
    child.wait(10)

    assert "no such region" in str(child.failed("ended with 1"))
