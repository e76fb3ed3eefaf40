"""Which reader a hotline's records take: orders for 12345, call records for the rest."""

from __future__ import annotations

from collections.abc import Mapping

from services.intake.domain.call_record import read_call
from services.intake.domain.faults import Refused
from services.intake.domain.order import read_order
from services.intake.domain.reading import Hotline, Reading
from services.intake.domain.times import Horizon


def read_record(
    body: Mapping[str, object], hotline: Hotline, horizon: Horizon
) -> Reading | Refused:
    """Return the call that *body* tells of, or every fault in it."""
    read = read_order if hotline.keeps_orders else read_call
    return read(body, hotline, horizon)
