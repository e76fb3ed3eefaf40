"""Rows of an aggregate that must be new: what `store.guarded` does at base 0, and nothing else."""

from __future__ import annotations

from shared.runtime.store import Write


def inserted(table: str, key: str, columns: dict[str, str]) -> Write:
    """Write new rows (key, version, *columns); one that is there already loses the guard.

    Beside `guarded` of the same table in one statement: its name and CTEs are others.
    """
    name = f"new_{table}"
    kinds = ((key, "uuid"), ("version", "bigint"), *columns.items())
    cols = ", ".join(column for column, _ in kinds)
    sql = f"""
{name}_add as (insert into {table} ({cols}) select {cols} from {name}_in order by {key}
  on conflict do nothing returning 1),
{name} as (select 1 from {name}_add)"""
    return Write(name, kinds, sql)
