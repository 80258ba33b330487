"""The feed: findings that workers signed, appended by them and followed by clusters.

Stored and forwarded as they came: the hub has no key to make, to alter or to check one.
"""

import asyncio
import hashlib
import re
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any

from litestar import Request, Response, get, post, put
from litestar.params import HeaderParameter, JSONBody, PathParameter, QueryParameter
from litestar.response import Stream

from tidegate.domain.errors import ConflictError, NotFoundError, NotPermittedError
from tidegate.hub.api.access import READERS, TheCaller, TheHub, allow, still_valid
from tidegate.hub.api.parameters import Id
from tidegate.hub.api.problems import documented
from tidegate.hub.clock import render_instant
from tidegate.hub.context import Hub
from tidegate.hub.store import feed, feed_known, feed_snapshots
from tidegate.hub.store.database import Turn
from tidegate.hub.store.tokens import Caller, Role
from tidegate.wire.feed_http_v1 import (
    MAX_CURSOR_CHARS,
    MAX_ENVELOPE_CHARS,
    MAX_WAIT_S,
    PART_BYTES,
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

TURN_S = 300.0
"""How long a turn at a chain lasts, unless it is kept."""

MAX_APPEND_BYTES = MAX_ENVELOPE_CHARS + 2**20

KeyOf = Annotated[str, PathParameter(pattern=r"^[0-9a-f]{64}$")]
Part = Annotated[str, PathParameter(pattern=r"^[0-9]{1,4}$")]
After = Annotated[
    str,
    QueryParameter(
        max_length=MAX_CURSOR_CHARS, description="`cursor` of the answer before; empty: begin."
    ),
]
OfKey = Annotated[
    str,
    QueryParameter(
        pattern=r"^([0-9a-f]{64})?$", description="Of this evidence key alone; empty: of all."
    ),
]
WaitS = Annotated[float, QueryParameter(ge=0, le=MAX_WAIT_S, description="Seconds to wait.")]
Range = Annotated[str, HeaderParameter(name="Range", max_length=100)]
IfRange = Annotated[str, HeaderParameter(name="If-Range", max_length=100)]

_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})", re.ASCII)


@get(
    "/feed/heads/{fingerprint:str}",
    guards=allow(Role.SCANNER),
    summary="Show where an evidence key's chain ends",
    responses=documented(),
)
async def get_feed_head(hub: TheHub, fingerprint: KeyOf) -> FeedHeadV1:
    """Return the last batch of a key's chain, and what came since its newest snapshot."""
    async with hub.database.read() as connection:
        return await feed.head_of(connection, fingerprint)


@get(
    "/feed/heads",
    guards=allow(*READERS),
    summary="Show the feed of each evidence key",
    responses=documented(),
)
async def list_feed_heads(hub: TheHub) -> list[FeedStatusV1]:
    """Return how far the chain of each key has come."""
    async with hub.database.read() as connection:
        return await feed.status(connection)


@post(
    "/feed/batches",
    guards=allow(Role.SCANNER),
    status_code=200,
    request_max_body_size=MAX_APPEND_BYTES,
    summary="Append a batch to a chain",
    responses=documented(409),
)
async def append_batch(hub: TheHub, data: JSONBody[FeedAppendV1]) -> FeedAppendedV1:
    """Append a batch if the chain still ends where it says; else return where it ends."""
    async with hub.database.write_in_turn(Turn.FEED) as connection:
        appended = await feed.append(connection, data, render_instant(hub.now()))
        head = None if appended else await feed.head_of(connection, data.fingerprint)
    if appended:
        hub.signals.feed.ring()
    return FeedAppendedV1(appended, head)


@get(
    "/feed",
    guards=allow(Role.CLUSTER, Role.SCANNER),
    summary="Wait for what is new in the feed",
    responses=documented(),
)
async def follow_feed(
    hub: TheHub, after: After = "", wait: WaitS = 0, fingerprint: OfKey = ""
) -> FeedPageV1:
    """Return batches and snapshots after a cursor, as soon as there are some.

    `reset`: the cursor names nothing that is here; the newest snapshot of each key follows, and
    the batches after it. No news before the wait ends: the same cursor.
    """
    deadline = time.monotonic() + wait
    while True:
        seen = hub.signals.feed.count
        async with hub.database.read() as connection:
            page = await feed.page(connection, after, fingerprint)
        remaining_s = deadline - time.monotonic()
        if page is not None:
            return page
        if remaining_s <= 0 or hub.signals.feed.closed:
            return FeedPageV1(after)
        await hub.signals.feed.wait_beyond(seen, remaining_s)


@post(
    "/feed/turns",
    guards=allow(Role.SCANNER),
    status_code=200,
    summary="Take the turn at a chain",
    responses=documented(404),
)
async def take_feed_turn(
    hub: TheHub, data: JSONBody[FeedTurnRequestV1]
) -> Response[FeedTurnV1 | None]:
    """Be the one worker that compacts or fills a key's chain, or stay it; 204: another one is."""
    now = hub.now()
    expires_at = render_instant(now + timedelta(seconds=TURN_S))
    async with hub.database.write() as connection:
        secret = await feed_snapshots.take_turn_at(
            connection, data.fingerprint, data.lease, expires_at, render_instant(now)
        )
    if not secret:
        return Response(None, status_code=204)
    return Response(FeedTurnV1(secret, expires_at))


@post(
    "/feed/turns/end",
    guards=allow(Role.SCANNER),
    status_code=204,
    summary="Give the turn at a chain up",
    responses=documented(404),
)
async def end_feed_turn(hub: TheHub, data: JSONBody[FeedTurnRequestV1]) -> None:
    """Let another worker have the turn."""
    async with hub.database.write() as connection:
        await feed_snapshots.end_turn(
            connection, data.fingerprint, data.lease, render_instant(hub.now())
        )


@post(
    "/feed/known",
    guards=allow(Role.SCANNER),
    status_code=200,
    summary="List reports that existed before a chain",
    responses=documented(404, 409),
)
async def list_known_reports(hub: TheHub, data: JSONBody[FeedKnownRequestV1]) -> FeedKnownV1:
    """Return the next reports to bring into a chain, and keep how far that has come."""
    async with hub.database.write() as connection:
        now = render_instant(hub.now())
        head = await feed_snapshots.require_turn(connection, data.fingerprint, data.lease, now)
        done = max(data.done, head.filled_upto)
        return await feed_known.next_page(connection, data.fingerprint, done)


@post(
    "/feed/snapshots",
    guards=allow(Role.SCANNER),
    summary="Begin to upload a snapshot",
    responses=documented(404, 409),
)
async def begin_snapshot(hub: TheHub, data: JSONBody[FeedUploadV1]) -> FeedUploadBegunV1:
    """Return where to put the parts; 409: the turn is lost, or the chain went another way."""
    async with hub.database.write() as connection:
        upload = await feed_snapshots.begin(connection, data, render_instant(hub.now()))
    return FeedUploadBegunV1(upload)


@put(
    "/feed/snapshots/{snapshot_id:str}/parts/{number:str}",
    guards=allow(Role.SCANNER),
    status_code=204,
    request_max_body_size=PART_BYTES,
    summary="Upload a part of a snapshot",
    responses=documented(404),
)
async def put_snapshot_part(
    hub: TheHub, request: Request[Any, Any, Any], snapshot_id: Id, number: Part
) -> None:
    """Keep octets of a snapshot: part n begins at n times 4 MiB."""
    content = await request.body()
    async with hub.database.write() as connection:
        await feed_snapshots.put_part(
            connection, snapshot_id, int(number), content, render_instant(hub.now())
        )


@post(
    "/feed/snapshots/{snapshot_id:str}/finish",
    guards=allow(Role.SCANNER),
    status_code=204,
    summary="Finish the upload of a snapshot",
    responses=documented(404, 409),
)
async def finish_snapshot(hub: TheHub, snapshot_id: Id) -> None:
    """Serve a snapshot from now on; 409: parts are missing, or others than announced."""
    async with hub.database.read() as connection:
        upload = await feed_snapshots.unfinished(connection, snapshot_id)
    found = hashlib.sha256()
    for number in range(-(-upload.size // PART_BYTES)):
        async with hub.database.read() as connection:
            content = await feed_snapshots.part(connection, snapshot_id, number)
        await asyncio.to_thread(found.update, content)
    if found.hexdigest() != upload.sha256:
        raise ConflictError(
            f"the parts have SHA-256 {found.hexdigest()}, announced was {upload.sha256}; "
            "begin the upload again"
        )
    async with hub.database.write_in_turn(Turn.FEED) as connection:
        place = await feed.next_place(connection)
        await feed_snapshots.finish(connection, snapshot_id, place, render_instant(hub.now()))
    hub.signals.feed.ring()


@get(
    "/feed/snapshots/{snapshot_id:str}",
    guards=allow(Role.CLUSTER, Role.SCANNER),
    summary="Fetch a snapshot",
    responses=documented(404),
    media_type="application/octet-stream",
)
async def get_snapshot(
    hub: TheHub,
    caller: TheCaller,
    snapshot_id: Id,
    wanted: Range = "",
    if_range: IfRange = "",
) -> Stream | Response[bytes]:
    """Stream a snapshot's octets, from where `Range` says on (RFC 9110, section 14)."""
    async with hub.database.read() as connection:
        row = await feed_snapshots.finished(connection, snapshot_id)
    tag = f'"{row.sha256}"'
    size = int(row.size)
    begin, end = 0, size
    found = _RANGE.fullmatch(wanted)
    is_part = found is not None and if_range in {"", tag}
    if found is not None and is_part:
        begin = int(found[1])
        end = min(size, int(found[2]) + 1) if found[2] else size
        if begin >= end:
            return Response(b"", status_code=416, headers={"Content-Range": f"bytes */{size}"})
    headers = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Content-Length": str(end - begin),
        **({"Content-Range": f"bytes {begin}-{end - 1}/{size}"} if is_part else {}),
    }
    return Stream(
        _octets(hub, caller, snapshot_id, begin, end),
        status_code=206 if is_part else 200,
        media_type="application/octet-stream",
        headers=headers,
    )


async def _octets(
    hub: Hub, caller: Caller, snapshot: str, begin: int, end: int
) -> AsyncIterator[bytes]:
    while begin < end:
        number, offset = divmod(begin, PART_BYTES)
        async with hub.database.read() as connection:
            if not await still_valid(hub, connection, caller):
                # The answer ends short of its length, which its reader notices.
                raise NotPermittedError(f"the token {caller.name!r} was revoked meanwhile")
            content = await feed_snapshots.part(connection, snapshot, number)
        chunk = content[offset : offset + end - begin]
        if not chunk:
            raise NotFoundError(f"part {number} of snapshot {snapshot!r} is shorter than it was")
        begin += len(chunk)
        yield chunk


HANDLERS = (
    get_feed_head,
    list_feed_heads,
    append_batch,
    follow_feed,
    take_feed_turn,
    end_feed_turn,
    list_known_reports,
    begin_snapshot,
    put_snapshot_part,
    finish_snapshot,
    get_snapshot,
)
