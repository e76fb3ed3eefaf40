"""Bulletins, daily reports and checklists of imported history are the platform's own, without what no column says."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from services.reports.adapters import history, history_bulletins
from services.reports.adapters.history_cases import cases_of
from services.reports.adapters.history_scope import scope_of
from services.reports.domain import period as periods
from services.reports.domain.bulletin import bulletin
from services.reports.domain.facts import Population
from services.reports.domain.history_facts import facts_of
from services.reports.domain.history_mapping import Mapping, Stamp
from services.reports.domain.history_pack import pack_of
from services.reports.domain.history_tables import fitted
from tests.unit.reports import history_files
from tests.unit.reports.history_files import JUDGED, row
from tests.unit.reports.test_history_commands import run

FIRST = datetime(2014, 7, 1, 0, 30)  # noqa: DTZ001 - local, as the file has it
FORM = "%Y-%m-%d %H:%M:%S"
PLAIN: Mapping = replace(JUDGED, as_of=datetime(2016, 1, 10), ignore_case=False)  # noqa: DTZ001 - the same


def rows(days: int = 549, calls: int = 900, *, busier: int = 2) -> list[dict[str, str]]:
    """Return cases from 1 July 2014 on, in the last quarter *busier* times as many fires."""
    draw = Random(7)
    found = [row(no="0", in_=FIRST.strftime(FORM), dept="A", what="fire")]
    for n in range(1, calls):
        at = FIRST + timedelta(days=draw.random() * days)
        many = busier if at >= datetime(2015, 10, 1) else 1  # noqa: DTZ001 - local
        found += [_case(f"{n}-{again}", at, draw) for again in range(draw.choice([1, many]))]
    return [*found, row(no="last", in_="2015-12-31 23:50:00", dept="B", what="flood")]


def _case(no: str, at: datetime, draw: Random) -> dict[str, str]:
    late = draw.random() < 0.2

    def after(minutes: float) -> str:
        return (at + timedelta(minutes=minutes)).strftime(FORM)

    return row(
        no=no, in_=at.strftime(FORM), out=after(1), signed=after(draw.choice([1.5, 4])),
        there=after(draw.choice([5, 7, 30])), done=after(600 if late else 50), due=after(60),
        dept=draw.choice("AABC"), what=draw.choice(["fire", "ems: fall", "ems: burn", "flood"]),
        where=draw.choice(["south", "north", ""]), state=draw.choice(["", "", "", "", "void"]),
    )  # fmt: skip


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A year and a half of an invented centre."""
    folder = tmp_path_factory.mktemp("bulletins")
    history_files.load(history_files.written(folder / "a.csv", rows()), folder / "h", PLAIN)
    return folder / "h"


@pytest.mark.parametrize("label", ["2015-Q4", "2015-Q2", "2015-H2"])
@pytest.mark.parametrize("published", [False, True])
def test_it_is_what_the_pure_functions_compute(kept: Path, label: str, *, published: bool) -> None:
    """T1, T2, T3, T5, what changed, ranks and scores, from facts one by one."""
    with history.opened(kept, write=False) as db:
        scope = scope_of(db, None, None)
        period = periods.longer(label, scope.zone)
        made, _ = history_bulletins.bulletin(scope, period, published=published)
        basis = scope.basis(period)
        facts = facts_of(cases_of(scope, "true"), basis, scope.zone)
        pack = pack_of(
            "county", basis, rows={c.category for c in facts.calls},
            areas={c.area for c in facts.calls if c.area}, units="ABC",
        )  # fmt: skip
    whole = bulletin((facts, facts, facts), period, Population.REAL, pack, published=published)
    expected = replace(
        whole,
        overview=replace(fitted(whole.overview, basis), opening=whole.opening),
        categories=whole.categories
        and fitted(whole.categories, basis, last_year=label != "2015-Q2"),
        overdue=whole.overdue and fitted(whole.overdue, basis),
    )

    assert msgspec.to_builtins(expected) == msgspec.to_builtins(
        replace(made, overview=replace(made.overview, opening=made.opening))
    )
    assert made.ranking


def test_the_first_paragraph_tells_what_changed(kept: Path, tmp_path: Path) -> None:
    """Twice as many cases: the third-quarter's and last year's numbers stand beside."""
    page = run("bulletin", "2015-Q4", "--local", kept, "--out", tmp_path)
    (body,) = [path.read_text("utf-8") for path in tmp_path.iterdir()]

    assert 0 == page.exit_code
    assert "变化最大的三项" in body or "变化显著的有" in body
    assert "第四季度" in body or "第4季度" in body


@pytest.mark.parametrize("form", ["json", "html", "xlsx", "csv"])
@pytest.mark.parametrize(
    "words", [["bulletin", "2015-Q4"], ["bulletin", "2015"], ["daily", "2015-11-02"]]
)
def test_every_form(kept: Path, tmp_path: Path, words: list[str], form: str) -> None:
    """Written where it is asked for."""
    done = run(*words, "--local", kept, "--format", form, "--out", tmp_path)

    assert 0 == done.exit_code, done.output
    assert [form] == [path.suffix[1:] for path in tmp_path.iterdir()]


def bare(folder: Path) -> Path:
    """Import only receipts and categories."""
    columns = replace(
        PLAIN.columns,
        **{s: None for s in Stamp if s is not Stamp.RECEIVED},
        department=None,
        number=None,
    )
    mapping = replace(
        PLAIN, columns=columns, limits=type(PLAIN.limits)(), label=None, standing=None
    )
    history_files.load(history_files.written(folder / "a.csv", rows()), folder / "h", mapping)
    return folder / "h"


def test_what_no_column_says_is_left_out_and_told(tmp_path: Path) -> None:
    """No departments and no limits: the bulletin has no ranking and no rates, and says why."""
    local = bare(tmp_path)
    done = run("bulletin", "2015-Q4", "--local", local, "--format", "csv", "--out", tmp_path / "o")
    (body,) = [path.read_text("utf-8-sig") for path in (tmp_path / "o").iterdir()]
    made: dict[str, Any] = json.loads(
        run("bulletin", "2015-Q4", "--local", local, "--format", "json").stdout
    )

    assert 0 == done.exit_code
    assert [None] * 4 == [made[n] for n in ("units", "overdue", "ranking", "assessment")]
    assert made["categories"]["total"]["count"]
    assert "未列考核排名：需要 columns.unit or columns.department" in body
    assert "有效率" not in body.partition("\n\n")[0]


def test_a_ranking_needs_the_period_before(kept: Path, tmp_path: Path) -> None:
    """Its workload makes the classes: the first period of the data ranks nobody."""
    first = json.loads(run("bulletin", "2014-Q3", "--local", kept, "--format", "json").stdout)
    done = run("bulletin", "2014-Q3", "--local", kept, "--format", "csv", "--out", tmp_path)
    (body,) = [path.read_text("utf-8-sig") for path in tmp_path.iterdir()]

    assert 0 == done.exit_code
    assert (None, True) == (first["ranking"], first["units"] is not None)
    assert "上期（2014-Q2）未导入或不全" in body


def test_a_period_the_data_begin_in_is_not_compared(tmp_path: Path) -> None:
    """Half a quarter beside a whole one would look like a rise."""
    late = [each for each in rows() if each["in"] >= "2014-09-10"]
    history_files.load(history_files.written(tmp_path / "a.csv", late), tmp_path / "h", PLAIN)
    local = tmp_path / "h"
    made = json.loads(run("bulletin", "2014-Q4", "--local", local, "--format", "json").stdout)
    month = json.loads(run("month", "2014-10", "--local", local, "--table", "overview").stdout)
    every = json.loads(run("month", "2014-10", "--local", local, "--json").stdout)

    assert ("nothing_before", None) == (made["opening"]["finding"], made["ranking"])
    assert "nothing_before" == month["opening"]["finding"]
    assert any("the data begin at 2014-09-10" in note["en"] for note in every["notes"])


def test_a_month_has_no_bulletin(kept: Path) -> None:
    """And is told what has."""
    done = run("bulletin", "2015-11", "--local", kept)

    assert 2 == done.exit_code
    assert "2015-11" in done.stderr


def test_the_daily_report_lists_no_severities(kept: Path, tmp_path: Path) -> None:
    """Neither that the day was ordinary, which no column says."""
    found = json.loads(run("daily", "2015-11-02", "--local", kept, "--format", "json").stdout)
    done = run("daily", "2015-11-02", "--local", kept, "--format", "csv", "--out", tmp_path)
    (body,) = [path.read_text("utf-8-sig") for path in tmp_path.iterdir()]

    assert 0 == done.exit_code
    assert (None, "2015-11-02") == (found["grave"], found["heading"]["period"])
    assert found["overview"]["valid"]
    assert "特护期内" not in body
    assert "不列重大事件" in body


def test_the_checklist_proves_what_was_frozen(kept: Path) -> None:
    """五个一: bulletin and ledger by the frozen month, the other three by hand."""
    before = json.loads(run("checklist", "2015-06", "--local", kept, "--format", "json").stdout)
    run("freeze", "2015-06", "--local", kept)
    after = json.loads(run("checklist", "2015-06", "--local", kept, "--format", "json").stdout)

    def proofs(found: dict[str, Any]) -> dict[str, str]:
        return {item["id"]: item["proof"] for item in found["items"]}

    assert {"not_done", "by_hand"} == set(proofs(before).values())
    assert ("done", "done", "by_hand") == tuple(
        proofs(after)[duty] for duty in ("bulletin", "ledger", "meeting")
    )
