"""Shows a running demo: one live panel on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from datetime import timedelta, tzinfo
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from deploy.local.observing import Look

_LINE_EVERY_S = 5.0


class Screen:
    """Use it as `with`; `zone` is the region's, in which platform time is shown."""

    def __init__(self, console: Console, zone: tzinfo, title: str) -> None:
        self._console = console
        self._zone = zone
        self._title = title
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._next_line = 0.0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, look: Look) -> None:
        """Show how things stand."""
        if self._live is not None:
            self._live.update(self._panel(look), refresh=True)
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _LINE_EVERY_S
            values = "  ".join(f"{name} {value}" for _, name, value in _figures(look))
            self._console.print(f"{self._clock(look)}  {values}", highlight=False, soft_wrap=True)

    def _panel(self, look: Look) -> Table:
        table = Table(title=f"{self._title}   {self._clock(look)}", title_justify="left")
        for heading in ("", "", "now"):
            table.add_column(heading, justify="right" if heading else "left")
        for chinese, english, value in _figures(look):
            table.add_row(chinese, english, str(value))
        return table

    def _clock(self, look: Look) -> str:
        local = look.platform_time.astimezone(self._zone)
        return (local - timedelta(microseconds=local.microsecond)).strftime("%m-%d %H:%M:%S")


def _figures(look: Look) -> list[tuple[str, str, int]]:
    calls = look.drill["calls"]
    return [
        ("接警", "calls in", calls.get("sent", 0)),
        ("警情未结", "incidents open", look.counts["incidents_open"]),
        ("出警单位", "units out", look.counts["units_out"]),
        ("时限运行", "clocks running", look.counts["clocks_running"]),
        ("超时", "breaches", look.counts["breaches"]),
        ("送达", "notices delivered", look.counts["delivered"]),
        ("积压", "lag", look.total_lag),
    ]
