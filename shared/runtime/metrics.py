"""Every metric of the platform with its meaning, declared once; label sets are bounded."""

from __future__ import annotations

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

_FAST = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)

# --- engine room -------------------------------------------------------------------------------
RECORDS = Counter(
    "liandong_records", "Records handled, by consumer and outcome", ["consumer", "outcome"]
)
BATCH_SECONDS = Histogram(
    "liandong_batch_seconds", "Load, decide, store of one batch", ["consumer"], buckets=_FAST
)
GUARD_LOST = Counter("liandong_guard_lost", "Batches decided again, by the guard lost", ["guard"])
LAG = Gauge("liandong_consumer_lag", "Records behind the end of the owned partitions", ["consumer"])
OUTBOX_ROWS = Gauge("liandong_outbox_rows", "Outgoing events not yet acknowledged", ["lane"])
OUTBOX_AGE = Gauge("liandong_outbox_age_seconds", "Age of the oldest outgoing event", ["lane"])
OUTBOX_PARKED = Gauge(
    "liandong_outbox_parked_keys", "Keys the broker refuses for good: call somebody"
)
PUBLISHED = Counter("liandong_published", "Events acknowledged by the broker", ["lane"])
DEAD_LETTERS = Counter(
    "liandong_dead_letters", "Records diverted, by consumer and reason", ["consumer", "reason"]
)
PRUNED = Counter("liandong_pruned", "Rows deleted because nobody can need them again", ["table"])
READY = Gauge("liandong_part_ready", "1 when the part waits for nothing", ["part"])
HALTED = Gauge("liandong_consumer_halted", "1 when a consumer waits for a person", ["consumer"])
HTTP_SECONDS = Histogram(
    "liandong_http_seconds", "Requests by door and status", ["door", "status"], buckets=_FAST
)

# --- retention (router: incident, feedback; intake: call with its contact, record) ---------
PURGED = Counter(
    "liandong_purged", "Records whose place, text or contact went when retention ended", ["kind"]
)
ON_HOLD = Gauge("liandong_on_hold", "Incidents kept for evidence or assessment (留存)")
OVERDUE_PURGE = Gauge(
    "liandong_overdue_purge",
    "Records whose retention ended a day ago and which still stand",
    ["kind"],
)

# --- intake ------------------------------------------------------------------------------------
CALLS = Counter("liandong_calls", "Calls by source and answer", ["source", "answer"])
UNKNOWN_CODES = Counter(
    "liandong_unknown_codes", "Codes kept raw as unclassified", ["source", "field"]
)

# --- router ------------------------------------------------------------------------------------
INCIDENTS = Counter(
    "liandong_incident_changes", "Incident changes by kind and lane", ["kind", "lane"]
)
REFUSED = Counter("liandong_refused_transitions", "Refused transitions by named reason", ["reason"])
PARKED_FEEDBACK = Gauge("liandong_parked_feedback", "Stamps waiting for their call")

# --- sla ---------------------------------------------------------------------------------------
CLOCK_CHANGES = Counter("liandong_clock_changes", "Clock changes by kind", ["kind", "clock"])
FIRE_LATENESS = Histogram(
    "liandong_fire_lateness_seconds", "Wall seconds from due to fired", buckets=_FAST
)
OPEN_CLOCKS = Gauge("liandong_open_clocks", "Clocks that still can fire")

# --- notify ------------------------------------------------------------------------------------
NOTICES = Counter("liandong_notices", "Notices by channel and outcome", ["channel", "outcome"])
NOTICE_SECONDS = Histogram(
    "liandong_notice_seconds",
    "Wall seconds from queued to the provider's receipt",
    ["channel"],
    buckets=_FAST,
)
SLA_SILENT = Gauge("liandong_sla_silent_seconds", "Wall seconds since the last heartbeat of sla")

# --- reports, live -----------------------------------------------------------------------------
LIVE_CALLS = Gauge(
    "liandong_live_calls_per_minute",
    "Calls received in the last closed minute of platform time",
    ["line", "population"],
)
LIVE_OPEN = Gauge(
    "liandong_live_open_incidents", "Incidents open now, by state", ["state", "population"]
)
LIVE_UNITS_OUT = Gauge("liandong_live_units_out", "Units out now, each once", ["population"])
LIVE_SURGE = Gauge(
    "liandong_live_surge",
    "1 while calls of a line surge, in the region or one of its areas",
    ["line", "area", "population"],
)
LIVE_SURGE_RATIO = Gauge(
    "liandong_live_surge_ratio",
    "Statistic of the surge chart by its limit; -1 while it is learning",
    ["line", "area", "population"],
)
LIVE_SNAPSHOTS = Counter(
    "liandong_live_snapshots",
    "Snapshots the live picture heard, by what became of them",
    ["family", "taken"],
)

__all__ = [name for name in dir() if name.isupper()] + ["REGISTRY"]
