"""When calls of a line are called a surge (话务突增): how the charts are set, all of it *ours*."""

from typing import Annotated

from msgspec import Meta, Struct

Times = Annotated[float, Meta(gt=1, le=100)]


class Surge(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of the charts, one for each line and one for each line and area.

    `bin_minutes`: calls are judged in bins of so many minutes. `shifts`: multiples of the usual
    number that are looked for at once. `weeks_between_false_alarms`: all charts together are set
    to raise at most one in so many weeks while nothing happens. `history_weeks`: facts compared
    with; `least_weeks` of them must be there. `least_calls`: fewer are never a surge.
    """

    bin_minutes: Annotated[int, Meta(ge=1, le=60)] = 5
    shifts: Annotated[tuple[Times, ...], Meta(min_length=1, max_length=5)] = (2.0, 4.0, 8.0)
    weeks_between_false_alarms: Annotated[float, Meta(gt=0, le=520)] = 4.0
    history_weeks: Annotated[int, Meta(ge=1, le=104)] = 8
    least_weeks: Annotated[int, Meta(ge=1, le=104)] = 2
    least_calls: Annotated[int, Meta(ge=1)] = 5
