"""Files of unknown cities: encodings, separators, headers and times as they are found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.reports.adapters import history
from services.reports.adapters.history import HistoryRefused
from services.reports.domain.history_header import WrongHeader, placed
from services.reports.domain.history_mapping import (
    AcrossFiles,
    Columns,
    Dimension,
    Mapping,
    Stamp,
    WrongMapping,
    checked,
)
from services.reports.domain.history_rows import Reading, reading, shape
from services.reports.domain.history_suggest import FORMS, Column, suggestion
from services.reports.domain.history_time import instant, local_time, utc_steps

ZONE = ZoneInfo("Asia/Shanghai")
PLAIN = Mapping(
    time_zone="Asia/Shanghai",
    time_formats=["%Y-%m-%d %H:%M:%S", "%y/%m/%d %H:%M", "%Y-%m-%dT%H:%M:%S%z", "epoch"],
    key=["no"],
    columns=Columns(received="in", closed="done", area="where"),
)
NOON = datetime(2015, 11, 2, 4, tzinfo=UTC)
"""Noon in Shanghai."""


def load(folder: Path, content: bytes, mapping: Mapping = PLAIN) -> history.Imported:
    """Import a file of *content*."""
    (folder / "a.csv").write_bytes(content)
    return history.load(folder / "a.csv", mapping, "county", folder / "h", lambda _: None)


def received(folder: Path) -> list[datetime]:
    """Return when the cases came in, UTC."""
    with history.opened(folder / "h", write=False) as db:
        found = db.execute("SELECT received FROM cases ORDER BY received").fetchall()
    return [at.replace(tzinfo=UTC) for (at,) in found]


@pytest.mark.parametrize(
    "text",
    [
        "2015-11-02 12:00:00",
        "15/11/02 12:00",
        "2015-11-02T12:00:00+08:00",
        "2015-11-02T04:00:00Z",
        "2015-11-01T23:00:00-0500",
        "1446436800",
        "1,446,436,800",
        "1446436800.000",
    ],
)
def test_every_form_of_one_instant(tmp_path: Path, text: str) -> None:
    """Local, two-digit year, ISO with its own offset, epoch seconds with thousands parted: noon."""
    load(tmp_path, f'no,in,done,where\n1,"{text}",,\n'.encode())

    assert [NOON] == received(tmp_path)
    assert NOON == instant(local_time(text, PLAIN.time_formats) or datetime.now(UTC), ZONE)


@given(
    at=st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 30)),  # noqa: DTZ001 - UTC below
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_a_text_with_its_offset_needs_no_zone(at: datetime, minutes: int) -> None:
    """Whatever the mapping's zone, an offset or an epoch names the instant itself."""
    at = at.replace(microsecond=0, tzinfo=UTC)
    ahead = timedelta(minutes=minutes)
    sign, whole = "-" if minutes < 0 else "+", abs(minutes)
    local = (at + ahead).strftime("%Y-%m-%dT%H:%M:%S")
    text = f"{local}{sign}{whole // 60:02}:{whole % 60:02}"
    seconds = int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())

    assert at == instant(local_time(text, ["%Y-%m-%dT%H:%M:%S%z"]) or NOON, ZONE)
    assert at == instant(local_time(f"{seconds:,}", ["epoch"]) or NOON, ZONE)
    assert at == instant(local_time(f"{seconds}000", ["epoch_ms"]) or NOON, ZONE)


@given(at=st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)))  # noqa: DTZ001 - UTC below
def test_offsets_by_instant_are_the_zones(at: datetime) -> None:
    """What turns instants into local hours agrees with the zone, at both changes of clocks."""
    zone = ZoneInfo("America/New_York")
    ahead = [each.ahead for each in utc_steps(zone) if each.since <= at][-1]

    assert at.replace(tzinfo=UTC).astimezone(zone).utcoffset() == ahead


@pytest.mark.parametrize("form", FORMS)
def test_every_suggested_form_can_be_read(form: str) -> None:
    """What `--suggest` may print is a mapping's form."""
    at = datetime(2015, 11, 2, 13, 4, tzinfo=ZONE)

    assert local_time(at.strftime(form), [form]) is not None


@pytest.mark.parametrize(
    ("content", "change"),
    [
        (b"\xef\xbb\xbfno,in,done,where\r\n1,2015-11-02 12:00:00,,\r\n", {}),
        (b"no;in;done;where\n1;2015-11-02 12:00:00;;\n", {"delimiter": ";"}),
        (b"no\tin\tdone\twhere\n1\t2015-11-02 12:00:00\t\t\n", {"delimiter": "\t"}),
        (b'no,in,done,where\n1,2015-11-02 12:00:00,,"two\nlines"\n', {}),
        (b"no,in,done,where,,\n1,2015-11-02 12:00:00,,,,\n", {}),
        (b"report of 2015\n\nno,in,done,where\n1,2015-11-02 12:00:00,,\n", {"skip_rows": 2}),
        (b"NO, In ,done,where\n1,2015-11-02 12:00:00,,\n", {}),
        (b"id,in,done,where\n1,2015-11-02 12:00:00,,\n", {"aliases": {"no": ["case", "id"]}}),
        (b"no,in,done\n1,2015-11-02 12:00:00,\n", {"optional": ["where"]}),
        (
            b"no,in,done,where,in\n1,,,,2015-11-02 12:00:00\n",
            {"columns": Columns(received="in[2]", closed="done", area="where")},
        ),
        (
            "编号,in,done,县区\n1,2015-11-02 12:00:00,,城关\n".encode("gb18030"),
            {
                "encoding": "gbk",
                "key": ["编号"],
                "columns": Columns(received="in", closed="done", area="县区"),
            },
        ),
    ],
    ids=["bom", "semicolon", "tab", "newline", "empty", "title", "case", "alias", "optional",
         "second", "gbk"],
)  # fmt: skip
def test_a_file_as_it_is_found(tmp_path: Path, content: bytes, change: dict[str, Any]) -> None:
    """One case at noon, whatever the file looks like."""
    done = load(tmp_path, content, replace(PLAIN, **change))

    assert (1, {}) == (done.cases, done.rejected)
    assert [NOON] == received(tmp_path)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (["no", "in", "in", "done", "where"], r"more than one column 'in'; write in\[1\]"),
        (["no", "in", "done"], "no column 'where'.*aliases.*optional"),
        (["no", "IN", "In", "done", "where"], "no column 'in'"),
        ([], "its columns are: none"),
    ],
)
def test_a_header_that_cannot_be_used(header: list[str], said: str) -> None:
    """Which column, and the ways out."""
    with pytest.raises(WrongHeader, match=said):
        placed(header, PLAIN)


@given(
    texts=st.lists(st.text(max_size=12), max_size=6),
    key=st.sampled_from(["no", "NO", " no", "\ufeffno"]),
)
def test_a_header_is_placed_or_refused(texts: list[str], key: str) -> None:
    """Never another error; what is placed stands there."""
    header = [*texts, key, "in", "done", "where"]
    try:
        _, places = placed(header, PLAIN)
    except WrongHeader:
        return

    assert {"no", "in", "done", "where"} == set(places)


@given(st.text())
def test_a_shape_says_nothing_about_anybody(text: str) -> None:
    """Only 9, a, * and what stands between them; at most forty characters."""
    found = shape(text)

    assert len(found) <= 40
    assert not any(c.isalnum() and c not in "9a" for c in found)


@given(st.text(max_size=30))
def test_a_time_is_read_or_not(text: str) -> None:
    """No text is an error, whatever the forms."""
    for form in (*FORMS, "epoch", "epoch_ms"):
        local_time(text, [form])


def test_codes_without_regard_to_case() -> None:
    """`ignore_case` folds codes and what they stand for is a name."""
    mapping = replace(PLAIN, ignore_case=True, codes={Dimension.AREA: {"n1": "North"}})
    row = {"no": "1", "in": "2015-11-02 12:00:00", "done": ""}
    read = [reading(row | {"where": text}, mapping) for text in ("N1", "n1", "s2")]

    assert ["North", "North", "S2"] == [
        each.values[Dimension.AREA] for each in read if isinstance(each, Reading)
    ]


def test_closed_before_received_is_kept(tmp_path: Path) -> None:
    """And counted."""
    done = load(tmp_path, b"no,in,done,where\n1,2015-11-02 12:00:00,2015-11-01 12:00:00,\n")

    assert (1, 1) == (done.cases, done.closed_before_received)


def test_a_dry_run_stores_nothing(tmp_path: Path) -> None:
    """It says what would be read and the first rejects, by row, column and shape."""
    (tmp_path / "a.csv").write_text("no,in,done,where\n1,2015-11-02 12:00:00,,x\n2,张三,,\n")
    done = history.load(
        tmp_path / "a.csv", PLAIN, "county", tmp_path / "h", lambda _: None, dry_run=True
    )
    (refused,) = done.first_rejected

    assert (True, 1, 1) == (done.dry_run, done.new, done.read["area"].known)
    assert (2, "unreadable_time", "in", "**") == (
        refused.row, refused.reason, refused.column, refused.shape,
    )  # fmt: skip
    assert not (tmp_path / "h").exists()


def test_a_dry_run_changes_nothing_that_is_there(tmp_path: Path) -> None:
    """Beside an earlier import it says what is new and what changes, and leaves it as it was."""
    load(tmp_path, b"no,in,done,where\n1,2015-11-02 12:00:00,,\n")
    (tmp_path / "a.csv").write_text(
        "no,in,done,where\n1,2015-11-02 12:00:00,,x\n2,2015-11-03 12:00:00,,\n3,soon,,\n"
    )
    done = history.load(
        tmp_path / "a.csv", PLAIN, "county", tmp_path / "h", lambda _: None, dry_run=True
    )

    assert (1, 1) == (done.new, done.changed)
    assert [NOON] == received(tmp_path)
    assert ["history.duckdb"] == [path.name for path in (tmp_path / "h").iterdir()]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"across_files": AcrossFiles.MERGE}, "across_files: merge needs group_by"),
        ({"row_key": ["x"]}, "row_key: "),
        ({"rows": Dimension.KIND}, "rows: kind has no column"),
        ({"aliases": {"x": ["y"]}}, "aliases: 'x' is no column"),
        ({"optional": ["no"]}, "optional: 'no' is part of the key"),
        ({"optional": ["in"]}, "optional: 'in' is what cases are counted by"),
        ({"time_formats": ["%Y-%m-%d %I:%M"]}, "%I and %p go together"),
    ],
)
def test_a_contradiction_in_a_mapping_is_named(change: dict[str, Any], said: str) -> None:
    """Field and way out."""
    with pytest.raises(WrongMapping, match=said):
        checked(replace(PLAIN, **change))


def test_a_wrong_mapping_is_named_by_line(tmp_path: Path) -> None:
    """File, line, field and what to do."""
    path = tmp_path / "map.yaml"
    path.write_text(
        "time_zone: Asia/Shanghai\ntime_formats: ['%Y-%m-%d']\nkey: [a]\n"
        "columns:\n  received: a\n  phone: b\n"
    )

    with pytest.raises(HistoryRefused, match=r"map\.yaml, line 6: .*unknown field `phone`"):
        history.read_mapping(path)


def test_a_suggestion_is_a_mapping(tmp_path: Path) -> None:
    """It is read without a change, finds the stamps by their names and no personal column."""
    columns = [
        Column("案件编号", ["1", "2"]),
        Column("受理时间", ["2015/11/02 12:00", "2015/11/03 12:00"]),
        Column("办结时间", ["2015/11/04 12:00"]),
        Column("联系电话", ["13800000000"]),
        Column("承办单位", ["A", "B"]),
    ]
    path = tmp_path / "map.yaml"
    path.write_text(suggestion(columns, encoding="gb18030", delimiter="\t"), "utf-8")
    read = history.read_mapping(path)

    assert (["案件编号"], "受理时间", "办结时间", "承办单位") == (
        read.key, read.columns.received, read.columns.closed, read.columns.department,
    )  # fmt: skip
    assert "联系电话" not in read.wanted
    assert ("gb18030", "\t") == (read.encoding, read.delimiter)
    assert Stamp.RECEIVED == read.counted_by
