"""The closed vocabularies of a region pack: every word a pack file may use for a kind of thing."""

from enum import StrEnum


class AffairClass(StrEnum):
    """Four affair classes of P05 (四类事务): they decide who commands."""

    CITY_MANAGEMENT = "city_management"
    EMERGENCY = "emergency"
    PUBLIC_ORDER = "public_order"
    LIVELIHOOD = "livelihood"


class DayNight(StrEnum):
    """Day or night, decided by a clock's start instant and fixed then (R01-R04)."""

    DAY = "day"
    NIGHT = "night"


class AreaKind(StrEnum):
    """街道, 镇, 乡."""

    STREET = "street"
    TOWN = "town"
    TOWNSHIP = "township"


class UnitKind(StrEnum):
    """Kinds of teams (P14). COUNTY and TOWNSHIP are the public ones; STANDING and DESK are *ours*."""

    COUNTY = "county"
    TOWNSHIP = "township"
    PROFESSIONAL = "professional"
    EXPERT = "expert"
    STANDING = "standing"
    DESK = "desk"


class LimitUnit(StrEnum):
    """Units of a limit. Those of `CONTINUOUS` run around the clock; the rest need a working calendar."""

    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    URGENT_HOUR = "urgent_hour"
    NATURAL_DAY = "natural_day"
    WORKING_HOUR = "working_hour"
    WORKING_DAY = "working_day"


class Calendar(StrEnum):
    """Calendar a limit counts in."""

    CONTINUOUS = "continuous"
    OFFICE = "office"


class Channel(StrEnum):
    """Ways a notice travels. R12 asks for two at the same time."""

    SMS = "sms"
    WEBHOOK = "webhook"


class NoticeCause(StrEnum):
    """Changes that people are told about; an incident's change bears the name of its `ChangeKind`."""

    DISPATCHED = "dispatched"
    REASSIGNED = "reassigned"
    REWORK = "rework"
    RELEASED = "released"
    CANCELLED = "cancelled"
    SHORTFALL = "shortfall"
    CLOCK_WARNED = "clock_warned"
    CLOCK_BREACHED = "clock_breached"
    CLOCK_CORRECTED = "clock_corrected"
    SLA_SILENT = "sla_silent"
    DEAD_LETTER = "dead_letter"
    CONSUMER_HALTED = "consumer_halted"


class Recipient(StrEnum):
    """Who is told, relative to the incident or assignment the change speaks of."""

    UNIT = "unit"
    STANDBY = "standby"
    SUPERIOR = "superior"
    LEADERS = "leaders"
    COMMANDER = "commander"
    DESK = "desk"


class CoordinateSystem(StrEnum):
    """Datum of a source's degrees; stored as WGS-84."""

    GCJ02 = "gcj02"
    WGS84 = "wgs84"


class FeedFormat(StrEnum):
    """Format of a source's records."""

    JSON = "json"
    XML = "xml"


class Malformed(StrEnum):
    """Faulty records a drill sends on purpose (FEEDS 5)."""

    MISSING_FIELDS = "missing_fields"
    UNKNOWN_CODE = "unknown_code"
    FUTURE_TIME = "future_time"
    ANCIENT_TIME = "ancient_time"
    OUTSIDE_COUNTRY = "outside_country"
    NOT_JSON = "not_json"
    WRONG_CHARSET = "wrong_charset"
    WRONG_KEY = "wrong_key"
    TOO_LARGE = "too_large"


CONTINUOUS = frozenset(
    {
        LimitUnit.SECOND,
        LimitUnit.MINUTE,
        LimitUnit.HOUR,
        LimitUnit.URGENT_HOUR,
        LimitUnit.NATURAL_DAY,
    }
)
UNCLASSIFIED = "unclassified"
