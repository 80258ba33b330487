"""Clusters: enrolment, heartbeat, gating, and the policy that an agent polls for."""

import time
from typing import Annotated, Any

from litestar import Request, Response, delete, get, post, put
from litestar.params import JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.api.access import READERS, TheCaller, TheHub, allow, require_own
from tidegate.hub.api.parameters import (
    DEFAULT_LIMIT,
    Cursor,
    Id,
    Limit,
    parse_cursor,
    render_cursor,
)
from tidegate.hub.api.problems import documented
from tidegate.hub.api.reauthentication import require_fresh
from tidegate.hub.clock import render_instant
from tidegate.hub.context import Hub
from tidegate.hub.store import clusters, organisation, tokens
from tidegate.hub.store.tokens import Role
from tidegate.wire.hub_v1 import (
    ClusterEnrolledV1,
    ClusterEnrolV1,
    ClusterPolicyV1,
    ClusterV1,
    GatingV1,
    HeartbeatV1,
    Page,
)
from tidegate.wire.protection_v1 import AlarmsV1

MAX_WAIT_S = 25
"""Below the 30 s after which many proxies give up on a silent request."""

Generation = Annotated[
    str, QueryParameter(max_length=128, description="The one in force; empty: answer at once.")
]
WaitS = Annotated[
    float, QueryParameter(name="wait_s", ge=0, le=MAX_WAIT_S, description="Seconds to wait.")
]


@post("/clusters", guards=allow(Role.ADMIN), summary="Enrol a cluster", responses=documented(409))
async def enrol_cluster(
    hub: TheHub, caller: TheCaller, data: JSONBody[ClusterEnrolV1]
) -> ClusterEnrolledV1:
    """Enrol a cluster; its token is in this answer and nowhere else."""
    secret = tokens.new_token()
    async with hub.database.write() as connection:
        await clusters.enrol(connection, data, secret, hub.author(caller))
    return ClusterEnrolledV1(data.name, secret)


@get("/clusters", guards=allow(*READERS), summary="List clusters by name", responses=documented())
async def list_clusters(
    hub: TheHub, cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT
) -> Page[ClusterV1]:
    """Return a page of the clusters."""
    after = parse_cursor(cursor, tuple[str])
    async with hub.database.read() as connection:
        found = await clusters.page(connection, after[0] if after else "", limit + 1)
        page = await with_wanted(hub, connection, found[:limit])
    return Page(page, render_cursor(page[-1].name) if len(found) > limit else None)


@get(
    "/alarms",
    guards=allow(*READERS),
    summary="List what is wrong with clusters' protection",
    responses=documented(),
)
async def list_alarms(hub: TheHub) -> AlarmsV1:
    """Return the alarms that the agents of all clusters last told of."""
    async with hub.database.read() as connection:
        return await clusters.alarms(connection)


@get(
    "/clusters/{name:str}",
    guards=allow(*READERS, Role.CLUSTER),
    summary="Show a cluster",
    responses=documented(404),
)
async def get_cluster(hub: TheHub, caller: TheCaller, name: Id) -> ClusterV1:
    """Return one cluster; a cluster's token sees its own."""
    require_own(caller, name)
    async with hub.database.read() as connection:
        return await _cluster(hub, connection, name)


@delete(
    "/clusters/{name:str}",
    guards=allow(Role.ADMIN),
    summary="Forget a cluster",
    responses=documented(404),
)
async def delete_cluster(hub: TheHub, caller: TheCaller, name: Id) -> None:
    """Forget a cluster and revoke its token; its events stay."""
    async with hub.database.write() as connection:
        await clusters.remove(connection, name, hub.author(caller))
    hub.signals.policy.ring()  # its agent waits for a policy that will never come


@put(
    "/clusters/{name:str}/gating",
    guards=allow(Role.ADMIN),
    summary="Switch gating of a cluster",
    responses=documented(404),
)
async def put_gating(
    hub: TheHub,
    caller: TheCaller,
    request: Request[Any, Any, Any],
    name: Id,
    data: JSONBody[GatingV1],
) -> ClusterV1:
    """Switch gating of a cluster; Off admits everything there, and in a session needs proof."""
    if data.gating == "Off":
        await require_fresh(hub, request, caller, data.password)
    async with hub.database.write() as connection:
        await clusters.set_gating(connection, name, data, hub.author(caller))
    hub.signals.policy.ring()
    async with hub.database.read() as connection:
        return await _cluster(hub, connection, name)


@post(
    "/clusters/{name:str}/heartbeat",
    guards=allow(Role.CLUSTER),
    status_code=204,
    summary="Tell how a cluster is",
    responses=documented(404),
)
async def post_heartbeat(
    hub: TheHub, caller: TheCaller, name: Id, data: JSONBody[HeartbeatV1]
) -> None:
    """Keep what an agent says about its own cluster."""
    require_own(caller, name)
    async with hub.database.write() as connection:
        now = render_instant(hub.now())
        await clusters.note_heartbeat(connection, name, data, now)


@get(
    "/clusters/{name:str}/policy",
    guards=allow(Role.CLUSTER, *READERS),
    summary="Wait for a cluster's policy",
    responses=documented(404),
)
async def get_policy(
    hub: TheHub, caller: TheCaller, name: Id, generation: Generation = "", wait_s: WaitS = 0
) -> Response[ClusterPolicyV1 | None]:
    """Return a cluster's rules once they differ from `generation`; 304 if they never did."""
    require_own(caller, name)
    deadline = time.monotonic() + wait_s
    while True:
        seen = hub.signals.policy.count
        async with hub.database.read() as connection:
            policy = await _policy(hub, connection, name)
        remaining_s = deadline - time.monotonic()
        if policy.generation != generation:
            return Response(policy, headers={"ETag": f'"{policy.generation}"'})
        if remaining_s <= 0 or hub.signals.policy.closed:
            return Response(None, status_code=304, headers={"ETag": f'"{policy.generation}"'})
        await hub.signals.policy.wait_beyond(seen, remaining_s)


async def _policy(hub: Hub, connection: AsyncConnection, name: str) -> ClusterPolicyV1:
    cluster = await clusters.load(connection, name)
    current = await organisation.load(connection)
    known = await hub.rule_book.at(connection, current.revision)
    return known.policy_of(cluster, current)


async def _cluster(hub: Hub, connection: AsyncConnection, name: str) -> ClusterV1:
    (cluster,) = await with_wanted(hub, connection, [await clusters.load(connection, name)])
    return cluster


async def with_wanted(
    hub: Hub, connection: AsyncConnection, found: list[ClusterV1]
) -> list[ClusterV1]:
    """Return clusters with the generation that the hub wants in force there."""
    current = await organisation.load(connection)
    known = await hub.rule_book.at(connection, current.revision)
    for cluster in found:
        cluster.wanted_generation = known.generation_of(cluster, current)
    return found


HANDLERS = (
    enrol_cluster,
    list_clusters,
    list_alarms,
    get_cluster,
    delete_cluster,
    put_gating,
    post_heartbeat,
    get_policy,
)
