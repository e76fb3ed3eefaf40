"""The command line: finds the running stack's database and says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.reports.adapters.asking import give, give_all
from services.reports.adapters.commands import app
from services.reports.adapters.formats import Form
from services.reports.adapters.freeze_commands import _said
from services.reports.adapters.running_stack import DATABASE, StackNotFound, dsn_of
from services.reports.domain.difference import Figure
from services.reports.domain.facts import Population
from services.reports.handlers import Question, Table, compute
from tests.unit.reports.cases import NOVEMBER, a_call, facts, xianju


def test_the_environment_names_the_database_first(tmp_path: Path) -> None:
    """An operator's own database needs no stack on this machine."""
    assert "postgresql://given" == dsn_of("xianju", tmp_path, {DATABASE: "postgresql://given"})


def test_a_running_stack_is_found_by_its_folder(tmp_path: Path) -> None:
    """Address from endpoints.json, password from the stack's secrets."""
    folder = tmp_path / "run" / "county"
    (folder / "secrets").mkdir(parents=True)
    (folder / "endpoints.json").write_text(json.dumps({"postgres": "127.0.0.1:5"}))
    kept = {"passwords": {"reports": {"app": "a/b"}}}
    (folder / "secrets" / "platform.json").write_text(json.dumps(kept))

    found = dsn_of("county", tmp_path, {})

    assert "postgresql://reports_app:a%2Fb@127.0.0.1:5/liandong" == found.replace("%2f", "%2F")


def test_without_a_stack_it_says_how_to_name_one(tmp_path: Path) -> None:
    """The message names the ways out."""
    with pytest.raises(StackNotFound, match="make up"):
        dsn_of("xianju", tmp_path, {})


def test_a_wrong_month_ends_with_the_form() -> None:
    """Exit code 2, and how a month is written."""
    result = CliRunner().invoke(app, ["month", "2026-13"])

    assert 2 == result.exit_code
    assert "write YYYY-MM" in result.output


def test_all_tables_are_one_json_object(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """What is printed can be read by json.load: every table by its word, as it is alone."""
    tables = {
        each: compute(Question(each, NOVEMBER, Population.REAL), facts(a_call(1)), xianju())
        for each in Table
    }
    give_all(tables)
    whole = json.loads(capfdbinary.readouterr().out)
    give(tables[Table.UNITS], Form.JSON, None, [])
    alone = json.loads(capfdbinary.readouterr().out)

    assert [*Table] == [*whole]
    assert whole["units"] == alone


@pytest.mark.parametrize("value", [1_234_567, 1_234_567.89, 99.99999, 0.1])
def test_a_difference_is_said_exactly(value: float) -> None:
    """Two figures that differ never print as the same."""
    assert value == float(_said(Figure(value)))
