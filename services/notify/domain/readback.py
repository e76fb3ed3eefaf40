"""Which keys of the departments' feeds a zombie has spoiled: its late record stands behind a newer one (§4.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from uuid import UUID

from msgspec import Struct

from services.notify.domain.feeds import Said, newest
from services.notify.domain.view import View
from shared.contracts import ids


class Read(Struct, frozen=True, dict=True):
    """What was read of one key in one go: the version that stands last, and the highest of all.

    Version 0 is a record that notify did not write: any, or a bare tombstone.
    """

    incident_id: UUID
    department: str
    last: int
    highest: int

    @cached_property
    def aggregate(self) -> UUID:
        """The key's line of versions."""
        return ids.feed_id(self.incident_id, self.department)


def read(before: Read | None, incident_id: UUID, department: str, version: int) -> Read:
    """Return what was read of a key once a record of *version* came after *before*."""
    highest = version if before is None else max(before.highest, version)
    return Read(incident_id, department, version, highest)


UNMARKED = 1
"""The highest version read of a key without a mark: what stands in front of its first record is
nothing of ours, so that the first needs no mark. Most keys never have another at that time.
"""


def late(reads: Iterable[Read], marks: Mapping[UUID, int]) -> list[Read]:
    """Return the keys whose last record is older than one that was read before it.

    *marks* are the highest versions read in earlier goes. An older record in front of a newer one
    that is still to come is no fault: that is how the log grows.
    """
    return [each for each in reads if each.last < _newest_read(each, marks)]


def moved(reads: Iterable[Read], marks: Mapping[UUID, int]) -> dict[UUID, int]:
    """Return the marks that these *reads* move on."""
    return {
        each.aggregate: each.highest
        for each in reads
        if each.highest > marks.get(each.aggregate, UNMARKED)
    }


def _newest_read(each: Read, marks: Mapping[UUID, int]) -> int:
    return max(each.highest, marks.get(each.aggregate, UNMARKED))


def rewrites(
    spoiled: Iterable[Read], marks: Mapping[UUID, int], views: Mapping[UUID, View]
) -> list[Said]:
    """Return the records that must be said again, so that each key's last one is its newest.

    Only where the newest was already read: a newer one that is on its way puts it right by itself,
    and saying what is not the newest would be the next late record, without end.
    """
    found = []
    for each in spoiled:
        view = views.get(each.incident_id)
        said = newest(view, each.department) if view is not None else None
        if said is not None and said.version == _newest_read(each, marks):
            found.append(said)
    return found
