"""Settings of reports, read once from `LIANDONG_REPORTS_*`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from shared.runtime.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """What reports needs beside what every service does."""

    months: Annotated[Path, Meta(description="folder of closed months' facts (Parquet)")] = Path(
        "run/months"
    )
    niceness: Annotated[
        int,
        Meta(ge=0, le=19, description="priority given up, so that dispatch comes first (0 none)"),
    ] = 10
    batch: Annotated[
        int, Meta(ge=1, le=2000, description="events stored by one statement at most")
    ] = 500
    gather_ms: Annotated[
        int, Meta(ge=0, le=10_000, description="milliseconds the broker gathers events for us")
    ] = 250
    live_heal_s: Annotated[
        float, Meta(gt=0, description="seconds between looks of the live picture into the facts")
    ] = 300.0
