"""Months of imported history stay as they were frozen: the same bytes, both values, named refusals."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from services.reports.adapters import history, history_freezing, history_frozen_files
from services.reports.adapters.commands import app
from services.reports.adapters.history_freezing import LocalOffice
from services.reports.adapters.history_scope import scope_of
from services.reports.adapters.running_stack import DATABASE
from services.reports.domain import period as periods
from services.reports.domain.freezing import FreezeRefusal, FreezeRefused, RevisionReason, opens_at
from services.reports.domain.history_mapping import Within
from services.reports.domain.period import Period
from tests.unit.reports.history_files import JUDGED, load, row, written

LABEL = "2015-11"
FEW = replace(
    JUDGED,
    columns=replace(JUDGED.columns, kind=None, area=None, number=None, turned_out=None),
    within=Within(),
)
"""Few columns: statements are planned, not run, for most of a test's time."""
FIRST = [
    row(no="1", dept="roads", what="road: hole", done="2015-11-02 08:30:00", signed="2015-11-02 08:00:30"),
    row(no="2", dept="roads", what="road: ice", done="2015-11-02 12:00:00", there="2015-11-02 08:05:00"),
    row(no="3", dept="water", what="leak: pipe"),
    row(no="4", in_="2014-11-02 08:00:00", dept="water", what="leak: pipe"),
    row(no="5", dept="water", what="leak: drain", state="drill"),
]  # fmt: skip
CHANGED = [row(no="3", dept="water", what="leak: pipe", done="2015-11-02 08:20:00"), row(no="6")]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with FIRST imported (`free`), and the same after a freeze (`frozen`)."""
    place = tmp_path_factory.mktemp("prepared")
    load(written(place / "a.csv", FIRST), place / "free", FEW)
    shutil.copytree(place / "free", place / "frozen")
    run("freeze", LABEL, "--local", place / "frozen")
    return place


@pytest.fixture
def local(prepared: Path, tmp_path: Path) -> Path:
    """Return a folder with FIRST imported."""
    return Path(shutil.copytree(prepared / "free", tmp_path / "h"))


@pytest.fixture
def frozen(prepared: Path, tmp_path: Path) -> Path:
    """Return a folder with FIRST imported and November frozen."""
    return Path(shutil.copytree(prepared / "frozen", tmp_path / "f"))


def correct(local: Path) -> None:
    """Import a second file: case 3 was closed, case 6 is new."""
    load(written(local.parent / "b.csv", CHANGED), local, FEW)


def run(*words: str | Path) -> Result:
    """Run the command line."""
    return CliRunner().invoke(app, [str(word) for word in words])


def stored(local: Path, number: int = 0) -> dict[str, bytes]:
    """Return every file of a stored revision by its name."""
    place = local / "frozen" / "county" / LABEL / str(number)
    return {path.name: path.read_bytes() for path in sorted(place.iterdir())}


@contextmanager
def office(local: Path, now: Callable[[Period], datetime]) -> Iterator[tuple[LocalOffice, Period]]:
    """Give the office of *local* by the clock *now*, and the month."""
    with history.opened(local, write=False) as db:
        scope = scope_of(db, None, None)
        period = periods.month(LABEL, scope.zone)
        yield LocalOffice(scope, local, lambda: now(period)), period


def test_a_frozen_month_keeps_its_tables_and_what_they_rest_on(local: Path) -> None:
    """Tables of both populations and forms, pack, rows, as-of, digests of files and mappings."""
    done = run("freeze", LABEL, "--local", local)
    found = stored(local)
    record = json.loads(found["revision.json"])

    assert 0 == done.exit_code, done.output
    assert {"overview-real.json", "units-exercise-published.json", "month-real.json"} <= set(found)
    assert 0 == record["revision"]["number"]
    assert ("2015-12-01T05:00:00Z", "import") == (record["as_of"], record["as_of_from"])
    assert [5] == [each["rows"] for each in record["revision"]["files"]]
    assert [(1, 64, 64)] == [
        (each["number"], len(each["sha256"]), len(each["mapping_sha256"]))
        for each in record["sources"]
    ]


def test_a_month_is_frozen_once(frozen: Path) -> None:
    """What stands is corrected by a revision only."""
    before = stored(frozen)
    again = run("freeze", LABEL, "--local", frozen)

    assert 4 == again.exit_code
    assert "already_frozen" in again.stderr
    assert before == stored(frozen)


def test_of_two_freezes_at_once_one_holds(local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A revision appears whole under its number or not at all."""
    monkeypatch.setattr(history_frozen_files.FrozenFolder, "record", lambda *_: None)
    run("freeze", LABEL, "--local", local)
    before = stored(local)
    second = run("freeze", LABEL, "--local", local)

    assert "already_frozen" in second.stderr
    assert before == stored(local)
    assert ["0"] == [each.name for each in (local / "frozen" / "county" / LABEL).iterdir()]


def test_recompute_gives_the_same_bytes_after_a_later_import(frozen: Path) -> None:
    """It counts the rows stored with the month, not what is imported by now."""
    correct(frozen)
    again = run("recompute", LABEL, "--local", frozen)

    assert 0 == again.exit_code, again.output
    assert "same" in again.stdout
    assert "DIFFERS" not in again.stdout


def test_recompute_names_the_table_that_differs(
    frozen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table counted in another way by now is named, and what was stored stays."""
    before = stored(frozen)
    monkeypatch.setattr("services.reports.domain.gaps.FORMULA", 99)
    again = run("recompute", LABEL, "--local", frozen)

    assert 3 == again.exit_code
    assert "DIFFERS  gaps/real: stored" in again.stdout
    assert "and 99 now" in again.stdout
    assert before == stored(frozen)


@pytest.mark.parametrize("name", ["units-real.json", "cases.parquet"])
@pytest.mark.parametrize("altered", [False, True])
def test_recompute_puts_back_what_was_lost_or_altered(
    frozen: Path, name: str, *, altered: bool
) -> None:
    """While the rows are there, in the folder of the month or in the history."""
    before = stored(frozen)
    path = frozen / "frozen" / "county" / LABEL / "0" / name
    path.write_bytes(b"{}") if altered else path.unlink()
    again = run("recompute", LABEL, "--local", frozen)

    assert 0 == again.exit_code, again.output
    assert before == stored(frozen)


def test_lost_rows_of_a_changed_history_are_refused(frozen: Path) -> None:
    """Nothing is put back that would not be what was stored."""
    correct(frozen)
    rows = frozen / "frozen" / "county" / LABEL / "0" / "cases.parquet"
    rows.unlink()
    again = run("recompute", LABEL, "--local", frozen)

    assert 4 == again.exit_code
    assert "body_deleted" in again.stderr
    assert not rows.exists()


def test_nothing_changed_is_no_revision(frozen: Path) -> None:
    """A revision needs another number somewhere."""
    revised = run("revise", LABEL, "--reason", "correction", "--local", frozen)

    assert 4 == revised.exit_code
    assert "nothing_changed" in revised.stderr


def test_a_revision_stands_beside_the_freeze_with_both_values(frozen: Path) -> None:
    """Two cases became closed or came: `diff` shows the figure then and now."""
    before = stored(frozen)
    correct(frozen)
    revised = run("revise", LABEL, "--reason", "late_events", "--local", frozen)
    compared = run("diff", LABEL, "--to", "1", "--local", frozen)

    assert 0 == revised.exit_code, revised.output
    assert before == stored(frozen)
    assert 1 == json.loads(stored(frozen, 1)["revision.json"])["revision"]["number"]
    assert 3 == compared.exit_code
    assert "month/real\ttotal/counts/cases\t3\t4\tchanged" in compared.stdout
    assert "month/real\ttotal/counts/closed\t2\t3\tchanged" in compared.stdout


def test_diff_compares_with_what_is_imported_now(frozen: Path) -> None:
    """Without --to; nothing differs before the second file, and nothing is printed."""
    same = run("diff", LABEL, "--local", frozen)
    correct(frozen)
    differs = run("diff", LABEL, "--local", frozen)

    assert (0, "") == (same.exit_code, same.stdout)
    assert 3 == differs.exit_code
    assert "overview/real\tvalid\t3\t4\tchanged" in differs.stdout


def test_a_month_says_that_it_is_frozen_and_what_differs(local: Path) -> None:
    """On the error stream: one row came, one changed; standard output stays JSON."""
    free = run("month", LABEL, "--local", local)
    run("freeze", LABEL, "--local", local)
    frozen = run("month", LABEL, "--local", local)
    correct(local)
    differs = run("month", LABEL, "--local", local)

    assert "frozen" not in free.stderr
    assert "is frozen, revision 0" in frozen.stderr
    assert "unchanged since" in frozen.stderr
    assert "1 rows new, 1 changed, 0 gone" in differs.stderr
    assert 4 == json.loads(differs.stdout)["total"]["counts"]["cases"]


def test_a_later_as_of_alone_is_told(frozen: Path) -> None:
    """Open cases judged within the month at another time can give other figures."""
    told = run("month", LABEL, "--local", frozen, "--as-of", "2015-11-02T09:00:00")

    assert "judged at another time" in told.stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["freeze", "2016-02"], "not_imported"),
        (["revise", LABEL, "--reason", "correction"], "not_frozen"),
        (["recompute", LABEL], "not_frozen"),
        (["diff", LABEL], "not_frozen"),
    ],
)
def test_refusals_are_named(local: Path, words: list[str], reason: str) -> None:
    """Exit code 4, the reason first, and nothing is left behind."""
    refused = run(*words, "--local", local)

    assert 4 == refused.exit_code
    assert refused.stderr.startswith(f"{reason}: ")
    assert not list((local / "frozen").rglob("*.json"))


def test_an_unknown_revision_is_named(frozen: Path) -> None:
    """The freeze is there, its revision is not."""
    assert (
        "unknown_revision" in run("recompute", LABEL, "--revision", "3", "--local", frozen).stderr
    )


def test_a_folder_without_history_is_named(tmp_path: Path) -> None:
    """Nothing is created there."""
    refused = run("freeze", LABEL, "--local", tmp_path / "none")

    assert 4 == refused.exit_code
    assert "not_imported" in refused.stderr
    assert not (tmp_path / "none").exists()


def test_a_month_is_not_frozen_before_its_third_day(local: Path) -> None:
    """T + 3 days holds for imported history as for the platform's own."""
    second = timedelta(seconds=1)
    with (
        office(local, lambda period: opens_at(period) - second) as (early, period),
        pytest.raises(FreezeRefused) as refused,
    ):
        early.freeze(period)
    with office(local, opens_at) as (ready, period):
        frozen = ready.freeze(period)

    assert FreezeRefusal.TOO_EARLY is refused.value.reason
    assert datetime(2015, 12, 4, 5, tzinfo=UTC) == frozen.at


@pytest.mark.parametrize("step", ["_written", "write"])
def test_ctrl_c_leaves_nothing(local: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """A revision that is stopped while it is written is not there."""

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(history_freezing, step, stopped)
    ended = run("freeze", LABEL, "--local", local)
    monkeypatch.undo()

    assert 130 == ended.exit_code
    assert "nothing was stored" in ended.stderr
    assert not [path for path in (local / "frozen").rglob("*") if path.is_file()]


def test_a_later_month_changes_nothing(tmp_path: Path) -> None:
    """Open cases stay judged at the as-of of the freeze, although the newest stamp moved on."""
    mapping, local = replace(FEW, as_of=None), tmp_path / "h"
    until = row(
        no="8",
        dept="water",
        what="leak: pipe",
        in_="2015-11-30 09:00:00",
        due="2015-12-09 00:00:00",
    )
    later = [
        row(no=str(n), in_=f"2015-12-{n} 09:00:00", done=f"2015-12-{n} 10:00:00") for n in (10, 20)
    ]
    load(written(tmp_path / "a.csv", [*FIRST, until, later[0]]), local, mapping)
    run("freeze", LABEL, "--local", local)
    load(written(tmp_path / "b.csv", later[1:]), local, mapping)
    compared = run("diff", LABEL, "--local", local)
    revised = run("revise", LABEL, "--reason", "late_events", "--local", local)
    told = run("month", LABEL, "--local", local)

    assert (0, "") == (compared.exit_code, compared.stdout)
    assert "nothing_changed" in revised.stderr
    assert "unchanged since" in told.stderr


def test_a_revision_has_its_reason(frozen: Path) -> None:
    """The record says why numbers changed."""
    correct(frozen)
    with office(frozen, opens_at) as (ours, period):
        revision = ours.revise(period, RevisionReason.CORRECTION)

    assert (1, RevisionReason.CORRECTION) == (revision.number, revision.reason)


def test_what_needs_the_platform_refuses_imported_history(local: Path) -> None:
    """By name, with what --local can do: a roster is of the platform's own units."""
    refused = run("roster", "a.csv", "--local", local)

    assert 2 == refused.exit_code
    assert "needs_facts: roster needs the platform's facts" in refused.stderr


@pytest.mark.parametrize(
    "words",
    [["freeze", LABEL], ["diff", LABEL], ["month", LABEL], ["roster", "a.csv"]],
)
def test_a_stack_beside_an_address_in_the_environment_is_refused(
    monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """One of the two would be ignored without a word."""
    monkeypatch.setenv(DATABASE, "postgresql://elsewhere")
    refused = run(*words, "--stack", "county")

    assert 2 == refused.exit_code
    assert "stack_or_environment" in refused.stderr


def test_two_places_are_refused(local: Path) -> None:
    """--local and --stack at once, and --as-of without --local."""
    both = run("freeze", LABEL, "--local", local, "--stack", "county")
    alone = run("freeze", LABEL, "--as-of", "2015-12-01T00:00:00", "--stack", "county")

    assert (2, 2) == (both.exit_code, alone.exit_code)
    assert "name two places" in both.stderr
    assert "give --local" in alone.stderr
