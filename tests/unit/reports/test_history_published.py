"""What is published of imported history: no count of one to four, in any form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from services.reports.adapters.commands import app
from services.reports.domain import history_month
from services.reports.domain import period as periods
from services.reports.domain.history_published import published_month
from services.reports.domain.history_rows import cases
from services.reports.domain.history_terms import basis_of, terms_of
from tests.unit.reports.history_files import JUDGED, row, written

TERMS = terms_of(replace(JUDGED, missing_before=None))
NOVEMBER = periods.month("2015-11", ZoneInfo("America/New_York"))
MAPPING = """
time_zone: America/New_York
time_formats: ["%Y-%m-%d %H:%M:%S"]
key: ["no"]
columns: {number: "no", received: in, arrived: there, closed: done, due: due, department: dept, kind: what}
standing: {column: state, exercise: [drill]}
limits: {arrived: 480}
"""


def numbers(found: Any) -> Iterator[int]:
    """Yield every count in *found*; lengths in seconds are none."""
    for name, value in found.items():
        if isinstance(value, dict):
            yield from numbers(value)
        elif isinstance(value, list):
            for each in value:
                yield from numbers(each)
        elif isinstance(value, int) and not name.endswith(("_s", "percent")):
            yield value


PLAIN = st.fixed_dictionaries(
    {
        "at": st.integers(1, 28),
        "took": st.sampled_from([None, 2, 4, 9]),
        "closed": st.booleans(),
        "due": st.sampled_from([None, 1, 2]),
        "dept": st.sampled_from(["A", "A", "A", "B", ""]),
        "said": st.sampled_from(["", "OK", "LATE"]),
    }
)


def made(n: int, case: dict[str, Any]) -> dict[str, str]:
    """Return the row of a case of November."""
    took = case["took"]
    return row(
        no=str(n),
        in_=f"2015-11-{case['at']:02} 08:00:00",
        out=f"2015-11-{case['at']:02} 08:00:30",
        signed=f"2015-11-{case['at']:02} 08:01:10",
        there="" if took is None else f"2015-11-{case['at']:02} 08:0{took}:00",
        done=f"2015-11-{case['at'] + 1:02} 08:00:00" if case["closed"] else "",
        due="" if case["due"] is None else f"2015-11-{case['at'] + case['due']:02} 07:00:00",
        dept=case["dept"],
        verdict=case["said"],
    )


@given(st.lists(PLAIN, max_size=60))
@settings(max_examples=40, deadline=None)
def test_no_small_count_is_published(rows: list[dict[str, Any]]) -> None:
    """Not in a whole, a part, a band, a length nor a rate."""
    pure, refused = cases([made(n, each) for n, each in enumerate(rows)], JUDGED, "county")
    at = datetime(2015, 12, 1, tzinfo=UTC)
    basis = basis_of("county", [TERMS], TERMS, (at, "option"))
    month = published_month(history_month.month(pure, "county", NOVEMBER, basis))
    tables = [month["total"], month["due_in_month"], *month["by_hour"], *month["units"]]
    tables += [each for rows in month["by"].values() for each in rows]
    shown = [{"counts": t["counts"], "rates": t["rates"]} for t in tables]

    assert [] == refused
    assert not [n for each in shown for n in numbers(each) if 0 < n < 5]


def run(*words: str | Path) -> Result:
    """Run the command line."""
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Thirty cases of two departments in November, one exercise."""
    (tmp_path / "map.yaml").write_text(MAPPING, "utf-8")
    rows = [
        row(
            no=str(n), in_=f"2015-11-{n % 20 + 1:02} 08:00:00", dept="A" if n % 10 else "B",
            there=f"2015-11-{n % 20 + 1:02} 08:0{n % 10}:30", what="fire" if n % 3 else "flood",
            due=f"2015-11-{n % 20 + 2:02} 08:00:00", done=f"2015-11-{n % 20 + 2:02} 07:00:00",
            state="drill" if n == 29 else "",
        )
        for n in range(30)
    ]  # fmt: skip
    file = written(tmp_path / "a.csv", rows)
    done = run(
        "import", file, "--mapping", tmp_path / "map.yaml", "--region", "county",
        "--local", tmp_path / "h",
    )  # fmt: skip

    assert 0 == done.exit_code, done.output
    return tmp_path / "h"


@pytest.mark.parametrize("form", ["json", "html", "xlsx", "csv"])
@pytest.mark.parametrize("table", ["overview", "categories", "units", "overdue", "gaps", "quality"])
def test_every_table_in_every_form(history: Path, tmp_path: Path, table: str, form: str) -> None:
    """Written where it is asked for, published, with what a reader has to know."""
    done = run(
        "month", "2015-11", "--local", history, "--table", table, "--format", form,
        "--published", "--out", tmp_path / "out",
    )  # fmt: skip
    body = (tmp_path / "out" / f"county-2015-11-published-{table}.{form}").read_bytes()

    assert 0 == done.exit_code
    assert body
    if form in {"html", "csv"}:
        assert "本表由导入的历史数据统计" in body.decode("utf-8-sig")


def test_without_a_table_json_is_every_figure(history: Path) -> None:
    """And --published hides in it; --population exercise is the one exercise."""
    whole = json.loads(run("month", "2015-11", "--local", history, "--json").stdout)
    hidden = json.loads(run("month", "2015-11", "--local", history, "--published").stdout)
    drill = json.loads(
        run("month", "2015-11", "--local", history, "--population", "exercise").stdout
    )
    of_b = {part["value"]: part["counts"]["cases"] for part in hidden["by"]["department"]}

    assert (30, {"exercise": 1}, 29) == (
        whole["received"], whole["left_out"], whole["total"]["counts"]["cases"],
    )  # fmt: skip
    assert {"A": None, "B": None} == of_b
    assert 1 == drill["total"]["counts"]["cases"]


def test_longer_day_and_assessment(history: Path, tmp_path: Path) -> None:
    """The other commands answer from the same folder."""
    out = tmp_path / "out"
    year = json.loads(run("longer", "2015", "--local", history, "--format", "json").stdout)
    day = json.loads(run("day", "2015-11-03", "--local", history, "--table", "overview").stdout)
    assessed = run("assess", "2015-11", "--local", history, "--format", "html", "--out", out)

    assert 29 == year["total"]["counts"]["cases"]
    assert 2 == day["valid"]
    assert (0, True) == (assessed.exit_code, (out / "county-2015-11-assessment.html").exists())


def test_what_cannot_be_answered_is_told_and_the_rest_written(
    history: Path, tmp_path: Path
) -> None:
    """A table no column can feed ends with code 2; without --table the others are written."""
    refused = run("month", "2015-11", "--local", history, "--table", "tiers")
    rest = run("month", "2015-11", "--local", history, "--format", "csv", "--out", tmp_path / "o")

    assert 2 == refused.exit_code
    assert "affairs (which texts are of which affair class)" in refused.output
    assert (0, 7) == (rest.exit_code, len(list((tmp_path / "o").iterdir())))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--check", "--mapping", "{}/map.yaml"], "the mapping can be used"),
        (["{}/a.csv", "--check", "--mapping", "{}/map.yaml"], "the mapping can be used"),
        (["--explain", "--mapping", "{}/map.yaml"], "table categories: answered"),
        (["{}/a.csv", "--suggest"], "time_formats"),
    ],
)
def test_a_mapping_can_be_checked_explained_and_suggested(
    history: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    """Nothing is stored by them."""
    done = run("import", *(word.format(tmp_path) for word in words))

    assert 0 == done.exit_code
    assert said in done.output
