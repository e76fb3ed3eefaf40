"""Settings of sla, read once from `LIANDONG_SLA_*`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from shared.runtime.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """What sla needs beside what every service does."""

    heartbeat_s: Annotated[float, Meta(description="wall seconds between two heartbeats", gt=0)] = (
        10.0
    )
