"""Logs of a stack that runs for weeks stay bounded, and no line of them is lost."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from deploy.local import rotation
from deploy.local.processes import Child, Command
from deploy.local.rotation import Recorder

LINES = 20_000
PRINTING = f"""
import sys
for number in range({LINES}):
    print(number, flush=number % 7 == 0)
"""


def recorded(log: Path, *pieces: bytes, most_bytes: int = 10, kept: int = 3) -> None:
    """Have *pieces* written through a pipe, each read before the next comes."""
    for piece in pieces:
        reading, writing = os.pipe()
        recorder = Recorder(log, most_bytes=most_bytes, kept=kept)
        recorder.start(_opened(reading))
        os.write(writing, piece)
        os.close(writing)
        recorder.join(10)


def _opened(reading: int) -> BinaryIO:
    return os.fdopen(reading, "rb")


def test_a_short_log_is_left_alone(tmp_path: Path) -> None:
    """Nothing to bound yet: what a part printed before is kept."""
    log = tmp_path / "a.log"
    recorded(log, b"one\n", b"two\n")

    assert "one\ntwo\n" == log.read_text()
    assert [log] == list(tmp_path.iterdir())


def test_three_older_files_are_kept_newest_first(tmp_path: Path) -> None:
    """The whole of a log is about four times the limit, whatever is printed."""
    log = tmp_path / "a.log"
    recorded(log, *(f"{word}\n".encode() for word in ("one", "two", "three", "four")), most_bytes=2)

    assert "" == log.read_text()
    assert ["four\n", "three\n", "two\n"] == [
        (tmp_path / f"a.log.{number}").read_text() for number in (1, 2, 3)
    ]
    assert 4 == len(list(tmp_path.iterdir()))


def test_a_line_is_never_cut_between_two_files(tmp_path: Path) -> None:
    """A reader of JSON lines meets whole ones, however they come through the pipe."""
    log = tmp_path / "a.log"
    recorded(log, b"begun, ", b"ended\nnext ", b"line\n", most_bytes=4)

    assert "begun, ended\n" == (tmp_path / "a.log.2").read_text()
    assert "next line\n" == (tmp_path / "a.log.1").read_text()


def test_older_files_are_no_more_readable_than_the_log(tmp_path: Path) -> None:
    """A log of the platform is its operator's."""
    log = tmp_path / "a.log"
    log.touch()
    log.chmod(0o600)
    recorded(log, b"text\n", most_bytes=2)

    assert [0o600, 0o600] == [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()]


def test_no_line_is_lost_while_files_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part prints as fast as it can while its log is changed hundreds of times."""
    monkeypatch.setattr(rotation, "MOST_BYTES", 300)
    monkeypatch.setattr(Recorder.__init__, "__kwdefaults__", {"most_bytes": None, "kept": 5000})
    log = tmp_path / "probe.log"
    argv = [sys.executable, "-c", PRINTING]
    child = Child("probe", Command(argv=argv, log=log, environment=dict(os.environ)))
    child.start()

    assert child.wait(30)
    child.log_tail()  # everything printed is in the log now
    newest_first = sorted(tmp_path.iterdir(), key=lambda path: int(path.suffix[1:] or 0) if path.suffix != ".log" else 0)  # fmt: skip
    assert len(newest_first) > 3
    text = "".join(path.read_text() for path in reversed(newest_first))
    assert [str(number) for number in range(LINES)] == text.splitlines()


def test_a_full_disk_does_not_hold_up_the_part(tmp_path: Path) -> None:
    """What could not be written is said once it can be."""
    log = tmp_path / "a.log"
    reading, writing = os.pipe()
    recorder = Recorder(log, most_bytes=1000)
    recorder._file.close()  # noqa: SLF001 - stands for a write that fails
    recorder._file = Path("/dev/full").open("ab", buffering=0)  # noqa: SIM115, SLF001
    recorder.start(_opened(reading))
    os.write(writing, b"lost\n")
    deadline = time.monotonic() + 10
    while not recorder._lost and time.monotonic() < deadline:  # noqa: SLF001
        time.sleep(0.01)
    recorder._file = log.open("ab", buffering=0)  # noqa: SLF001
    os.write(writing, b"kept\n")
    os.close(writing)
    recorder.join(10)

    assert "… 5 bytes of this log were lost" in log.read_text()
    assert log.read_text().endswith("kept\n")
