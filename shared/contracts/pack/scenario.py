"""What a drill (演练) plays: when calls come, of what, from where, and how units behave."""

from typing import Annotated

from msgspec import Meta, Struct

from shared.contracts.incident import Relation
from shared.contracts.pack.kinds import CategoryCode
from shared.contracts.pack.places import AreaCode, Latitude, Longitude, Positive
from shared.contracts.pack.teams import Id
from shared.contracts.pack.words import Malformed

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Weight = Annotated[float, Meta(gt=0.0)]


class Delay(Struct, frozen=True, forbid_unknown_fields=True):
    """A log-normal delay in seconds, given by its median and its 95th percentile."""

    median_s: Annotated[float, Meta(gt=0)]
    p95_s: Annotated[float, Meta(gt=0)]


class DrillKind(Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of call on one source, with synthetic texts; `{place}` stands for the place's text."""

    source: Id
    category: CategoryCode
    weight: Weight
    texts: Annotated[tuple[str, ...], Meta(min_length=1)]


class DrillPlace(Struct, frozen=True, forbid_unknown_fields=True):
    """A synthetic place; degrees WGS-84. `at_seat` agrees with the area's seat radius."""

    area: AreaCode
    text: str
    lon: Longitude
    lat: Latitude
    at_seat: bool
    weight: Weight = 1.0


class Repeats(Struct, frozen=True, forbid_unknown_fields=True):
    """Calls about an event already reported; `chained` of them carry the first call's `zjjdbh`."""

    share: Share
    chained: Share
    delay: Delay


class MalformedShare(Struct, frozen=True, forbid_unknown_fields=True):
    """Share of calls sent faulty on purpose, spread evenly over *kinds*."""

    share: Share
    kinds: tuple[Malformed, ...]


class Behaviour(Struct, frozen=True, forbid_unknown_fields=True):
    """How units answer an order. Delays run from the step before; shares are per step.

    `arrive` by relation; `assemble` only for TOWN_TO_TOWNSHIP (R03, R04). A late step takes
    `late_factor` times as long, a doubled one is sent twice, a swapped one after its successor,
    a missing one never. `returned` of the orders are sent back (退单) instead.
    """

    ack: Delay
    turnout: Delay
    assemble: Delay
    arrive: dict[Relation, Delay]
    end: Delay
    sheet: Delay
    late: Share
    late_factor: Annotated[float, Meta(ge=1)]
    doubled: Share
    swapped: Share
    missing: Share
    returned: Share = 0.0


class Drill(Struct, frozen=True, forbid_unknown_fields=True):
    """A day of the region: `calls_per_day` valid calls spread over 24 local hours by `hourly` weights."""

    calls_per_day: Positive
    hourly: Annotated[tuple[Weight, ...], Meta(min_length=24, max_length=24)]
    kinds: tuple[DrillKind, ...]
    places: tuple[DrillPlace, ...]
    repeats: Repeats
    malformed: MalformedShare
    behaviour: Behaviour
