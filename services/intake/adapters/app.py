"""One address for both: the hot doors first, everything else to FastAPI."""

from __future__ import annotations

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from services.intake.adapters.feed_door import FeedDoor
from services.intake.adapters.replies import POST_ONLY, Reply, refused
from shared.contracts.problems import Problem

_HOT = "/v1/feeds/"
_log = structlog.get_logger()


class Doors:
    """The ASGI application of intake: `POST /v1/feeds/{source}/<feed>` past any framework."""

    def __init__(self, hot: FeedDoor, reads: ASGIApp) -> None:
        self._hot = hot
        self._feeds = {feed.name: feed for feed in hot.feeds}
        self._reads = reads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(_HOT):
            await self._reads(scope, receive, send)
            return
        try:
            reply = await self._answer(scope, receive)
        except Exception as error:  # noqa: BLE001 - the door answers; a message may hold a value
            _log.error("door failed", kind=type(error).__name__)
            reply = refused(Problem.INTERNAL, "not accepted; it is safe to send it again")
        await reply.send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        source, _, name = scope["path"][len(_HOT) :].partition("/")
        feed = self._feeds.get(name)
        if feed is None or not source:
            return _nowhere(scope["path"])
        if scope["method"] != "POST":
            return POST_ONLY
        return await self._hot.post(feed, source, scope, receive)


def _nowhere(path: str) -> Reply:
    known = path.rsplit("/", 1)[-1] in ("calls", "handling")
    detail = "post to it" if known else "there are .../calls and .../handling"
    return refused(Problem.NOT_FOUND, detail)
