"""The list of figures and T4 of imported history: by hand, in every form, and what is lacking by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.reports.domain.key_figures_words import FIGURES
from tests.unit.reports.history_files import row, written
from tests.unit.reports.test_history_commands import run

MAPPING = """
time_zone: Asia/Shanghai
time_formats: ["%Y-%m-%d %H:%M:%S"]
key: ["no"]
columns: {received: in, dispatched: out, turned_out: left, arrived: there, closed: done, due: due,
  number: "no", department: dept, kind: what, area: where}
label: {column: verdict, overdue: [LATE], not_overdue: [OK]}
standing: {column: state, invalid: [void], duplicate: [dup], test: [test], exercise: [drill]}
limits: {arrived: 600, turned_out: 60}
affairs: {emergency: [fire, flood], livelihood: [noise]}
urgent: {by: kind, texts: [fire]}
sub_centres: {南片: [south, coast]}
name: 某县
"""


def case(n: int, **fields: str) -> dict[str, str]:
    """Return a case of 2 November, 09:00, sent at once, out in 30 s, there in 5 min, done in an hour."""
    usual = {
        "in_": "2015-11-02 09:00:00", "out": "2015-11-02 09:00:00", "left": "2015-11-02 09:00:30",
        "there": "2015-11-02 09:05:00", "done": "2015-11-02 10:00:00",
        "due": "2015-11-02 12:00:00", "dept": "A", "what": "fire", "where": "north",
        "verdict": "OK",
    }  # fmt: skip
    return row(no=str(n), **(usual | fields))


ROWS = [
    case(1),
    case(2, left="2015-11-02 09:07:00", there="2015-11-02 09:20:00", where="south"),
    case(3, what="noise", done="2015-11-02 13:00:00", verdict="LATE", where="coast"),
    case(4, what="noise", done="", verdict="LATE", where=""),
    case(5, what="parade", done="2015-12-02 13:00:00", verdict="OK"),
    case(6, what="flood", due="", verdict="", there="", done=""),
    case(7, state="void"),
    case(8, state="dup"),
    case(9, state="test"),
    case(10, state="drill"),
]


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Ten cases: six valid ones of November."""
    return imported(tmp_path, MAPPING, ROWS)


def imported(folder: Path, mapping: str, rows: list[dict[str, str]]) -> Path:
    """Import *rows* by *mapping* and return the folder."""
    (folder / "map.yaml").write_text(mapping, "utf-8")
    file = written(folder / "a.csv", rows)
    done = run(
        "import", file, "--mapping", folder / "map.yaml", "--region", "county",
        "--local", folder / "h",
    )  # fmt: skip

    assert 0 == done.exit_code, done.output
    return folder / "h"


def figures(history: Path, *more: str) -> dict[str, dict[str, Any]]:
    """Return the list of November by id."""
    found = json.loads(run("month", "2015-11", "--local", history, "--json", *more).stdout)
    return {each["id"]: each for each in found["figures"]}


def test_every_figure_has_its_numbers_or_says_what_it_needs(history: Path) -> None:
    """No figure of the list is left out, whatever the columns are."""
    found = figures(history)

    assert [*FIGURES] == [*found]
    for each in found.values():
        assert (each["numerator"] is None) == bool(each["needs"])
    assert ["columns.acked", "limits.acked"] == found["timely.sign_for"]["needs"]


@pytest.mark.parametrize(
    ("figure", "numbers", "excluded"),
    [
        ("flow.valid", (6, 8), {"invalid": 1, "duplicate": 1, "test": 1, "exercise": 1}),
        ("timely.arrival_day", (4, 6), {"not_yet_due": 0}),
        ("timely.arrival_night", (0, 0), {"not_yet_due": 0}),
        ("timely.turnout", (5, 6), {"not_yet_due": 0}),
        # closed after the month's end is open at it
        ("timely.handle", (2, 5), {"not_yet_due": 0, "no_limit": 1}),
        ("timely.closed", (3, 5), {"no_limit": 1}),
        ("timely.urgent_lane", (2, 2), {"not_yet_due": 0}),
        ("timely.dual_feedback", (4, 6), {}),
        ("conduct.turned_out", (6, 6), {"out_of_order": 0}),
        ("conduct.turnout_5", (5, 6), {}),
        ("conduct.turnout_10", (1, 6), {}),
        ("quality.no_end", (2, 6), {}),
        ("quality.no_arrival", (1, 6), {}),
        # the source calls number 5 on time, which was closed a month after it was due
        ("quality.overrun_flag", (1, 5), {"blank": 1}),
    ],
)
def test_numerator_denominator_and_what_is_left_out(
    history: Path, figure: str, numbers: tuple[int, int], excluded: dict[str, int]
) -> None:
    """By hand from the ten rows."""
    found = figures(history)[figure]

    assert numbers == (found["numerator"], found["denominator"])
    assert excluded == found["excluded"]


def test_what_stays_empty_is_named(tmp_path: Path) -> None:
    """A file with only a receipt: every figure but two says its column, and every count and length."""
    mapping = 'time_zone: UTC\ntime_formats: ["%Y-%m-%d %H:%M:%S"]\nkey: ["no"]\ncolumns: {received: in}\n'
    folder = imported(tmp_path, mapping, [case(1)])
    whole = json.loads(run("month", "2015-11", "--local", folder, "--json").stdout)

    answered = {each["id"] for each in whole["figures"] if not each["needs"]}
    assert {"quality.out_of_order"} == answered
    assert ["columns.area"] == whole["unanswered"]["by.area"]
    assert ["columns.arrived"] == whole["unanswered"]["lengths.received_to_arrived"]


def test_sub_centres_by_affair_class(history: Path) -> None:
    """T4: areas no sub-centre has are the centre's; what has no class or place stands in the rest."""
    table = json.loads(run("month", "2015-11", "--local", history, "--table", "tiers").stdout)
    counts = {
        row["name"]: {cell["id"]: cell["count"] for cell in row["cells"] if cell["count"]}
        for row in table["valid"]["rows"]
    }
    handled = {
        row["name"]: (row["total"]["on_time"], row["total"]["should"])
        for row in table["handled"]["rows"]
    }

    assert {
        "中心本级": {"emergency": 2, "other": 1},
        "南片": {"emergency": 1, "livelihood": 1},
        "其他 / 未分类": {"livelihood": 1},
    } == counts
    assert {"中心本级": (1, 2), "南片": (1, 2), "其他 / 未分类": (0, 1)} == handled
    assert 6 == table["valid"]["total"]["total"]


def test_the_overview_tells_affair_classes_where_the_mapping_does(history: Path) -> None:
    """T1's four classes sum to the valid ones, as T4's columns do."""
    table = json.loads(run("month", "2015-11", "--local", history, "--table", "overview").stdout)

    assert {"emergency": 3, "livelihood": 2, "other": 1} == {
        part["id"]: part["count"] for part in table["by_affair"]["rows"] if part["count"]
    }


def test_without_limits_t4_has_no_rates(tmp_path: Path) -> None:
    """Nothing was due: the table of what came in stands alone, not beside one of noughts."""
    mapping = MAPPING.replace("due: due,", "").replace("limits: {arrived: 600, turned_out: 60}", "")
    folder = imported(tmp_path, mapping, ROWS)
    table = json.loads(run("month", "2015-11", "--local", folder, "--table", "tiers").stdout)
    page = run("month", "2015-11", "--local", folder, "--table", "tiers", "--format", "csv",
               "--out", tmp_path / "o")  # fmt: skip

    assert table["handled"] is None
    assert 0 == page.exit_code


@pytest.mark.parametrize("form", ["json", "html", "xlsx", "csv"])
@pytest.mark.parametrize("table", ["tiers", "figures"])
@pytest.mark.parametrize("published", [False, True])
def test_both_in_every_form(
    history: Path, tmp_path: Path, table: str, form: str, *, published: bool
) -> None:
    """Written whole and published."""
    more = ["--published"] if published else []
    done = run("month", "2015-11", "--local", history, "--table", table, "--format", form,
               "--out", tmp_path / "o", *more)  # fmt: skip
    (body,) = [path.read_bytes() for path in (tmp_path / "o").iterdir()]

    assert (0, True) == (done.exit_code, bool(body))
    if table == "figures" and form == "csv":
        assert "需要：columns.acked、limits.acked" in body.decode("utf-8-sig")


def test_published_figures_are_a_table_of_their_own(history: Path) -> None:
    """Beside the month's counts they could give away what either hides; the table hides by itself."""
    month = json.loads(run("month", "2015-11", "--local", history, "--published").stdout)
    table = json.loads(
        run("month", "2015-11", "--local", history, "--table", "figures", "--published").stdout
    )

    assert month["figures"] is None
    numbers = [
        n
        for each in table["figures"]
        for n in (
            [each["value"]["numerator"], each["value"]["denominator"]] if each["value"] else []
        )
        + [one["count"] for one in each["beside"]]
    ]
    assert [] == [n for n in numbers if n and n < 5]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("affairs: {by: source}", "affairs.by: source has no column"),
        ("affairs: {by: area}", "affairs.by: area has no column"),
        ("affairs: {emergency: [a], livelihood: [a]}", "one text stands in two classes"),
        ("affairs: {emergencies: [a]}", "unknown field `emergencies`"),
        ("urgent: {by: priority, texts: [a]}", "urgent.by: priority has no column"),
        ("sub_centres: {S: [a], N: [a]}", "one area stands under two"),
        ("sub_centres: {S: [a]}", "area has no column"),
    ],
)
def test_a_wrong_class_or_sub_centre_is_told_with_its_line(
    tmp_path: Path, fields: str, said: str
) -> None:
    """`import --check` names the field."""
    text = (
        'time_zone: UTC\ntime_formats: ["%Y"]\nkey: ["no"]\ncolumns: {received: in, kind: what}\n'
    )
    (tmp_path / "map.yaml").write_text(f"{text}{fields}\n", "utf-8")
    done = run("import", "--check", "--mapping", tmp_path / "map.yaml")

    assert 2 == done.exit_code
    assert said in done.output
    assert "line 5" in done.output


def test_classes_are_explained(tmp_path: Path) -> None:
    """`import --explain` says by what cases are classed, and which tables that answers."""
    (tmp_path / "map.yaml").write_text(MAPPING, "utf-8")
    said = run("import", "--explain", "--mapping", tmp_path / "map.yaml").output

    for words in (
        "affair classes are told by kind: 3 texts are named, every other is unclassified",
        "sub-centres: 南片",
        "urgent is kind = fire",
        "table tiers: answered",
        "table figures: answered",
    ):
        assert words in said


def test_upward_reports_are_refused_by_name(history: Path) -> None:
    """T6: no mapping reads them, and the sentence says so."""
    done = run("month", "2015-11", "--local", history, "--table", "reports")

    assert 2 == done.exit_code
    assert "no column of a mapping says upward reports" in done.stderr
