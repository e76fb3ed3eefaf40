"""What a demo gives account of: every id followed, the tables, summary.json and its verdict."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import httpx
from rich.console import Console

from deploy.local import summary
from deploy.local.demo_day import DemoDay
from deploy.local.following import Trail, follow
from deploy.local.observing import Look, Observer
from deploy.local.records import Journal
from deploy.local.run_folder import ROOT

_TABLES = (
    "overview",
    "categories",
    "units",
    "tiers",
    "overdue",
    "reports",
    "gaps",
    "quality",
    "figures",
)
_SHOWN = 20
"""Offending ids that are printed; summary.json has them all."""


async def account(
    day: DemoDay,
    observer: Observer,
    ended: tuple[Look, dict[str, int]],
    out: Path,
    console: Console,
) -> int:
    """Follow every id, write tables and summary, print them; the exit code says whether all is well."""
    last, left = ended
    # clocks go on meanwhile and people are told: what is read later can only have more
    records = await observer.records()
    journal = await observer.journal()
    trail = follow(journal, records)
    tables, missing = await _tables(day, observer, out)
    content = summary.summary(
        journal,
        records,
        await observer.clocks(),
        trail,
        dead_letters=last.counts["dead_letters"],
        tables=tables,
    )
    path = summary.write(out, content)
    console.print(summary.shown(content, _notes(journal, last, left)))
    console.print(f"{path}", *content["tables"], sep="\n", highlight=False, soft_wrap=True)
    missing += _not_in_table(out / f"{day.date:%Y-%m-%d}-overview.json", journal)
    return _verdict(trail, left, missing, console)


def _notes(journal: Journal, last: Look, left: dict[str, int]) -> dict[str, object]:
    """Return what a person should know beside the counts."""
    answers = Counter(command.answered for command in journal.commands.values())
    refused = Counter(
        command.reason or str(command.status)
        for command in journal.commands.values()
        if command.answered not in ("accepted", "repeated")
    )
    not_played = Counter(last.drill["not_played"]) + Counter(last.drill["beyond"])
    return {
        "commands": _counted(answers),
        "commands refused": _counted(refused) or "none",
        "clocks still running": last.counts["clocks_running"],
        "incidents still open": last.counts["incidents_open"],
        "not played": _counted(not_played) or "nothing",
        "drill late by at most": f"{last.drill['latest_s']} s of wall time",
        "still queued": _counted(left) or "nothing",
    }


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


async def _tables(day: DemoDay, observer: Observer, out: Path) -> tuple[list[str], list[str]]:
    """Write day's and month's tables, population exercise, as HTML and JSON.

    Returns the paths written, and what reports could not give with its answer.
    """
    periods = (("days", f"{day.date:%Y-%m-%d}"), ("months", f"{day.date:%Y-%m}"))
    written, missing = [], []
    for (kind, label), table, form in product(periods, _TABLES, ("html", "json")):
        path = out / f"{label}-{table}.{form}"
        path.unlink(missing_ok=True)
        try:
            path.write_bytes(await observer.table(f"/v1/{kind}/{label}/{table}", form))
        except httpx.HTTPError as error:
            missing.append(f"{path.name}: {error}")
        else:
            written.append(os.path.relpath(path, ROOT))
    return written, missing


def _not_in_table(path: Path, journal: Journal) -> list[str]:
    """Say whether the day's table counts exactly the calls that were accepted."""
    accepted = {call.call_id for call in journal.calls.values() if call.call_id is not None}
    received = json.loads(path.read_bytes())["received"] if path.exists() else None
    if received == len(accepted):
        return []
    return [f"{path.name} counts {received} calls received, {len(accepted)} were accepted"]


def _verdict(
    trail: Trail, left: Mapping[str, int], missing: Sequence[str], console: Console
) -> int:
    """Name everything that is wrong; 0 where nothing is."""
    wrong = [
        f"{name}: {offence.stage}: {offence.what}: {offence.id}"
        for name, offences in (("lost", trail.lost), ("doubled", trail.doubled))
        for offence in offences[:_SHOWN]
    ]
    wrong += [f"table: {each}" for each in missing]
    if left:
        wrong.append(f"not drained in time: {_counted(left)}")
    for line in wrong:
        console.print(line, style="red", highlight=False, soft_wrap=True)
    return 1 if wrong else 0
