"""A town that calls and answers: hotlines post records, units report, through the public doors only."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import psycopg

from deploy.local.records import SentCall
from deploy.local.stack import Stack
from shared.contracts.incident import Incident, Origin, StampKind
from shared.runtime.packs import load_pack
from tests.engine import until

STEPS = {
    "ack": StampKind.ACKED,
    "turn-out": StampKind.TURNED_OUT,
    "arrive": StampKind.ARRIVED,
    "end": StampKind.ENDED,
    "sheet": StampKind.FED_BACK,
}
"""What a unit reports, in order: the last part of router's door and the stamp it makes."""

PATIENCE_S = 90.0
"""Wall time after which an item that got no answer is an error of the platform."""
_REQUEST_S = 3.0
"""A stopped process holds its requests this long; then the other instance is asked the same."""
_AGAIN = frozenset({429, 502, 503, 504})
_DESK = "xj-desk"
_CALLS = (
    ("110", {"bjlx": "0102"}),
    ("119", {"bjxl": "030101"}),
    ("12345", {"lb": "占道经营"}),
    ("122", {"bjxl": "020101"}),
    ("110", {"bjlx": "0105"}),
)
"""Sources and kinds in turn: the third and the last travel in the ordinary lane."""


@dataclass(frozen=True)
class Answered:
    """One answer of a door: when it was asked and when it answered, monotonic seconds."""

    service: str
    status: int
    asked: float
    at: float


@dataclass
class Town:
    """Everybody outside the platform. `accepted` and `reported` are what the platform answered for.

    `accepted` holds the calls by number with the newest revision beside, `reported` the steps a
    unit was told are taken, by assignment, with their times.
    """

    stack: Stack
    accepted: dict[str, SentCall] = field(default_factory=dict)
    revisions: dict[UUID, int] = field(default_factory=dict)
    reported: dict[UUID, dict[str, datetime]] = field(default_factory=dict)
    answers: list[Answered] = field(default_factory=list)
    outstanding: Counter[str] = field(default_factory=Counter)
    unequal: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pack = load_pack(self.stack.region_dir)
        self._zone = self.pack.region.zone
        self._areas = [area.code for area in self.pack.areas]
        self._numbers = itertools.count(1)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        self._http = httpx.AsyncClient(timeout=_REQUEST_S, limits=limits, trust_env=False)
        with psycopg.connect(self.stack.admin) as admin:
            row = admin.execute("select platform.now(), speed from platform.clock").fetchone()
        assert row is not None
        self._then: datetime = row[0]
        self._speed, self._since = float(row[1]), time.monotonic()

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    def now(self) -> datetime:
        """Return platform time, UTC."""
        return self._then + timedelta(seconds=(time.monotonic() - self._since) * self._speed)

    # -- doors --------------------------------------------------------------------------------

    async def once(
        self, service: str, number: int, method: str, path: str, *, scope: str, **sent: Any
    ) -> httpx.Response | None:
        """Ask one instance once; None where nobody answered."""
        address = self.stack.http(service, number)
        headers = {
            "authorization": f"Bearer {self.stack.secrets.keys[scope]}",
            "content-type": "application/json",
            **sent.get("headers", {}),
        }
        asked = time.monotonic()
        self.outstanding[address] += 1
        try:
            answer = await self._http.request(
                method, f"{address}{path}", content=sent.get("content"), headers=headers
            )
        except httpx.TransportError:
            return None
        finally:
            self.outstanding[address] -= 1
        self.answers.append(Answered(service, answer.status_code, asked, time.monotonic()))
        return answer

    async def insist(
        self, service: str, first: int, method: str, path: str, **asked: Any
    ) -> httpx.Response:
        """Ask the instances in turn, from *first* on, until one gives an answer that is one."""
        async with asyncio.timeout(PATIENCE_S):
            for attempt in itertools.count(first):
                answer = await self.once(service, 1 + attempt % 2, method, path, **asked)
                if answer is not None and answer.status_code not in _AGAIN:
                    return answer
                await asyncio.sleep(0.05)
        raise AssertionError("unreachable")

    # -- hotlines -----------------------------------------------------------------------------

    def a_record(self, *, urgent: bool | None = None) -> tuple[str, str, dict[str, Any]]:
        """Return source, number and body of a record nobody sent yet."""
        index = next(self._numbers)
        kind = index % len(_CALLS)
        if urgent is not None:
            kind = 0 if urgent else 2
        source, what = _CALLS[kind]
        number, area = f"T{index:06d}", self._areas[index % len(self._areas)]
        received = self.now().astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S")
        if source == "12345":
            told = {"gdbh": number, "slsj": received, "nr": "路边摆摊", "xzqh": area}
        else:
            told = {"jjdbh": number, "bjsj": received, "bjnr": "有人报警", "afxzqh": area}
        return source, number, told | what

    async def call(self, source: str, number: str, body: Mapping[str, Any], first: int = 0) -> UUID:
        """Post a record until it is taken, and remember what was answered for it."""
        answer = await self.insist(
            "intake", first, "POST", f"/v1/feeds/{source}/calls",
            scope=f"source:{source}", content=json.dumps(body).encode(),
        )  # fmt: skip
        assert answer.status_code in (200, 202), answer.text
        said = answer.json()
        call_id = UUID(said["call_id"])
        self.accepted[number] = SentCall(
            name=number, source=source, number=number, sent_at=time.time(), answered="accepted",
            status=answer.status_code, expected=True, call_id=call_id,
        )  # fmt: skip
        self.revisions[call_id] = max(said["revision"], self.revisions.get(call_id, 0))
        return call_id

    async def handling(self, number: str, unit: str) -> None:
        """Post what *unit* did about call *number* of the 110, whether or not that is known yet."""
        at = self.now().astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S")
        body = {"cjdbh": f"{number}-1", "jjdbh": number, "cjdwbm": unit, "pdjssj": at}
        answer = await self.insist(
            "intake", 0, "POST", "/v1/feeds/110/handling",
            scope="source:110", content=json.dumps(body).encode(),
        )  # fmt: skip
        assert answer.status_code in (200, 202), answer.text

    # -- units --------------------------------------------------------------------------------

    async def incident_of(self, call_id: UUID, first: int = 0) -> Incident:
        """Return the incident of a call as soon as somebody was sent."""
        path, found = f"/v1/calls/{call_id}/incident", list[Incident]()

        async def sent() -> bool:
            answer = await self.insist("router", first, "GET", path, scope="desk")
            if answer.status_code == httpx.codes.OK:
                found.append(msgspec.json.decode(answer.content, type=Incident))
            return bool(found) and found[-1].dispatched_at is not None

        try:
            await until(sent, within_s=PATIENCE_S)
        except TimeoutError:
            state = "is in no incident" if not found else f"waits in {found[-1].state}"
            raise AssertionError(f"call {call_id} was answered 202 and {state}") from None
        return found[-1]

    async def report(self, unit: str, assignment: UUID, step: str, *, twice: bool) -> None:
        """Report a step; *twice* taps the same button at both routers at once."""
        at = self.now()
        body: dict[str, Any] = {"occurred_at": at.isoformat()}
        if step == "sheet":
            body["sheet"] = {"result": "已处置"}
        answers = await asyncio.gather(
            *(self._command(first, unit, assignment, step, body) for first in range(1 + twice))
        )
        assert {200} == {a.status_code for a in answers}, [a.text for a in answers]
        if len({a.content for a in answers}) > 1:
            self.unequal.append(f"{assignment} {step}: {[a.text for a in answers]}")
        self.reported.setdefault(assignment, {})[step] = at

    async def _command(
        self, first: int, unit: str, assignment: UUID, step: str, body: Mapping[str, Any]
    ) -> httpx.Response:
        return await self.insist(
            "router", first, "POST", f"/v1/assignments/{assignment}/{step}", scope=f"unit:{unit}",
            content=json.dumps(body).encode(), headers={"idempotency-key": f"{assignment}/{step}"},
        )  # fmt: skip

    async def work(self, incident: Incident, *, twice: bool) -> None:
        """Let every unit that was sent report all its steps."""
        for duty in incident.assignments:
            if duty.origin is Origin.DISPATCHED and duty.unit != _DESK:
                for step in STEPS:
                    await self.report(duty.unit, duty.assignment_id, step, twice=twice)

    async def catch_up(self) -> None:
        """Let those who were silent acknowledge and arrive: no clock then runs out any more."""
        calls = list(self.revisions)

        async def caller() -> None:
            while calls:
                incident = await self.incident_of(calls.pop())
                for duty, step in itertools.product(incident.assignments, ("ack", "arrive")):
                    if duty.origin is Origin.DISPATCHED and duty.stamp(STEPS[step]) is None:
                        await self.report(duty.unit, duty.assignment_id, step, twice=False)

        await asyncio.gather(*(caller() for _ in range(10)))

    # -- traffic ------------------------------------------------------------------------------

    async def story(self) -> None:
        """Play one event: a record, perhaps sent twice, changed, called about again; units at work."""
        source, number, body = self.a_record()
        index = int(number[1:])
        doors = (index, index + 1) if index % 3 == 0 else (index,)
        called = await asyncio.gather(*(self.call(source, number, body, door) for door in doors))
        if len(set(called)) > 1:
            self.unequal.append(f"{number}: one record, two calls {called}")
        if index % 4 == 1:
            told = "nr" if "nr" in body else "bjnr"
            await self.call(source, number, body | {told: "又来电补充"}, index + 1)
        if index % 8 == 3 and "jjdbh" in body:
            other = f"{number}-2"
            await self.call(source, other, body | {"jjdbh": other, "zjjdbh": number}, index)
        incident = await self.incident_of(called[0], index)
        if index % 6:  # every sixth event's units never answer
            await self.work(incident, twice=index % 2 == 0)

    async def ring(self) -> None:
        """Post one record and leave it to the units that never answer."""
        source, number, body = self.a_record()
        await self.call(source, number, body, int(number[1:]))

    @asynccontextmanager
    async def traffic(self, callers: int = 10, *, only_calls: bool = False) -> AsyncIterator[None]:
        """Play events until the block ends, *callers* at a time; each begun is played to its end."""
        going = True

        async def caller() -> None:
            while going:
                await (self.ring() if only_calls else self.story())
                if only_calls:
                    await asyncio.sleep(0.25)  # the pace of people, not of a load test

        tasks = [asyncio.create_task(caller()) for _ in range(callers)]
        try:
            yield
        except BaseException:
            for task in tasks:
                task.cancel()
            raise
        finally:
            going = False
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException):
                raise error
