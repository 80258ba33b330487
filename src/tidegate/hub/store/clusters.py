"""Clusters: what an administrator fixed at enrolment, and what their agents last said."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import ConflictError, NotFoundError
from tidegate.hub.clock import parse_instant, render_instant
from tidegate.hub.store import audit, enrolments, feed, organisation, tokens
from tidegate.hub.store.audit import Author
from tidegate.hub.store.schema import clusters
from tidegate.hub.store.tokens import Role
from tidegate.wire.hub_v1 import (
    ClusterEnrolV1,
    ClusterFeedV1,
    ClusterV1,
    FeedEndV1,
    GatingV1,
    HeartbeatV1,
)
from tidegate.wire.protection_v1 import AlarmsV1, ClusterAlarmV1, ProtectionV1

MAX_PROBLEMS = 50
MAX_PROBLEM_CHARS = 1024
MAX_ALARMS_LISTED = 100

_ENDS = msgspec.json.Decoder(list[FeedEndV1])
_LABELS = msgspec.json.Decoder(dict[str, str])
_PROBLEMS = msgspec.json.Decoder(list[str])
_PROTECTION: msgspec.json.Decoder[ProtectionV1 | None] = msgspec.json.Decoder(ProtectionV1 | None)

_QUERY = select(clusters, enrolments.is_alarmed(clusters.c.name).label("alarmed"))


async def enrol(
    connection: AsyncConnection, body: ClusterEnrolV1, token: str, author: Author
) -> None:
    """Enrol a cluster with its token, which is bound to this name for ever.

    Raises:
        ConflictError: a cluster of this name is enrolled: nobody may come under its name.
    """
    if await _find(connection, body.name) is not None:
        raise _enrolled_already(body.name)
    await _insert(connection, body, author.at)
    await audit.record(connection, author, "cluster.enrol", f"cluster/{body.name}", after=body)
    await give_token(connection, body.name, token, author)


async def announce(connection: AsyncConnection, body: ClusterEnrolV1, author: Author) -> None:
    """Fix what a cluster is before its agent comes; again, as long as it did not.

    Raises:
        ConflictError: a cluster of this name is enrolled: nobody may come under its name.
    """
    row = await _find(connection, body.name)
    if row is not None and row.enrolled_at:
        raise _enrolled_already(body.name)
    before = None if row is None else _cluster(row)
    if before is None:
        await _insert(connection, body, "")
    else:
        await connection.execute(
            update(clusters)
            .where(clusters.c.name == body.name)
            .values(
                provider=body.provider,
                account=body.account,
                labels=msgspec.json.encode(body.labels).decode(),
            )
        )
    await organisation.count_change(connection, author.at)
    await audit.record(
        connection,
        author,
        "cluster.announce",
        f"cluster/{body.name}",
        before=before,
        after=body,
    )


async def arrive(connection: AsyncConnection, name: str, token: str, author: Author) -> None:
    """Keep that an announced cluster's agent came, and give it its token."""
    await connection.execute(
        update(clusters).where(clusters.c.name == name).values(enrolled_at=author.at)
    )
    after = await load(connection, name)
    await audit.record(connection, author, "cluster.enrol", f"cluster/{name}", after=after)
    await give_token(connection, name, token, author)


async def give_token(connection: AsyncConnection, name: str, token: str, author: Author) -> None:
    """Make `token` that of the cluster."""
    await tokens.add(connection, f"cluster:{name}", Role.CLUSTER, token, author, cluster=name)


async def load(connection: AsyncConnection, name: str) -> ClusterV1:
    """Return a cluster, without `wantedGeneration`.

    Raises:
        NotFoundError: none of this name is enrolled.
    """
    row = await _find(connection, name)
    if row is None:
        raise NotFoundError(f"no cluster named {name!r} is enrolled")
    return (await _with_alarms(connection, [row]))[0]


async def page(connection: AsyncConnection, after: str, limit: int) -> list[ClusterV1]:
    """Return up to `limit` clusters by name, those after `after`, without the objects they name."""
    query = _QUERY.where(clusters.c.name > after).order_by(clusters.c.name).limit(limit)
    found = await _with_alarms(connection, (await connection.execute(query)).all())
    for cluster in found:
        if cluster.protection is not None:  # of a thousand clusters they would be 30 MB
            cluster.protection.unjudged_pods = []
            if cluster.protection.break_glass:
                cluster.protection.break_glass = []
    return found


async def alarms(connection: AsyncConnection) -> AlarmsV1:
    """Return the alarms that agents last told of, the first `MAX_ALARMS_LISTED` of them."""
    query = (
        select(clusters.c.name, clusters.c.protection)
        .where(clusters.c.protection.contains('"alarms":['))
        .order_by(clusters.c.name)
    )
    found = AlarmsV1([])
    for name, text in (await connection.execute(query)).all():
        protection = _PROTECTION.decode(text)
        standing = protection.alarms if protection else []
        found.clusters += bool(standing)
        found.total += len(standing)
        room = MAX_ALARMS_LISTED - len(found.items)
        found.items += [
            ClusterAlarmV1(name, alarm.kind, alarm.message, alarm.since)
            for alarm in standing[:room]
        ]
    return found


async def remove(connection: AsyncConnection, name: str, author: Author) -> None:
    """Forget a cluster and revoke its token; its events stay."""
    before = await load(connection, name)
    await connection.execute(delete(clusters).where(clusters.c.name == name))
    await audit.record(connection, author, "cluster.delete", f"cluster/{name}", before=before)


async def set_gating(
    connection: AsyncConnection, name: str, body: GatingV1, author: Author
) -> None:
    """Switch gating of a cluster."""
    before = await load(connection, name)
    if before.gating == body.gating:
        return
    await organisation.count_change(connection, author.at)
    await connection.execute(
        update(clusters).where(clusters.c.name == name).values(gating=body.gating)
    )
    await audit.record(
        connection,
        author,
        "cluster.gating",
        f"cluster/{name}",
        before={"gating": before.gating},
        after={"gating": body.gating},  # never the password in the body
    )


async def note_heartbeat(
    connection: AsyncConnection, name: str, body: HeartbeatV1, now: str
) -> None:
    """Keep what the agent said; not audited: it says the same every few seconds."""
    problems = [problem[:MAX_PROBLEM_CHARS] for problem in body.problems[:MAX_PROBLEMS]]
    heard_at = parse_instant(body.feed_at)
    await connection.execute(
        update(clusters)
        .where(clusters.c.name == name)
        .values(
            last_seen_at=now,
            agent_version=body.agent_version[:128],
            policy_generation=body.policy_generation[:128],
            feed_at=render_instant(heard_at) if heard_at else "",
            feed_ends=msgspec.json.encode(body.feed).decode(),
            problems=msgspec.json.encode(problems).decode(),
            protection=msgspec.json.encode(body.protection).decode(),
        )
    )


async def _insert(connection: AsyncConnection, body: ClusterEnrolV1, enrolled_at: str) -> None:
    await connection.execute(
        insert(clusters).values(
            name=body.name,
            provider=body.provider,
            account=body.account,
            labels=msgspec.json.encode(body.labels).decode(),
            gating=(await organisation.load(connection)).security_gating,
            enrolled_at=enrolled_at,
            last_seen_at="",
            agent_version="",
            policy_generation="",
            problems="[]",
            protection="null",
        )
    )


def _enrolled_already(name: str) -> ConflictError:
    return ConflictError(
        f"cluster {name!r} is enrolled already; delete it first if it is to start anew"
    )


async def _with_alarms(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[ClusterV1]:
    """Put what the hub itself has to say about clusters before what their agents said."""
    found = [_cluster(row) for row in rows]
    alarmed = [row.name for row in rows if row.alarmed]
    alarms = await enrolments.alarms(connection, alarmed) if alarmed else {}
    heads = await feed.ends(connection) if any(row.feed_ends != "[]" for row in rows) else {}
    for cluster, row in zip(found, rows, strict=True):
        cluster.feed = [_standing(end, heads) for end in _ENDS.decode(row.feed_ends)]
        cluster.problems = [*alarms.get(cluster.name, []), *cluster.problems]
    return found


def _standing(end: FeedEndV1, heads: Mapping[str, FeedEndV1]) -> ClusterFeedV1:
    """Hold what a cluster has of a chain against what the hub has."""
    shown = partial(ClusterFeedV1, end.fingerprint, end.chain, end.epoch)
    head = heads.get(end.fingerprint)
    if head is None:
        return shown("unknown-key")
    if head.chain != end.chain:
        return shown("other-chain")
    if head.epoch > end.epoch:
        return shown("behind", head.epoch - end.epoch)
    return shown("same" if head.epoch == end.epoch else "ahead")


async def _find(connection: AsyncConnection, name: str) -> Row[Any] | None:
    return (await connection.execute(_QUERY.where(clusters.c.name == name))).first()


def _cluster(row: Row[Any]) -> ClusterV1:
    return ClusterV1(
        name=row.name,
        provider=row.provider,
        account=row.account,
        labels=_LABELS.decode(row.labels),
        enrolled_at=row.enrolled_at,
        last_seen_at=row.last_seen_at,
        agent_version=row.agent_version,
        policy_generation=row.policy_generation,
        gating=row.gating,
        problems=_PROBLEMS.decode(row.problems),
        protection=_PROTECTION.decode(row.protection),
        feed_at=row.feed_at,
    )
