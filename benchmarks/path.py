"""Latency and capacity of the whole way: call posted to the unit's webhook received, all services on."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import msgspec
import typer

from benchmarks.path_load import Load
from benchmarks.report import write
from deploy.local.kafka import Heap
from deploy.local.stack import Stack
from shared.contracts import ids
from shared.contracts.consumers import CONSUMERS
from shared.runtime.kafka import bounds_of

DRAIN_S = 60.0
WARM_UP_S = 30.0
"""The broker compiles itself for about that long and takes up to two thirds of a processor doing so."""
TICKS = os.sysconf("SC_CLK_TCK")
GROWING = 1.5
"""A backlog grows when the last third of the calls waits this much longer than the first third."""

Sent = list[tuple[str, str, float, int]]


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank of sorted *values*."""
    return values[min(len(values) - 1, max(0, -(-int(share * 1000) * len(values) // 1000) - 1))]


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """Return user and system seconds by process, with its children's."""
    found = {}
    for name, pid in pids.items():
        total = 0
        for each in [pid, *_children(pid)]:
            try:
                fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            total += int(fields[11]) + int(fields[12])
            if each == pid:  # ended children, such as a database's connections
                total += int(fields[13]) + int(fields[14])
        found[name] = total / TICKS
    return found


def _children(pid: int) -> list[int]:
    try:
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


async def journal(stack: Stack, http: httpx.AsyncClient) -> dict[str, Any]:
    """Return what the played providers received."""
    key = stack.secrets.keys["auditor"]
    answer = await http.get(
        f"{stack.http('drill')}/v1/journal", headers={"Authorization": f"Bearer {key}"}
    )
    answer.raise_for_status()
    return dict(msgspec.json.decode(answer.content))


def first_webhook(notices: Mapping[str, Any]) -> dict[UUID, float]:
    """Return wall seconds of the first dispatch order by webhook, per incident."""
    found: dict[UUID, float] = {}
    for notice in notices.values():
        if notice["channel"] == "webhook" and notice["purpose"] == "dispatch":
            incident = UUID(notice["incident_id"])
            found[incident] = min(found.get(incident, notice["first_at"]), notice["first_at"])
    return found


async def one_rate(stack: Stack, rate: float, seconds: float) -> dict[str, Any]:
    """Post at *rate* for *seconds* and return the row of figures."""
    pids = {name: stack.pid(name) for name in stack.parts}
    door = urlsplit(stack.http("intake"))
    load = Load(
        host=door.hostname or "", port=door.port or 0, keys={s: stack.secrets.keys[f"source:{s}"] for s in ("110", "119", "122")},
        rate=rate, seconds=seconds, run=f"B{uuid4().hex[:10]}",
    )  # fmt: skip
    topics = sorted({t for heard in CONSUMERS.values() for t in heard})
    before, cpu, began = await _ends(stack.kafka, topics), cpu_seconds(pids), time.time()
    sent = await asyncio.to_thread(_post, load)
    cpu_after, took = cpu_seconds(pids), time.time() - began
    accepted = {
        ids.incident_id(ids.call_id(s, n)): at for s, n, at, status in sent if status == 202
    }
    arrived = await _drained(stack, accepted)
    drained = await _quiet(stack)
    after = await _ends(stack.kafka, topics)
    latencies = sorted(arrived[i] - at for i, at in accepted.items() if i in arrived)
    row = {
        "rate": rate,
        "seconds": seconds,
        **{
            f"{n}_ms": round(1000 * percentile(latencies, p), 1)
            for n, p in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))
        },
        "max_ms": round(1000 * latencies[-1], 1),
        "delivered_per_s": round(
            len(latencies) / (max(arrived.values()) - min(accepted.values())), 1
        ),
        "backlog_growing": growing(accepted, arrived),
        "accepted": len(accepted),
        "refused": len(sent) - len(accepted),
        "undelivered": len(accepted) - len(latencies),
        "drained": drained,
        "events_per_call": round((after - before) / max(1, len(accepted)), 2),
        "cpu_percent": {n: round(100 * (cpu_after[n] - cpu[n]) / took, 1) for n in pids},
    }
    print({k: v for k, v in row.items() if k != "cpu_percent"}, flush=True)
    print("   cpu %", row["cpu_percent"], flush=True)
    return row


def growing(accepted: Mapping[UUID, float], arrived: Mapping[UUID, float]) -> bool:
    """Say whether the last third of the calls waited clearly longer than the first third."""
    waits = [
        arrived.get(i, float("inf")) - at for i, at in sorted(accepted.items(), key=lambda p: p[1])
    ]
    third = len(waits) // 3
    first, last = sorted(waits[:third]), sorted(waits[-third:])
    return last[third // 2] > GROWING * first[third // 2] + 0.05 or last[-1] == float("inf")


async def _ends(kafka: str, topics: Sequence[str]) -> int:
    return sum(b.end for b in (await bounds_of(kafka, topics)).values())


def _post(load: Load) -> Sent:
    # a file, not a pipe: answers of a long run were cut off at 128 KB now and then
    with tempfile.TemporaryFile() as answers:
        subprocess.run(
            [sys.executable, "-m", "benchmarks.path_load"],
            input=msgspec.json.encode(load), stdout=answers,
            check=True, timeout=load.seconds + 120,
        )  # fmt: skip
        answers.seek(0)
        return msgspec.json.decode(answers.read(), type=Sent)


async def _drained(stack: Stack, accepted: Mapping[UUID, float]) -> dict[UUID, float]:
    """Wait until every accepted call's order has come, at most DRAIN_S; return arrivals."""
    deadline = time.monotonic() + DRAIN_S
    async with httpx.AsyncClient(timeout=60) as http:
        while True:
            arrived = first_webhook((await journal(stack, http))["notices"])
            if accepted.keys() <= arrived.keys() or time.monotonic() > deadline:
                break
            await asyncio.sleep(1)
    return {i: at for i, at in arrived.items() if i in accepted}


async def _quiet(stack: Stack) -> bool:
    """Wait until no service has anything left to publish or to read, so that rates do not overlap."""
    deadline = time.monotonic() + DRAIN_S
    async with httpx.AsyncClient(timeout=10) as http:
        while time.monotonic() < deadline:
            waiting = 0.0
            for service in ("intake", "router", "sla", "notify", "reports"):
                text = (await http.get(f"{stack.http(service)}/metrics")).text
                waiting += sum(
                    float(line.rsplit(" ", 1)[1])
                    for line in text.splitlines()
                    if line.startswith(("liandong_consumer_lag{", "liandong_outbox_rows{"))
                )
            if not waiting:
                return True
            await asyncio.sleep(1)
    return False


async def measure(rates: Sequence[float], seconds: float) -> dict[str, Any]:
    """Measure each rate on one running platform; the first seconds warm it up and are not counted."""
    with tempfile.TemporaryDirectory(prefix="liandong-path-") as folder:
        async with Stack(
            run_dir=Path(folder), heap=Heap.MEASURING, disposable=True,
            environment={"drill": {"FAULTS": "false", "RECEIPTS_KEPT": "10000000"}}, tell=print,
        ) as stack:  # fmt: skip
            await stack.ready()
            await one_rate(stack, 100, WARM_UP_S)
            rows = []
            for rate in rates:
                rows.append(await one_rate(stack, rate, seconds))
                if not rows[-1]["drained"]:
                    print(
                        f"not drained within {DRAIN_S:.0f} s: no higher rate is tried", flush=True
                    )
                    break
    held = [
        r["rate"]
        for r in rows
        if r["drained"] and not r["backlog_growing"] and not r["undelivered"] and not r["refused"]
    ]
    return {
        "rates": rows,
        "sustained_per_s": max(held, default=0),
        "events_per_call": rows[0]["events_per_call"],
        "cpu_percent": {str(r["rate"]): r["cpu_percent"] for r in rows},
    }


def main(rates: str = "100,250,500,600,750,1000", seconds: float = 30) -> None:
    """Print a table and write build/bench/path.json."""
    write("path", asyncio.run(measure([float(r) for r in rates.split(",")], seconds)))


if __name__ == "__main__":
    typer.run(main)
