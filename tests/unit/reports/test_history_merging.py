"""Units of one case in several files: merged by their rows, the same file again changes nothing."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.reports.adapters import history
from services.reports.adapters.history import HistoryRefused
from services.reports.domain.history_mapping import Mapping
from services.reports.domain.history_rows import Case, cases, merged
from tests.unit.reports import history_files
from tests.unit.reports.history_files import MERGED, UNITS, load, row, stored, written
from tests.unit.reports.test_history_agreement import ROW, expected, kept

BY_ROW = replace(MERGED, row_key=["no", "file no"])


@given(
    first=st.lists(ROW, max_size=12),
    second=st.lists(ROW, max_size=12),
    mapping=st.sampled_from([MERGED, BY_ROW]),
)
@example(
    first=[history_files.row(unit="E1", where=""), history_files.row(unit="E1")],
    second=[history_files.row(unit="E1", where="north", there="2015-11-02 08:05:00")],
    mapping=MERGED,
)
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)
def test_two_files_agree_with_the_pure_merge(
    first: list[dict[str, str]], second: list[dict[str, str]], mapping: Mapping
) -> None:
    """Sets hold what merging case by case gives; the second file twice, and the first again, is once."""
    known: dict[object, Case] = {}
    for rows in (first, second, second, first):
        for case in cases(rows, mapping, "county")[0]:
            old = known.get(case.id)
            known[case.id] = merged(old, case, mapping) if old else case
    with TemporaryDirectory() as place:
        folder = Path(place)
        for rows in (first, second, second, first):
            load(written(folder / "in.csv", rows), folder / "h", mapping)
        with history.opened(folder / "h", write=False) as db:
            sets = kept(db)

    assert sorted(map(expected, known.values()), key=lambda each: str(each[0])) == sets


def test_a_later_file_brings_the_other_units(tmp_path: Path) -> None:
    """Earliest arrival and latest end are of the rows of both; both files again change nothing."""
    one = written(tmp_path / "a.csv", [row(unit="E1", there="2015-11-02 08:09:00")])
    two = written(
        tmp_path / "b.csv",
        [
            row(unit="E2", there="2015-11-02 08:05:00", done="2015-11-02 09:00:00"),
            row(unit="E1", there="2015-11-02 08:08:00"),
        ],
    )
    load(one, tmp_path / "h", MERGED)
    done = load(two, tmp_path / "h", MERGED)
    before = stored(tmp_path / "h")
    again = load(two, tmp_path / "h", MERGED)

    assert (0, 1, 0) == (done.new, done.changed, done.unchanged)
    assert (0, 0, 1) == (again.new, again.changed, again.unchanged)
    assert 2 == before[0][3]
    assert before == stored(tmp_path / "h")


def test_without_merge_the_later_file_replaces(tmp_path: Path) -> None:
    """The default: a file is the whole truth of the cases in it."""
    load(written(tmp_path / "a.csv", [row(unit="E1"), row(unit="E2")]), tmp_path / "h", UNITS)
    done = load(written(tmp_path / "b.csv", [row(unit="E3")]), tmp_path / "h", UNITS)

    assert 1 == done.changed
    assert 1 == stored(tmp_path / "h")[0][3]


def test_a_region_is_merged_or_replaced_not_both(tmp_path: Path) -> None:
    """Rows without a part cannot be told apart afterwards: refused with the way out."""
    file = written(tmp_path / "a.csv", [row(unit="E1")])
    load(file, tmp_path / "h", UNITS)

    with pytest.raises(HistoryRefused, match="use another --region"):
        load(file, tmp_path / "h", MERGED)


def test_files_have_their_own_zones_and_stamps(tmp_path: Path) -> None:
    """Each file's times are read in its own zone; months are those of the first file's."""
    load(written(tmp_path / "a.csv", [row(no="1")]), tmp_path / "h")
    abroad = replace(
        history_files.ROWS,
        time_zone="Asia/Shanghai",
        columns=replace(history_files.ROWS.columns, arrived=None),
    )
    load(
        written(tmp_path / "b.csv", [row(no="2", in_="2015-11-02 21:00:00")]),
        tmp_path / "h",
        abroad,
    )
    first, second = stored(tmp_path / "h")[:2]

    assert first[4] == second[4]
