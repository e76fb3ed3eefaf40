"""A Parquet file of facts as an Arrow stream, or a page of it as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from services.reports.adapters.month_sets import opened, reading

ROWS_AT_ONCE = 100_000


def write_arrow(path: Path, written: Path) -> None:
    """Write the facts in *path* to *written* as an Arrow IPC stream, a batch at a time."""
    partial = written.with_suffix(".partial")
    with opened() as db:
        batches: Any = db.sql(f"SELECT * FROM {reading([path])}").to_arrow_reader(ROWS_AT_ONCE)
        with partial.open("wb") as out, pa.ipc.new_stream(out, batches.schema) as stream:
            for batch in batches:
                stream.write_batch(batch)
    partial.replace(written)


def rows_as_json(path: Path, after: int, count: int) -> bytes:
    """Return *count* rows after the first *after* as a JSON list, times as ISO 8601 in UTC."""
    with opened() as db:
        db.execute("SET preserve_insertion_order = true")
        found: Any = db.sql(
            f"SELECT * FROM {reading([path])} LIMIT {count} OFFSET {after}"
        ).to_arrow_table()
    return msgspec.json.encode(found.to_pylist())
