"""Surge charts on recorded calls: false alarms a week, and how soon an injected surge is seen.

`python -m benchmarks.surge` reads the recorded data (LIANDONG_DATA, else ../shared/data) and prints
for each set: alarms on the data as recorded, each week (or day) judged by a baseline of the others;
false alarms a week on simulated weeks of that baseline; minutes to the alarm, and how often it is
raised within two hours, when calls are doubled, trebled or come five times as often.
"""

from __future__ import annotations

import csv
import os
import random
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import exp
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import typer

from benchmarks.report import write
from services.reports.domain.live_baseline import Baseline, Expected, HourCount, fit
from services.reports.domain.live_surge import Chart, in_bin, new_chart, step, threshold
from shared.contracts.pack import Surge

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("LIANDONG_DATA") or ROOT.parent / "shared" / "data") / "data"
WEEK, LEAST = timedelta(weeks=1), timedelta(days=5)
FACTORS = (2.0, 3.0, 5.0)
SURGE_MINUTES = 120
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
LINES, MOST_AREAS = 5, 20
"""Limits are those of a county with so many lines and townships; the areas with the most calls are watched."""


class Calls(NamedTuple):
    """One recorded line: calls as (instant UTC, area), whole days [start, end) of its zone."""

    name: str
    zone: ZoneInfo
    calls: list[tuple[datetime, str]]
    start: datetime
    end: datetime


class Recorded(NamedTuple):
    """How a file is read."""

    name: str
    file: str
    zone: str
    time: str
    form: str
    area: str
    one: str | None
    keep: Callable[[dict[str, str]], bool]


US = "%m/%d/%Y %I:%M:%S %p"
SETS = (
    Recorded("Boston 311", "hotline311_boston_2015-01_02.csv", "America/New_York", "OPEN_DT", US, "neighborhood", None, lambda _: True),
    Recorded("SF fire", "fire_sf_calls_2017-01.csv", "America/Los_Angeles", "Received DtTm", US, "Battalion", "Call Number", lambda _: True),
    Recorded("Montgomery EMS", "calls911_montgomery_2015-12.csv", "America/New_York", "timeStamp", "%Y-%m-%d %H:%M:%S", "twp", None, lambda r: r["title"].startswith("EMS")),
    Recorded("Montgomery fire", "calls911_montgomery_2015-12.csv", "America/New_York", "timeStamp", "%Y-%m-%d %H:%M:%S", "twp", None, lambda r: r["title"].startswith("Fire")),
    Recorded("Montgomery traffic", "calls911_montgomery_2015-12.csv", "America/New_York", "timeStamp", "%Y-%m-%d %H:%M:%S", "twp", None, lambda r: r["title"].startswith("Traffic")),
    Recorded("Seattle police", "police911_seattle_2016-03.csv", "America/Los_Angeles", "At Scene Time", US, "District/Sector", None, lambda _: True),
)  # fmt: skip


def read(recorded: Recorded) -> Calls | None:
    """Return the whole days of *recorded*; None, told, where the file is absent."""
    path = FOLDER / recorded.file
    if not path.exists():
        print(f"no recorded data: {recorded.file} is not in {FOLDER} (set LIANDONG_DATA)")
        return None
    zone = ZoneInfo(recorded.zone)
    found: dict[str, tuple[datetime, str]] = {}
    with path.open(encoding="utf-8-sig", newline="") as text:
        for number, row in enumerate(csv.DictReader(text)):
            if not recorded.keep(row) or not row[recorded.time]:
                continue
            local = datetime.strptime(row[recorded.time], recorded.form)  # noqa: DTZ007 - the file's zone follows
            at = local.replace(tzinfo=zone).astimezone(UTC)
            one = row[recorded.one] if recorded.one else str(number)
            if one not in found or at < found[one][0]:
                found[one] = (at, row[recorded.area] or "?")
    calls = sorted(found.values())
    # first and last day are cut somewhere: only whole local days count
    first = calls[0][0].astimezone(zone) + timedelta(days=1)
    last = calls[-1][0].astimezone(zone)
    start = first.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    end = last.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    inside = [call for call in calls if start <= call[0] < end]
    return Calls(recorded.name, zone, inside, start, end)


def hourly(calls: Sequence[tuple[datetime, str]], line: str) -> list[HourCount]:
    """Return counts by hour and area."""
    counts = Counter((at.replace(minute=0, second=0, microsecond=0), area) for at, area in calls)
    return [HourCount(line, area, hour, n) for (hour, area), n in counts.items()]


class Held(NamedTuple):
    """A stretch of the record and a baseline that was not fitted on it."""

    start: datetime
    end: datetime
    baseline: Baseline


def held_out(data: Calls, areas: Sequence[str]) -> Iterator[Held]:
    """Yield each week (each day, of less than three weeks) with a baseline of all the others.

    The others are put side by side, weekdays kept: the stretch itself is taken out by moving what
    comes after it, whole weeks, or, of days, by leaving its hours to what like days say.
    """
    stretch = WEEK if data.end - data.start >= 3 * WEEK else timedelta(days=1)
    start = data.start
    while start < data.end:
        end = min(start + stretch, data.end)
        yield Held(start, end, fit_without(data, start, end, areas))
        start = end


def fit_without(data: Calls, start: datetime, end: datetime, areas: Sequence[str]) -> Baseline:
    """Return the baseline of all hours but [start, end)."""
    rows = hourly([c for c in data.calls if not start <= c[0] < end], data.name)
    return fit(rows, data.start, data.end, data.zone, areas, without=(start, end))


def bins(start: datetime, end: datetime, minutes: int) -> Iterator[datetime]:
    """Yield the bins of [start, end)."""
    at = start
    while at < end:
        yield at
        at += timedelta(minutes=minutes)


class Watch(NamedTuple):
    """What a chart is given, bin by bin."""

    at: list[datetime]
    counts: list[int]
    usual: list[Expected]


def watches(
    data: Calls, held: Sequence[Held], areas: Sequence[str | None], surge: Surge
) -> dict[str | None, Watch]:
    """Return the whole record as every chart sees it."""
    size = timedelta(minutes=surge.bin_minutes)
    counts: Counter[tuple[str | None, int]] = Counter()
    for received, area_of in data.calls:
        number = int((received - data.start) / size)
        counts[None, number] += 1
        counts[area_of, number] += 1
    found: dict[str | None, Watch] = {area: Watch([], [], []) for area in areas}
    number = 0
    for part in held:
        for at in bins(part.start, part.end, surge.bin_minutes):
            for area in areas:
                watch = found[area]
                watch.at.append(at)
                watch.counts.append(counts[area, number])
                watch.usual.append(in_bin(part.baseline.of(data.name, area, at), surge))
            number += 1
    return found


def alarms(
    watch: Watch, counts: Sequence[int], surge: Surge, limit: float, first: int = 0
) -> Iterator[int]:
    """Yield the numbers of the bins from *first* on in which an alarm is raised."""
    chart: Chart = new_chart(surge)
    size = timedelta(minutes=surge.bin_minutes)
    for number in range(first, len(counts)):
        after = step(
            chart, counts[number], watch.usual[number], surge, limit=limit,
            at=watch.at[number] + size,
        )  # fmt: skip
        if after.since and not chart.since:
            yield number
        chart = after


def poisson(rng: random.Random, mean: float) -> int:
    """Return a Poisson count (Knuth)."""
    limit, product, count = exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def simulated(watch: Watch, surge: Surge, limit: float, weeks: int, seed: int) -> float:
    """Return false alarms a week when the baseline is the truth, every hour with a factor of its own."""
    rng, bins_an_hour = random.Random(seed), 60 // surge.bin_minutes
    found, done, total = 0, 0, weeks * 10_080 // surge.bin_minutes
    while done < total:
        counts: list[int] = []
        for first in range(0, len(watch.usual), bins_an_hour):
            hour = watch.usual[first : first + bins_an_hour]
            spread = hour[0].dispersion
            busy = rng.gammavariate(1 / spread, spread) if spread > 0 else 1.0
            counts += [poisson(rng, each.calls * busy) for each in hour]
        found += sum(1 for _ in alarms(watch, counts, surge, limit))
        done += len(counts)
    return round(found / (done * surge.bin_minutes / 10_080), 4)


def burst(usual: Expected, surge: Surge, limit: float) -> int:
    """Return how many calls within one bin raise the alarm at once, after a quiet time."""
    count = surge.least_calls
    while step(new_chart(surge), count, usual, surge, limit=limit, at=EPOCH).since is None:
        count += 1
    return count


class Delay(NamedTuple):
    """Minutes from an injected surge to its alarm: median and 9 of 10, and the share seen in time."""

    median: float | None
    ninety: float | None
    seen: float


def delays(
    watch: Watch, factor: float, surge: Surge, limit: float, *, tries: int, seed: int
) -> Delay:
    """Inject a surge of two hours at random into the record and see when it is noticed.

    Calls are added to the recorded ones: Poisson, (factor - 1) times what is usual there.
    """
    rng = random.Random(seed)
    long = SURGE_MINUTES // surge.bin_minutes
    warm = 1440 // surge.bin_minutes
    took: list[float] = []
    done = 0
    for _ in range(tries * 5):
        begin = rng.randrange(warm, len(watch.counts) - long)
        first = begin - warm
        if any(
            True for _ in alarms(_cut(watch, first, begin), watch.counts[first:begin], surge, limit)
        ):
            continue  # something real was going on already
        counts = list(watch.counts[first : begin + long])
        for number in range(warm, warm + long):
            more = watch.usual[first + number].calls * (factor - 1)
            counts[number] += poisson(rng, more)
        raised = next(alarms(_cut(watch, first, begin + long), counts, surge, limit), None)
        done += 1
        if raised is not None:
            took.append((raised - warm + 1) * surge.bin_minutes)
        if done == tries:
            break
    took.sort()
    of_all = [*took, *[float("inf")] * (done - len(took))]

    def rank(share: float) -> float | None:
        value = of_all[int(share * (len(of_all) - 1))] if of_all else float("inf")
        return None if value == float("inf") else value

    return Delay(rank(0.5), rank(0.9), round(len(took) / max(done, 1), 2))


def _cut(watch: Watch, first: int, end: int) -> Watch:
    return Watch(watch.at[first:end], watch.counts[first:end], watch.usual[first:end])


class Seen(NamedTuple):
    """One recorded line with what its charts, the line's own (None) and its areas', were given."""

    data: Calls
    areas: list[str]
    watches: dict[str | None, Watch]
    limits: dict[str | None, float]
    alarms: dict[str | None, list[int]]
    dispersion: float

    @property
    def weeks(self) -> float:
        return (self.data.end - self.data.start) / WEEK


def looked_at(data: Calls, surge: Surge) -> Seen:
    """Judge the record as it is."""
    areas = [a for a, _ in Counter(area for _, area in data.calls).most_common(MOST_AREAS)]
    held = list(held_out(data, areas))
    seen = watches(data, held, [None, *areas], surge)
    limits: dict[str | None, float] = {None: threshold(surge, LINES)}
    limits |= dict.fromkeys(areas, threshold(surge, LINES * MOST_AREAS))
    raised = {a: list(alarms(watch, watch.counts, surge, limits[a])) for a, watch in seen.items()}
    spread = statistics.mean(
        part.baseline.of(data.name, None, part.start).dispersion for part in held
    )
    return Seen(data, areas, seen, limits, raised, spread)


def false_alarms(seen: Seen, surge: Surge, weeks: int) -> dict[str, Any]:
    """Return alarms a week on the record and on simulated weeks, of the line and of its areas."""
    quarter = max(weeks // 4, 1)
    by_area = (
        simulated(seen.watches[a], surge, seen.limits[a], quarter, number)
        for number, a in enumerate(seen.areas)
    )
    return {
        "set": seen.data.name,
        "weeks": round(seen.weeks, 1),
        "a": round(seen.dispersion, 2),
        "line": round(len(seen.alarms[None]) / seen.weeks, 2),
        "line sim": simulated(seen.watches[None], surge, seen.limits[None], weeks, 1),
        "areas": len(seen.areas),
        "by area": round(sum(len(seen.alarms[a]) for a in seen.areas) / seen.weeks, 2),
        "by area sim": round(sum(by_area), 4),
    }


def detection(seen: Seen, area: str | None, surge: Surge, tries: int) -> dict[str, Any]:
    """Return how soon injected surges are seen: median / 9 of 10 minutes, share within two hours."""
    watch, limit = seen.watches[area], seen.limits[area]
    mean = statistics.mean(usual.calls for usual in watch.usual)
    spread = statistics.median(usual.dispersion for usual in watch.usual)
    row: dict[str, Any] = {
        "set": seen.data.name,
        "chart": "line" if area is None else "busiest area",
        "calls/h": round(mean * 60 / surge.bin_minutes, 2),
        "burst": burst(Expected(mean, spread), surge, limit),
    }
    for factor in FACTORS:
        delay = delays(watch, factor, surge, limit, tries=tries, seed=3)
        told = [">120" if each is None else f"{each:.0f}" for each in (delay.median, delay.ninety)]
        row[f"x{factor:.0f}"] = f"{' / '.join(told)}  {delay.seen:.0%}"
    return row


def measure(surge: Surge, weeks: int, tries: int) -> dict[str, Any]:
    """Return the rows of all sets."""
    wrong, soon, raised = [], [], []
    for recorded in SETS:
        data = read(recorded)
        if data is None:
            continue
        if data.end - data.start < LEAST:
            print(f"{data.name}: {(data.end - data.start).days} whole days are nothing to judge by")
            continue
        seen = looked_at(data, surge)
        print(f"{data.name}: {len(data.calls)} calls in {seen.weeks:.1f} weeks", flush=True)
        wrong.append(false_alarms(seen, surge, weeks))
        soon += [detection(seen, area, surge, tries) for area in (None, seen.areas[0])]
        raised += [
            {"set": data.name, "chart": area or "line", "local": _local(data, seen, area, number)}
            for area, numbers in seen.alarms.items()
            for number in numbers
        ]
    return {
        "false_alarms": wrong,
        "detection": soon,
        "raised": raised,
        "surge": {name: getattr(surge, name) for name in surge.__struct_fields__},
        "simulated_weeks": weeks,
        "tries": tries,
    }


def _local(data: Calls, seen: Seen, area: str | None, number: int) -> str:
    return seen.watches[area].at[number].astimezone(data.zone).strftime("%Y-%m-%d %a %H:%M")


def main(weeks: int = 200, tries: int = 100) -> None:
    """Print the tables and write build/bench/surge.json."""
    write("surge", measure(Surge(), weeks, tries))


if __name__ == "__main__":
    typer.run(main)
