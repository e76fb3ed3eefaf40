"""Rows that travel as one array: the composite type in the schema is the write's columns."""

from __future__ import annotations

import re

import pytest

from deploy.migrations import migrations_of
from services.reports.adapters.fact_tables import HEARD, TABLES, upsert
from shared.runtime.store import HIGH_WATER, OFFSET, Write

_TYPE = re.compile(r"create type (\w+) as \(\n(.*?)\n\);", re.DOTALL)
WRITES = [HIGH_WATER, OFFSET, HEARD, *map(upsert, TABLES)]


def types() -> dict[str, list[tuple[str, str]]]:
    """Return the columns of each composite type in the schema of reports."""
    said = [migration.path.read_text(encoding="utf-8") for migration in migrations_of("reports")]
    return {
        name: [(words[0], " ".join(words[1:])) for words in map(str.split, body.split(",\n"))]
        for name, body in _TYPE.findall("\n".join(said))
    }


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)
def test_a_row_type_has_the_columns_of_its_write(write: Write) -> None:
    """A fact with another field needs another type: the tuple is sent as it is, by place."""
    assert write.row is not None
    assert list(write.columns) == types()[write.row]
