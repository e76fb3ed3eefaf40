"""The port to the log: what a consumer and a relay need of Kafka, in their own words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol
from zlib import crc32


class Partition(NamedTuple):
    """One partition of a topic."""

    topic: str
    number: int


class Record(NamedTuple):
    """One record as it was read; `flaw` says why it can be no event although its batch is sound."""

    partition: Partition
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    flaw: str | None = None

    @property
    def place(self) -> tuple[Partition, int]:
        """Where in the log it stands."""
        return self.partition, self.offset

    @property
    def event_id(self) -> str | None:
        """What stands as `ce_id`, whoever wrote it: as text that a table can hold (no NUL)."""
        raw = next((v for k, v in self.headers if k == "ce_id"), None)
        return None if raw is None else storable(raw.decode("ascii", "replace"))


class Outgoing(NamedTuple):
    """One record to write."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Bounds(NamedTuple):
    """First offset still kept and the offset the next record will get."""

    first: int
    end: int


Assigned = Callable[[frozenset[Partition]], Awaitable[None]]


class PermanentRefusal(Exception):
    """The broker will never take this record (too large, unknown topic): park its key."""


class Unreadable(Exception):
    """The batch at *offset* can be read by nobody: a person decides whether to go on behind it.

    `past` is the offset that follows the batch, None where that cannot be told.
    """

    def __init__(self, partition: Partition, offset: int, past: int | None, why: str) -> None:
        super().__init__(partition, offset, past, why)
        self.partition = partition
        self.offset = offset
        self.past = past
        self.why = why

    def __str__(self) -> str:
        return (
            f"the batch at {self.partition.topic}/{self.partition.number}@{self.offset}: {self.why}"
        )


class Source(Protocol):
    """A member of a consumer group. Positions are ours: the group only spreads partitions."""

    async def start(self, assigned: Assigned) -> None:
        """Join; *assigned* is awaited at each (re)assignment before records of it are given."""

    async def fetch(self, limit: int, wait_s: float) -> list[Record]:
        """Return up to *limit* records of assigned partitions, in order within each.

        Raises Unreadable where the log itself is damaged, again at each call until a seek past it.
        """

    def seek(self, positions: Mapping[Partition, int]) -> None:
        """Continue each partition at this offset; partitions no longer ours are ignored."""

    def owned(self) -> frozenset[Partition]:
        """Partitions assigned now."""

    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, Bounds]:
        """Return what the log holds of each."""

    async def read(self, positions: Mapping[Partition, int]) -> dict[Partition, Record]:
        """Read single records by offset (those that still exist)."""

    async def cluster(self) -> str:
        """Id of the cluster read from."""

    async def show_progress(self, positions: Mapping[Partition, int]) -> None:
        """Tell lag tools where we are; never relied upon."""

    def refused(self) -> str | None:
        """Say what the broker has refused to read for some time: topic, partition and its error."""

    def lag(self) -> int:
        """Records behind the end of the owned partitions, as far as known."""

    async def stop(self) -> None:
        """Leave the group."""


class Sink(Protocol):
    """An idempotent producer."""

    async def start(self) -> None:
        """Connect."""

    async def publish(self, records: Sequence[Outgoing]) -> list[Exception | None]:
        """Write *records* and await every delivery; one outcome per record, in order."""

    async def stop(self) -> None:
        """Flush and leave."""


def storable(text: str) -> str:
    """Return *text* without NUL: PostgreSQL refuses it, and a strange record must not stop us."""
    return text.replace("\x00", "\ufffd")


def partition_of(key: bytes, count: int) -> int:
    """Partition of *key*: CRC-32 modulo *count* (the `consistent` partitioner of librdkafka)."""
    return crc32(key) % count
