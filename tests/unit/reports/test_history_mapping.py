"""A mapping is refused with the field and what to do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from services.reports.adapters.history import HistoryRefused, read_mapping
from services.reports.domain.history_mapping import (
    Columns,
    Label,
    PartOf,
    Stamp,
    WrongMapping,
    checked,
)
from tests.unit.reports.history_files import ROWS

HEAD = "{time_zone: Asia/Shanghai, time_formats: ['%Y-%m-%d'], key: [a], "
EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "docs" / "import").glob("*.yaml"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"time_zone": "Mars/Base"}, "time_zone: .*write an IANA name"),
        ({"time_zone": "../etc"}, "time_zone: .*write an IANA name"),
        ({"time_formats": ["%Y-%m-%d %Q"]}, "time_formats: .*%Q; write it with %Y"),
        ({"time_formats": ["%H:%M"]}, "names no day; it needs %Y "),
        ({"key": []}, "key: name either key .* or group_by"),
        ({"group_by": ["no"]}, "key: name either key .* or group_by"),
        ({"counted_by": Stamp.DUE}, "counted_by: due"),
        ({"columns": Columns(closed="done")}, "counted_by: received has no column"),
        (
            {"columns": Columns(received="in", area=PartOf(column="where", regex="("))},
            r"columns\.area\.regex: ",
        ),
        (
            {"columns": Columns(received="in", area=PartOf(column="where", regex="a(b)(c)"))},
            r"columns\.area\.regex: it has 2 groups",
        ),
        ({"label": Label(column="v", overdue=["A"], not_overdue=["A"])}, "label: one text stands"),
        ({"as_of": datetime(2016, 1, 1, tzinfo=UTC)}, "as_of: write it in the local time"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], said: str) -> None:
    """The field, the value, and the way out."""
    with pytest.raises(WrongMapping, match=said):
        checked(replace(ROWS, **change))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time_zone: [", "is not YAML"),
        ("time_zone: Asia/Shanghai", "missing required field `time_formats`"),
        (
            HEAD + "columns: {received: a, phone: b}}",
            r"unknown field `phone` - at `\$\.columns`",
        ),
        (
            HEAD + "columns: {received: a}, within: {arrived: [0]}}",
            r"at `\$\.within\.arrived",
        ),
    ],
)
def test_a_file_is_decoded_strictly(tmp_path: Path, text: str, said: str) -> None:
    """A misspelt or unknown field is refused, with its place."""
    path = tmp_path / "map.yaml"
    path.write_text(text, "utf-8")

    with pytest.raises(HistoryRefused, match=said):
        read_mapping(path)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_a_mapping(path: Path) -> None:
    """docs/import holds nothing that would be refused."""
    assert read_mapping(path).wanted
