"""Faust keeps its folder nowhere in the checkout: each of its applications is told where."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "file", ["benchmarks/relay_worker.py", "services/reports/adapters/live.py"]
)
def test_no_folder_in_the_working_directory(file: str) -> None:
    """Untold it makes `GROUP-data` where it was started, one for each group."""
    calls = [
        node
        for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "App"
    ]

    assert calls
    assert all("datadir" in {word.arg for word in call.keywords} for call in calls)
