"""Settings of intake, from `LIANDONG_INTAKE_*`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from shared.runtime.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """What intake needs beyond every service's own."""

    body_limit: Annotated[
        int, Meta(description="largest record taken, bytes; a larger one is answered 413", gt=0)
    ] = 256 * 1024
    batch_limit: Annotated[int, Meta(description="largest NDJSON batch taken, bytes", gt=0)] = (
        4 * 1024 * 1024
    )
    batch_lines: Annotated[int, Meta(description="most records in one NDJSON batch", gt=0)] = 1000
    group: Annotated[int, Meta(description="most requests written by one statement", gt=0)] = 200
    queue: Annotated[
        int, Meta(description="requests of a lane that may wait; beyond it 429", gt=0)
    ] = 2000
    ordinary_rows: Annotated[
        int, Meta(description="outbox rows above which ordinary calls are refused (503)", gt=0)
    ] = 50_000
    ordinary_age_s: Annotated[
        float,
        Meta(
            description="seconds the oldest outbox row may wait before ordinary calls are refused"
        ),
    ] = 120.0
    urgent_rows: Annotated[
        int, Meta(description="urgent outbox rows above which urgent calls are refused too", gt=0)
    ] = 150_000
    urgent_age_s: Annotated[
        float,
        Meta(description="seconds an urgent outbox row may wait before urgent calls are refused"),
    ] = 900.0
    untransmitted_s: Annotated[
        float, Meta(description="seconds after which a call not yet sent on is listed at the desk")
    ] = 5.0
