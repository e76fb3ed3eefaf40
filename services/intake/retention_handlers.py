"""What intake does as incidents come and go: who keeps a call, and clearing what nobody keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from services.intake.domain.cases import Case, CaseState, cases_of, news, without_place_and_text
from services.intake.ports import Cases, Retained
from shared.contracts.incident import IncidentEvent
from shared.runtime.errors import InvalidEvent
from shared.runtime.events import Event
from shared.runtime.store import Work


async def on_incidents(events: Sequence[Event], work: Work, *, cases: Cases) -> None:
    """Note which incidents speak of which calls, and which of them are purged."""
    heard: dict[Case, CaseState] = {}
    for event in events:
        if not isinstance(event.data, IncidentEvent):
            raise InvalidEvent("not_an_incident", f"family {event.family}", event=event)
        for case, state in cases_of(event.data.incident).items():
            if heard.get(case) is not CaseState.PURGED:
                heard[case] = state
    known = await cases.load({case.call_id for case in heard})
    for case, state in sorted(news(heard, known).items()):
        cases.save(work, case, state)


class Retention:
    """Clears calls nobody keeps: text, place, units' sheets, and the contact's key."""

    def __init__(
        self, retained: Retained, period: timedelta, *, heard_all: Callable[[], bool]
    ) -> None:
        """*heard_all* says whether all incidents said were heard: else none may be called missing."""
        self._retained = retained
        self._period = period
        self._heard_all = heard_all

    async def clear_ended(self, work: Work) -> int:
        """Put a batch of calls whose incidents are all purged into *work*; return how many."""
        ended = await self._retained.ended()
        for each in ended:
            self._retained.close_case(work, each.call_id)
            if each.call is not None:
                self._retained.clear(work, each, without_place_and_text(each.call))
        return len(ended)

    async def clear_unopened(self, work: Work) -> int:
        """The same with calls that opened no incident in all that time."""
        if not self._heard_all():
            return 0
        unopened = await self._retained.unopened(self._period)
        for each in unopened:
            if each.call is not None:
                self._retained.clear(work, each, without_place_and_text(each.call))
        return len(unopened)

    async def clear_records(self) -> int:
        """Clear a batch of units' records whose call never came, or went before them; return how many."""
        return await self._retained.clear_records(self._period)
