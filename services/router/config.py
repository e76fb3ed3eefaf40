"""Settings of router, read once from `LIANDONG_ROUTER_*`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from shared.runtime.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """What router needs beside the common settings."""

    batch: Annotated[
        int, Meta(description="calls or records decided on at once, at most", ge=1)
    ] = 200
