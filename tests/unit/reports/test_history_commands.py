"""`import` and `month --local`: what they print, and how they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.reports.adapters.commands import app
from tests.unit.reports.history_files import row, written

MAPPING = """
time_zone: Asia/Shanghai
time_formats: ["%Y-%m-%d %H:%M:%S"]
key: ["no"]
columns: {received: in, closed: done, due: due, area: where}
"""
ROWS = [
    row(no="1", in_="2026-11-01 00:00:00", due="2026-11-02 00:00:00", done="2026-11-02 00:00:00"),
    row(no="2", in_="2026-11-30 23:59:59", due="2026-12-01 00:00:00", done="2026-12-01 00:00:01"),
    row(no="3", in_="2026-11-05 00:00:00", due="2026-11-06 00:00:00"),
    row(no="4", in_="2026-12-01 00:00:00", due="2026-12-09 00:00:00", done="2026-11-30 00:00:00"),
    row(no="5", in_="soon"),
]


def run(*words: str | Path) -> Result:
    """Run the command line."""
    return CliRunner().invoke(app, [str(word) for word in words])


def load(folder: Path, *more: str, region: str = "county") -> Result:
    """Import ROWS into *folder*/h."""
    (folder / "map.yaml").write_text(MAPPING, "utf-8")
    file = written(folder / "a.csv", ROWS)
    mapping, local = folder / "map.yaml", folder / "h"
    return run("import", file, "--mapping", mapping, "--region", region, "--local", local, *more)


def month(folder: Path, label: str, *more: str) -> dict[str, Any]:
    """Return the month as printed."""
    printed: dict[str, Any] = json.loads(
        run("month", label, "--local", folder / "h", "--json", *more).stdout
    )
    return printed


def test_an_import_says_what_it_did(tmp_path: Path) -> None:
    """As JSON on the screen, with what was refused and where that stands."""
    done = json.loads(load(tmp_path).stdout)

    assert (5, 4, 4) == (done["rows"], done["cases"], done["new"])
    assert {"unreadable_time": 1} == done["rejected"]
    assert 1 == done["closed_before_received"]
    assert "5,,unreadable_time,received,in,aaaa" in Path(done["rejects_file"]).read_text()


def test_a_month_is_local_and_half_open(tmp_path: Path) -> None:
    """[1 November, 1 December) in Shanghai: the last second is in, the next is not."""
    load(tmp_path)

    assert 3 == month(tmp_path, "2026-11")["total"]["counts"]["cases"]
    assert 1 == month(tmp_path, "2026-12")["total"]["counts"]["cases"]
    assert 0 == month(tmp_path, "2027-01")["total"]["counts"]["cases"]


def test_every_rate_says_what_it_leaves_out(tmp_path: Path) -> None:
    """Closed exactly at its due time is in time; open ones are left out by name."""
    load(tmp_path)
    rates = month(tmp_path, "2026-11")["total"]["rates"]

    assert {
        "numerator": 1,
        "denominator": 2,
        "percent": 50.0,
        "excluded": {"no_due": 0, "open": 1},
    } == rates["closed_by_due"]
    assert all(
        {"numerator", "denominator", "percent", "excluded"} == set(r) for r in rates.values()
    )


def test_timeliness_is_of_those_due_in_the_month(tmp_path: Path) -> None:
    """应结案: due in the month, whenever received; the one still open is not on time."""
    load(tmp_path)
    november, december = (
        month(tmp_path, label)["due_in_month"]["rates"]["by_due_of_should"]
        for label in ("2026-11", "2026-12")
    )

    assert (1, 2) == (november["numerator"], november["denominator"])
    assert (1, 2) == (december["numerator"], december["denominator"])


@pytest.mark.parametrize(
    ("words", "open_past", "origin"),
    [
        ([], 1, "latest stamp"),
        (["--as-of", "2026-11-06T00:00:00"], 0, "option"),
        (["--as-of", "2026-11-06T00:00:01"], 1, "option"),
    ],
)
def test_open_cases_are_judged_as_of(
    tmp_path: Path, words: list[str], open_past: int, origin: str
) -> None:
    """Past due: due before the instant, which is local; unasked it is the latest stamp known."""
    load(tmp_path)
    found = month(tmp_path, "2026-11", *words)

    assert open_past == found["total"]["counts"]["open_past_due"]
    assert origin == found["basis"]["as_of_from"]


def test_an_import_can_bring_its_as_of(tmp_path: Path) -> None:
    """`--as-of` at the import stays with the region."""
    load(tmp_path, "--as-of", "2026-11-06T00:00:00")
    basis = month(tmp_path, "2026-11")["basis"]

    assert ("2026-11-05T16:00:00Z", "import") == (basis["as_of"], basis["as_of_from"])


def test_of_two_regions_one_is_named(tmp_path: Path) -> None:
    """Never a guess, never both added."""
    load(tmp_path)
    load(tmp_path, region="town")
    unnamed = run("month", "2026-11", "--local", tmp_path / "h")

    assert 2 == unnamed.exit_code
    assert "name one by --region: county, town" in unnamed.output
    assert "town" == month(tmp_path, "2026-11", "--region", "town")["region"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["month", "2026-13", "--local", "{}/h"], "write YYYY-MM"),
        (["month", "2026-11", "--local", "{}/empty"], "no history in"),
        (["month", "2026-11", "--local", "{}/h", "--region", "mars"], "region mars is not"),
        (
            ["import", "{}/no.csv", "--mapping", "{}/map.yaml", "--region", "a", "--local", "{}/h"],
            "name a file that can be read",
        ),
        (
            ["import", "{}/a.csv", "--mapping", "{}/no.yaml", "--region", "a", "--local", "{}/h"],
            "name a file that can be read",
        ),
        (
            [
                "import",
                "{}/a.csv",
                "--mapping",
                "{}/map.yaml",
                "--region",
                "A/B",
                "--local",
                "{}/h",
            ],
            "write it in a-z",
        ),
    ],
)
def test_a_wrong_use_ends_with_what_to_do(tmp_path: Path, words: list[str], said: str) -> None:
    """Exit code 2 and the way out."""
    load(tmp_path)
    result = run(*(word.format(tmp_path) for word in words))

    assert 2 == result.exit_code
    assert said in result.output
