"""The calls about the feed: workers append to it and compact it, agents follow it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.parse import quote

from tidegate.hubclient.transport import Params, Transport
from tidegate.wire.feed_http_v1 import (
    MAX_WAIT_S,
    FeedAppendedV1,
    FeedAppendV1,
    FeedHeadV1,
    FeedKnownRequestV1,
    FeedKnownV1,
    FeedPageV1,
    FeedStatusV1,
    FeedTurnRequestV1,
    FeedTurnV1,
    FeedUploadBegunV1,
    FeedUploadV1,
)

LARGE_S = 60.0
"""Added to the time allowed for megabytes."""

FINISH_S = 600.0
"""Added while the hub reads a whole snapshot again."""

SILENCE_S = 30.0
"""A snapshot of which nothing came for so long does not come."""


class FeedCalls:
    """Part of `HubClient`."""

    _http: Transport

    async def follow_feed(
        self, after: str, wait_s: float = MAX_WAIT_S, fingerprint: str = ""
    ) -> FeedPageV1:
        """Return what came after a cursor; the same cursor: nothing did."""
        params: Params = {"after": after, "wait": wait_s, "fingerprint": fingerprint}
        _, answer = await self._http.call("GET", "feed", params=params, wait_s=wait_s + LARGE_S)
        return self._http.decode(answer, FeedPageV1)

    async def read_snapshot(self, snapshot: str, begin: int = 0) -> AsyncGenerator[bytes]:
        """Yield a snapshot's octets from `begin` on; an end before its size is a failure."""
        path = f"feed/snapshots/{quote(snapshot, safe='')}"
        async with aclosing(self._http.octets(path, begin, SILENCE_S)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def feed_head(self, fingerprint: str) -> FeedHeadV1:
        """Return the end of a key's chain."""
        return await self._http.get(f"feed/heads/{fingerprint}", FeedHeadV1)

    async def list_feed_heads(self) -> list[FeedStatusV1]:
        """Return how far the chain of each key has come."""
        return await self._http.get("feed/heads", list[FeedStatusV1])

    async def append_batch(self, body: FeedAppendV1) -> FeedAppendedV1:
        """Append a batch; not appended: somebody else came first."""
        _, answer = await self._http.call("POST", "feed/batches", body=body, wait_s=LARGE_S)
        return self._http.decode(answer, FeedAppendedV1)

    async def take_feed_turn(self, body: FeedTurnRequestV1) -> FeedTurnV1 | None:
        """Return the turn at a chain; None: another worker has it."""
        status, answer = await self._http.call("POST", "feed/turns", body=body)
        return None if status == 204 else self._http.decode(answer, FeedTurnV1)

    async def end_feed_turn(self, body: FeedTurnRequestV1) -> None:
        """Give a turn up."""
        await self._http.call("POST", "feed/turns/end", body=body)

    async def known_reports(self, body: FeedKnownRequestV1) -> FeedKnownV1:
        """Return reports that existed before the chain. ConflictError: turn lost."""
        _, answer = await self._http.call("POST", "feed/known", body=body)
        return self._http.decode(answer, FeedKnownV1)

    async def begin_snapshot(self, body: FeedUploadV1) -> str:
        """Return the id of an upload. ConflictError: turn lost, or another chain."""
        _, answer = await self._http.call("POST", "feed/snapshots", body=body)
        return self._http.decode(answer, FeedUploadBegunV1).id

    async def put_snapshot_part(self, upload: str, number: int, content: bytes) -> None:
        """Upload a part of a snapshot."""
        path = f"feed/snapshots/{quote(upload, safe='')}/parts/{number}"
        await self._http.call("PUT", path, body=content, wait_s=LARGE_S)

    async def finish_snapshot(self, upload: str) -> None:
        """Have a snapshot served. ConflictError: it is not what was announced."""
        path = f"feed/snapshots/{quote(upload, safe='')}/finish"
        await self._http.call("POST", path, wait_s=FINISH_S)
