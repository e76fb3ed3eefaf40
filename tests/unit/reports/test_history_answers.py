"""What an answer from imported history says about itself: as-of, the end of the data, no due time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.reports.__main__ import main
from services.reports.adapters import history_commands
from services.reports.adapters.history_suggestion import suggested
from tests.unit.reports.history_files import row, written
from tests.unit.reports.test_history_commands import MAPPING, ROWS, load, month, run


def stretch(folder: Path, last: str) -> dict[str, Any]:
    """Return T1 of November 2026 where the newest case came in at *last*."""
    rows = [
        row(no="1", in_="2026-10-31 12:00:00"),
        row(no="2", in_="2026-11-01 12:00:00"),
        row(no="3", in_=last),
    ]
    (folder / "map.yaml").write_text(MAPPING, "utf-8")
    file = written(folder / "a.csv", rows)
    run(
        "import",
        file,
        "--mapping",
        folder / "map.yaml",
        "--region",
        "county",
        "--local",
        folder / "h",
    )
    table: dict[str, Any] = json.loads(
        run("month", "2026-11", "--local", folder / "h", "--table", "overview").stdout
    )
    return table


def test_an_as_of_before_the_newest_stamp_is_told_loudly(tmp_path: Path) -> None:
    """A date kept from another file would leave nothing overdue; stderr and the answer say so."""
    done = load(tmp_path, "--as-of", "2016-01-13T00:00:00")
    found = run("month", "2026-11", "--local", tmp_path / "h", "--json")

    assert "--as-of" in done.stderr
    assert json.loads(done.stdout)["warnings"]
    assert "WARNING" in found.stderr
    assert any("2016-01-13" in note["en"] for note in json.loads(found.stdout)["notes"])


def test_without_an_as_of_nothing_is_told(tmp_path: Path) -> None:
    """Judged at the newest stamp there is no contradiction."""
    done = load(tmp_path)

    assert "WARNING" not in done.stderr + run("month", "2026-11", "--local", tmp_path / "h").stderr
    assert [] == json.loads(done.stdout)["warnings"]


def test_import_keeps_its_history_somewhere_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`import FILE --mapping M --region R`, as it is written: the folder is printed."""
    monkeypatch.setattr(history_commands, "ROOT", tmp_path)
    (tmp_path / "map.yaml").write_text(MAPPING, "utf-8")
    file = written(tmp_path / "a.csv", ROWS)
    done = run("import", file, "--mapping", tmp_path / "map.yaml", "--region", "county")
    kept = tmp_path / "run" / "county" / "history"

    assert 0 == done.exit_code, done.output
    assert str(kept) == json.loads(done.stdout)["kept_in"]
    assert f"month 2026-12 --local {kept}" in done.stderr
    assert 0 == run("month", "2026-11", "--local", kept).exit_code


@pytest.mark.parametrize(
    ("last", "finding"),
    [
        ("2026-11-30 00:00:00", "changed"),
        ("2026-12-04 00:00:00", "changed"),
        ("2026-11-29 23:59:59", "data_end"),
    ],
)
def test_a_month_is_over_when_its_last_day_has_data(
    tmp_path: Path, last: str, finding: str
) -> None:
    """The newest whole month is not "尚未结束"; a cut one says where the data end."""
    said = stretch(tmp_path, last)["opening"]["finding"]

    assert ("data_end" == finding) == (said == "data_end")
    assert "not_over" != said


def test_a_cut_month_says_where_the_data_end(tmp_path: Path) -> None:
    """In the notes, in local time."""
    stretch(tmp_path, "2026-11-29 23:59:59")

    assert any("2026-11-29 23:59:59" in n["zh"] for n in month(tmp_path, "2026-11")["notes"])


def test_without_a_due_time_nothing_is_said_to_be_in_time(tmp_path: Path) -> None:
    """None of none, not 100 %; the cases stand in what was left out."""
    stretch(tmp_path, "2026-11-30 00:00:00")
    rate = month(tmp_path, "2026-11")["total"]["rates"]["not_overdue"]

    assert {"numerator": 0, "denominator": 0, "percent": None, "excluded": {"no_due": 2}} == rate


def test_json_goes_to_the_folder_asked_for(tmp_path: Path) -> None:
    """`--out` holds for every figure too."""
    load(tmp_path)
    told = run("month", "2026-11", "--local", tmp_path / "h", "--json", "--out", tmp_path / "o")
    (file,) = (tmp_path / "o").iterdir()

    assert str(file) == told.stdout.strip()
    assert "2026-11" == json.loads(file.read_text("utf-8"))["month"]


def test_counting_by_the_clearance_is_told(tmp_path: Path) -> None:
    """The month of a case is then not the one it came in."""
    (tmp_path / "map.yaml").write_text(MAPPING + "counted_by: closed\n", "utf-8")
    file = written(tmp_path / "a.csv", ROWS)
    local = tmp_path / "h"
    run("import", file, "--mapping", tmp_path / "map.yaml", "--region", "county", "--local", local)

    assert any("closed" in note["en"] for note in month(tmp_path, "2026-11")["notes"])


def test_a_suggestion_names_number_and_an_empty_due_column(tmp_path: Path) -> None:
    """A column whose rows are blank is known by its name; what is not found is said."""
    file = tmp_path / "a.csv"
    file.write_text("Unique Key,Created Date,Due Date\n7,01/05/2017 10:11:12 PM,\n", "utf-8")
    bare = tmp_path / "b.csv"
    bare.write_text("Unique Key,Created Date\n7,01/05/2017 10:11:12 PM\n", "utf-8")

    assert '  due: "Due Date" # CHECK: blank in the rows read' in suggested(file)
    assert '  number: "Unique Key"' in suggested(file)
    assert "# CHECK: no column for due" in suggested(bare)


def test_help_names_the_live_picture(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`live` is a service of its own and stands beside the commands."""
    monkeypatch.setattr("sys.argv", ["reports", "--help"])
    with pytest.raises(SystemExit):
        main()

    assert " live " in capsys.readouterr().out


def lines(folder: Path, text: str, encoding: str = "utf-8") -> list[str]:
    """Return the mapping suggested for a file of *text*."""
    file = folder / "s.csv"
    file.write_text(text, encoding)
    return suggested(file).splitlines()


def test_a_suggestion_joins_day_and_time_of_two_columns(tmp_path: Path) -> None:
    """As London's fire brigade writes them; an arrival in two columns too."""
    found = lines(
        tmp_path,
        "IncidentNumber,DateOfCall,TimeOfCall,BoroughName,DateOfArrival,TimeOfArrival\n"
        "7,01 Jan 2017,00:01:02,HACKNEY,01 Jan 2017,00:07:00\n"
        "8,02 Jan 2017,13:01:02,CAMDEN,,\n",
    )

    assert '  received: {date: "DateOfCall", time: "TimeOfCall"}' in found
    assert '  arrived: {date: "DateOfArrival", time: "TimeOfArrival"}' in found
    assert 'time_formats: ["%d %b %Y %H:%M:%S"]' in found
    assert '  area: "BoroughName"' in found


def test_a_suggestion_reads_a_hotline_export(tmp_path: Path) -> None:
    """GB18030 below a title line, its headers and what counts beside; nobody's name or number."""
    found = lines(
        tmp_path,
        "某县热线工单明细,,,,,,,,,\n"
        "工单编号,来电时间,来电人,联系电话,诉求来源,所属街道,承办单位,办理时限,办结时间,工单状态\n"
        "a1,2026/1/2 10:11,某某,13800000000,电话,东街,住建局,2026/1/7 10:11,,无效工单\n"
        "a2,2026/1/3 10:11,某某,13800000000,微信,西街,公安局,2026/1/7 10:11,2026/1/4 1:02,已办结\n",
        "gb18030",
    )

    for line in (
        "encoding: gb18030", "skip_rows: 1 # lines above the header", '  received: "来电时间"',
        '  closed: "办结时间"', '  due: "办理时限"', '  department: "承办单位"', '  area: "所属街道"',
        '  source: "诉求来源"',
        'standing: {column: "工单状态", invalid: ["无效工单"]} # CHECK: what counts beside',
    ):  # fmt: skip
        assert line in found
    assert not any("来电人" in line or "联系电话" in line for line in found)


def test_a_suggestion_says_where_rows_may_be_units(tmp_path: Path) -> None:
    """A number that repeats names no row; without a receipt it counts by what most rows have."""
    found = lines(
        tmp_path,
        "Call Number,On Scene,Cleared Time\n"
        "1,2017-01-01 10:00:00,2017-01-01 11:00:00\n1,,2017-01-01 11:00:00\n",
    )

    assert any('write `group_by: ["Call Number"]` instead of key' in line for line in found)
    assert "counted_by: closed" in found
