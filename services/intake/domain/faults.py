"""What can be wrong with a field of a record, by name, so that all of it can be told at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FaultReason(StrEnum):
    """Why a field was refused; the same word stands in the answer, the event and the log."""

    MISSING = "missing"
    NOT_TEXT = "not_text"
    TOO_LONG = "too_long"
    MALFORMED_NUMBER = "malformed_number"
    NOT_A_TIME = "not_a_time"
    IN_THE_FUTURE = "in_the_future"
    TOO_LONG_AGO = "too_long_ago"
    NOT_DEGREES = "not_degrees"
    HALF_A_POSITION = "half_a_position"
    OUTSIDE_COUNTRY = "outside_country"
    NOT_A_DIVISION_CODE = "not_a_division_code"
    NOT_A_COUNT = "not_a_count"

    @property
    def zh(self) -> str:
        """What the sender's operator reads."""
        return _TEXTS[self][0]

    @property
    def en(self) -> str:
        """The same in English."""
        return _TEXTS[self][1]


_TEXTS: dict[FaultReason, tuple[str, str]] = {
    FaultReason.MISSING: ("必填字段缺失", "required, but missing or empty"),
    FaultReason.NOT_TEXT: ("应为文本或数字", "must be text or a number"),
    FaultReason.TOO_LONG: ("内容过长", "is too long"),
    FaultReason.MALFORMED_NUMBER: (
        "编号只能含字母、数字和 _ - . : /,不超过 64 个字符",
        "a record number has at most 64 letters, digits and _ - . : /",
    ),
    FaultReason.NOT_A_TIME: (
        "时间格式应为 yyyy-MM-dd HH:mm:ss 或 yyyyMMddHHmmss(当地时间),或带时区的 ISO 8601",
        "write yyyy-MM-dd HH:mm:ss or yyyyMMddHHmmss (local time), or ISO 8601 with an offset",
    ),
    FaultReason.IN_THE_FUTURE: ("时间晚于当前时间", "lies in the future"),
    FaultReason.TOO_LONG_AGO: ("时间过早", "lies before the year 2000"),
    FaultReason.NOT_DEGREES: ("应为十进制度数", "must be decimal degrees"),
    FaultReason.HALF_A_POSITION: ("经纬度须成对出现", "a position needs longitude and latitude"),
    FaultReason.OUTSIDE_COUNTRY: ("坐标不在国境范围内", "lies outside the country"),
    FaultReason.NOT_A_DIVISION_CODE: (
        "行政区划代码应为 6 至 12 位数字",
        "a division code has 6 to 12 digits (GB/T 2260)",
    ),
    FaultReason.NOT_A_COUNT: ("应为人数或车辆数", "must be a count or a list to be counted"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One field and why it was refused; never its value."""

    field: str
    reason: FaultReason


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that cannot be accepted: every fault, and the record's number where it can be read."""

    faults: tuple[Fault, ...]
    source_id: str | None
