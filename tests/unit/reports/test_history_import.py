"""The import: all or nothing, twice is once, refused rows in a file, personal columns nowhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from services.reports.adapters.history import HistoryRefused
from tests.unit.reports.history_files import HEADER, ROWS, load, row, stored, written

ROOT = Path(__file__).resolve().parents[3]


def test_a_second_import_changes_nothing(tmp_path: Path) -> None:
    """Idempotent by region and key."""
    file = written(tmp_path / "a.csv", [row(no=str(n)) for n in range(5)])
    first = load(file, tmp_path / "h")
    before = stored(tmp_path / "h")
    second = load(file, tmp_path / "h")

    assert (5, 0, 0) == (first.new, first.changed, first.unchanged)
    assert (0, 0, 5) == (second.new, second.changed, second.unchanged)
    assert before == stored(tmp_path / "h")


def test_a_later_file_replaces_a_case_and_leaves_the_others(tmp_path: Path) -> None:
    """A case closed since is the same case, as the newer file has it."""
    load(written(tmp_path / "a.csv", [row(no="1"), row(no="2")]), tmp_path / "h")
    closed = [row(no="2", done="2015-11-03 08:00:00"), row(no="3")]
    done = load(written(tmp_path / "b.csv", closed), tmp_path / "h")

    assert (1, 1, 0) == (done.new, done.changed, done.unchanged)
    assert 3 + 2 == len(stored(tmp_path / "h"))


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16"])
def test_other_encodings(tmp_path: Path, encoding: str) -> None:
    """What old systems write: 县区 in GBK, a byte order mark."""
    file = written(tmp_path / "a.csv", [row(where="城东，“一”区\n二", phone="1")], encoding)
    done = load(file, tmp_path / "h", replace(ROWS, encoding=encoding))

    assert (1, {}) == (done.cases, done.rejected)
    assert "城东，“一”区\n二" in stored(tmp_path / "h")[0]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_rows_that_are_no_rows(tmp_path: Path, encoding: str) -> None:
    """Too few or too many fields: refused, the rest is loaded."""
    file = written(tmp_path / "a.csv", [row(no="1"), row(no="2")], encoding)
    whole = file.read_bytes()
    file.write_bytes(whole + b"3,too,few\r\n\r\n4" + b",1" * len(HEADER) + b"\r\n")
    done = load(file, tmp_path / "h", replace(ROWS, encoding=encoding))

    assert (2, {"malformed": 2}) == (done.cases, done.rejected)
    assert 4 == done.rows


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_bytes_that_are_no_text(tmp_path: Path, encoding: str) -> None:
    """A broken byte costs its row, not the file."""
    file = written(tmp_path / "a.csv", [row(no="1", where="X"), row(no="2")], encoding)
    file.write_bytes(file.read_bytes().replace(b"X", b"\xff"))
    done = load(file, tmp_path / "h", replace(ROWS, encoding=encoding))

    assert (1, {"undecodable": 1}) == (done.cases, done.rejected)


@pytest.mark.parametrize("name", ["a[1]*.csv", "it's ?.csv", "表 一.csv"])
def test_a_file_has_any_name(tmp_path: Path, name: str) -> None:
    """A name is no pattern and no statement."""
    written(tmp_path / "a1x.csv", [row(no="other")])

    assert 1 == load(written(tmp_path / name, [row()]), tmp_path / "h").cases


def test_a_file_without_rows(tmp_path: Path) -> None:
    """A header alone is a history of nothing."""
    assert (0, 0) == (
        (done := load(written(tmp_path / "a.csv", []), tmp_path / "h")).rows,
        done.cases,
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_ends(tmp_path: Path, newline: str) -> None:
    """Of Unix and of Windows, with and without one at the end."""
    file = tmp_path / "a.csv"
    file.write_bytes(
        newline.join(
            [
                ",".join(HEADER),
                *[f"{n},2015-11-02 08:00:00" + "," * (len(HEADER) - 2) for n in "12"],
            ]
        ).encode()
    )

    assert 2 == load(file, tmp_path / "h").cases


def test_personal_columns_are_nowhere(tmp_path: Path) -> None:
    """Neither in the database nor in the rejects: only mapped columns, and no text of a reject."""
    rows = [row(no=str(n), phone="13812345678") for n in range(3)]
    rows += [row(no="9", in_="call 13812345678", phone="13812345678")]
    done = load(written(tmp_path / "a.csv", rows), tmp_path / "h")
    left = {path.name: path.read_bytes() for path in (tmp_path / "h").rglob("*") if path.is_file()}

    assert 1 == sum(done.rejected.values())
    assert 2 == len(left)
    assert [] == [name for name, content in left.items() if b"13812345678" in content]


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """With the columns there are; nothing is created."""
    file = tmp_path / "a.csv"
    file.write_text("no,in\n1,2015-11-02 08:00:00\n")

    with pytest.raises(HistoryRefused, match=r"no column 'out'.*its columns are: no, in"):
        load(file, tmp_path / "h")
    assert not (tmp_path / "h").exists()


def _interrupted(file: Path, folder: Path, mapping: Path, when: str) -> int:
    """Start the command, send it what Ctrl-C sends once it says *when*; return its exit code."""
    command = [sys.executable, "-m", "services.reports", "import", str(file)]
    command += ["--mapping", str(mapping), "--region", "county", "--local", str(folder)]
    # a background job ignores Ctrl-C, and so would its children
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        signal.signal(signal.SIGINT, before)
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(when):
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=60)
    return process.returncode


@pytest.mark.parametrize("when", ["reading", "judging", "storing"])
def test_ctrl_c_leaves_the_history_as_it_was(
    tmp_path: Path, when: str, large: Callable[[Path], Path]
) -> None:
    """One transaction: interrupted anywhere, the earlier import stands and nothing lies about."""
    mapping = tmp_path / "map.yaml"
    mapping.write_text(
        "{time_zone: America/New_York, time_formats: ['%Y-%m-%d %H:%M:%S'], key: ['no'], "
        "columns: {received: in, area: where}}"
    )
    narrow = replace(
        ROWS, columns=type(ROWS.columns)(received="in", area="where"), label=None, as_of=None
    )
    load(written(tmp_path / "a.csv", [row(no="x")]), tmp_path / "h", narrow)
    before = stored(tmp_path / "h")
    code = _interrupted(large(tmp_path / "b.csv"), tmp_path / "h", mapping, when)

    assert 130 == code
    assert before == stored(tmp_path / "h")
    assert ["history.duckdb"] == [path.name for path in (tmp_path / "h").iterdir()]


@pytest.fixture
def large() -> Callable[[Path], Path]:
    """A file that takes long enough to be interrupted."""

    def write(path: Path) -> Path:
        with path.open("w") as out:
            rest = "," * (len(HEADER) - 12)
            out.write(",".join(HEADER) + "\n")
            out.writelines(
                f"{n},2015-11-{n % 28 + 1:02} 08:00:00,,,,,,,,{n % 97},,{rest}\n"
                for n in range(400_000)
            )
        return path

    return write
