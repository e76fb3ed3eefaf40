"""Settings of the drill: what is played, when, and whose doors it knocks at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from shared.contracts.values import Instant
from shared.runtime.settings import ServiceSettings

PROVIDERS_ONLY = "none"
REGION_DAY = "region"


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """The drill's own settings beside everyone's."""

    intake: Annotated[str, Meta(description="address of intake, http://host:port")] = ""
    router: Annotated[str, Meta(description="address of router, http://host:port")] = ""
    play: Annotated[
        str,
        Meta(
            description="what to play: none (only the providers), region (a day out of the pack's "
            "scenario) or the name of a recording (sf-fire)"
        ),
    ] = PROVIDERS_ONLY
    seed: Annotated[int, Meta(description="decides everything that chance decides")] = 20261122
    start: Annotated[
        Instant | None,
        Meta(description="platform time from which the day is played, with offset"),
    ] = None
    minutes: Annotated[
        float, Meta(gt=0, description="platform minutes that are played, from start")
    ] = 1440.0
    tail_minutes: Annotated[
        float, Meta(ge=0, description="platform minutes units and desk go on after the last call")
    ] = 120.0
    faults: Annotated[bool, Meta(description="whether the played providers err now and then")] = (
        True
    )
    receipts_kept: Annotated[
        int, Meta(ge=1, description="notices remembered while only the providers are played")
    ] = 10_000
    data_dir: Annotated[
        Path | None, Meta(description="folder with recorded data, needed for a recording")
    ] = None
