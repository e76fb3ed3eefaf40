"""Every line tells whose doing it is of: trace and incident, bound where work comes in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import httpx
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.contracts.envelope import Message
from shared.runtime.bus import Partition, Record
from shared.runtime.events import ids_of
from shared.runtime.group import GroupCommit
from shared.runtime.store import Store, Work
from shared.runtime.tracing import (
    MOST_SHOWN,
    TracedApp,
    about,
    continued,
    trace_id,
    trace_of,
)
from tests.engine import beat, fresh, outgoing
from tests.parts import Lines

TRACE = "0af7651916cd43dd8448eb211c80319c"
SENT = f"00-{TRACE}-b7ad6b7169203331-01"


def record(message: Message) -> Record:
    """Return *message* as a consumer gets it."""
    out = outgoing(message)
    return Record(Partition(out.topic, 0), 0, out.key, out.value, tuple(out.headers))


def test_a_trace_goes_on_and_nonsense_begins_a_new_one() -> None:
    """W3C: same trace id, a span of our own."""
    found = continued(SENT)

    assert TRACE == trace_id(found)
    assert SENT != found
    assert "0" * 32 not in continued(f"00-{'0' * 32}-{'b' * 16}-01")
    assert len(found) == len(continued(None)) == len(continued("某某甲"))


def test_one_event_is_told_of_with_its_ids(lines: Lines) -> None:
    """Issue 3: structured logs with incident id and trace id."""
    one = fresh()
    message = beat(one, 1, topic="in")
    event = record(Message(**{f: getattr(message, f) for f in message.__struct_fields__} | {"trace": SENT}))  # fmt: skip
    with about(lambda: (ids_of(event),)):
        structlog.get_logger().warning("too late")
    structlog.get_logger().warning("something else")

    about_it, after = lines()
    assert (TRACE, str(one), str(message.event_id)) == (
        about_it["trace"], about_it["heartbeat"], about_it["event_id"],
    )  # fmt: skip
    assert {"router", "router-1"} == {about_it["service"], about_it["instance"]}
    assert "trace" not in after


def test_a_batch_is_told_of_by_all_its_ids_up_to_a_limit(lines: Lines) -> None:
    """A line stays a line: what is left out is counted."""
    with about(lambda: ({"incident": str(n), "trace": TRACE} for n in range(50))):
        structlog.get_logger().error("handler crashed")

    (line,) = lines()
    assert [str(n) for n in range(MOST_SHOWN)] == line["incidents"]
    assert (TRACE, 50) == (line["trace"], line["of"])


async def test_a_door_s_lines_carry_the_trace_and_the_incident_of_the_path(lines: Lines) -> None:
    """The HTTP server's own lines too; the handler's events go on under the same trace."""
    incident = fresh()
    went_on: list[str] = []

    async def door(request: Request) -> Response:
        went_on.append(trace_of(request.scope))
        structlog.get_logger().warning("refused", why="too late")
        logging.getLogger("uvicorn.error").error("Exception in ASGI application")
        return Response()

    app = TracedApp(Starlette(routes=[Route("/v1/incidents/{target}/{action}", door)]))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://router") as http:
        await http.get(f"/v1/incidents/{incident}/cancel", headers={"traceparent": SENT})
        await http.get(f"/v1/incidents/{incident}/cancel")

    ours, library, begun, _ = lines()
    assert [(TRACE, str(incident))] * 2 == [(n["trace"], n["incident"]) for n in (ours, library)]
    assert begun["trace"] != TRACE
    assert [TRACE, begun["trace"]] == [trace_id(each) for each in went_on]


async def test_a_made_up_path_names_nothing_in_the_log(lines: Lines) -> None:
    """Keys are ours: a segment of a caller's path can neither add one nor take the place of another."""
    one = fresh()

    async def door(_: Request) -> Response:
        logging.getLogger("uvicorn.error").error("Exception in ASGI application")
        return Response()

    app = TracedApp(Starlette(routes=[Route("/{path:path}", door)]))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://router"
    ) as http:
        await http.get(f"/event/{one}/logger/{one}/某某甲/{one}/v1/calls/{one}")

    (line,) = lines()
    assert {"event", "logger", "level", "service", "instance", "trace", "call"} == line.keys()
    assert "Exception in ASGI application" == line["event"]


def test_what_a_line_is_about_takes_no_place_of_its_message(lines: Lines) -> None:
    """The line says what happened, whatever it is about."""
    with about(lambda: ({"event": "x", "level": "x", "logger": "x"},)):
        logging.getLogger("uvicorn.error").error("Exception in ASGI application")

    (line,) = lines()
    assert ("Exception in ASGI application", "error", "uvicorn.error") == (
        line["event"], line["level"], line["logger"],
    )  # fmt: skip


async def test_a_group_that_decides_for_many_requests_logs_whose_failed(lines: Lines) -> None:
    """The group is another task than the door: what the request is about goes with it."""

    async def decide(items: Sequence[int], _: Work) -> Sequence[int]:
        if 2 in items:
            raise ZeroDivisionError
        return items

    group = GroupCommit("commands", decide, Store(None))  # type: ignore[arg-type]  # nothing to write
    running = asyncio.create_task(group.run())
    asked = []
    for number in (1, 2, 3):
        with about(lambda n=number: ({"incident": str(n), "trace": f"{n:032x}"},)):  # type: ignore[misc]
            asked.append(asyncio.create_task(group.submit(number)))
            await asyncio.sleep(0)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    running.cancel()

    assert [1, 3] == [each for each in answers if isinstance(each, int)]
    (line,) = lines()
    assert ("request failed", "2", f"{2:032x}") == (line["event"], line["incident"], line["trace"])


def test_a_whole_traceparent_is_shown_as_its_trace_id(lines: Lines) -> None:
    """One spelling of a trace in all lines, to be searched for."""
    structlog.get_logger().warning("refused", trace=SENT)

    (line,) = lines()
    assert TRACE == line["trace"]
