"""The command line: finds the running stack's database and says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.reports.adapters.commands import app
from services.reports.adapters.running_stack import DATABASE, StackNotFound, dsn_of


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
