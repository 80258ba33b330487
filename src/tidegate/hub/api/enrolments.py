"""Enrolment: an administrator fixes what a cluster is; its agent comes with a one-time token."""

from datetime import timedelta

from litestar import delete, post
from litestar.params import JSONBody

from tidegate.domain.errors import InputError, NotPermittedError
from tidegate.domain.text import printable
from tidegate.hub.api.access import TheCaller, TheHub, UnknownCallerError, allow
from tidegate.hub.api.parameters import Id
from tidegate.hub.api.problems import documented
from tidegate.hub.clock import render_instant
from tidegate.hub.context import Hub
from tidegate.hub.store import clusters, enrolments, tokens
from tidegate.hub.store.audit import Author
from tidegate.hub.store.tokens import Role
from tidegate.wire.hub_v1 import ClusterEnrolledV1, ClusterEnrolV1, EnrolmentV1, EnrolV1

VALIDITY = timedelta(hours=24)
"""Long enough to hand a token over, short enough that one left lying about is worth nothing."""

_TAKEN_NAME = "enrolments"
"""A path of the API stands there."""


@post(
    "/clusters/enrolments",
    guards=allow(Role.ADMIN),
    summary="Announce a cluster",
    responses=documented(409),
)
async def create_enrolment(
    hub: TheHub, caller: TheCaller, data: JSONBody[ClusterEnrolV1]
) -> EnrolmentV1:
    """Fix what a cluster is, and return the one-time token with which its agent enrols it.

    Again for a cluster whose agent has not come: the earlier token ends.
    """
    if data.name == _TAKEN_NAME:
        raise InputError(f"no cluster can be named {_TAKEN_NAME!r}; choose another name")
    secret = tokens.new_token()
    expires_at = render_instant(hub.now() + VALIDITY)
    author = hub.author(caller)
    async with hub.database.write() as connection:
        await clusters.announce(connection, data, author)
        await enrolments.add(connection, data.name, secret, author, expires_at)
    hub.signals.policy.ring()
    return EnrolmentV1(data.name, secret, expires_at)


@post(
    "/enrol",
    status_code=200,
    security=[{}],
    summary="Enrol with a one-time token",
    responses=documented(),
)
async def enrol(hub: TheHub, data: JSONBody[EnrolV1]) -> ClusterEnrolledV1:
    """Exchange a one-time token for its cluster's token; that is in this answer and nowhere else.

    A second use, and one by an agent of another cluster, are refused and stand as an alarm at the
    cluster until an administrator acknowledges it.
    """
    async with hub.database.read() as connection:  # a stranger's guess costs no write
        known = await enrolments.find(connection, data.token)
    now = render_instant(hub.now())
    if known is None:
        hub.metrics.refused.labels("401").inc()
        raise UnknownCallerError("the enrolment token is unknown; ask for another one")
    name = str(known.cluster)
    if data.cluster and data.cluster != name:
        claimed = printable(data.cluster)
        raise await _alarm(
            hub,
            data.token,
            name,
            f"an agent of a cluster named {claimed!r} came with the enrolment token of {name!r}",
        )
    if not known.used_at and known.expires_at <= now:
        raise NotPermittedError(
            f"the enrolment token of cluster {name!r} expired at {known.expires_at}; "
            "ask for another one"
        )
    secret = tokens.new_token()
    author = Author(f"enrolment:{name}", enrolments.ROLE, now)
    async with hub.database.write() as connection:
        first = await enrolments.use(connection, data.token, now)
        if first:
            await clusters.arrive(connection, name, secret, author)
    if first:
        return ClusterEnrolledV1(name, secret)
    raise await _alarm(
        hub,
        data.token,
        name,
        f"somebody came a second time with the enrolment token of cluster {name!r}",
    )


@delete(
    "/clusters/{name:str}/alarms",
    guards=allow(Role.ADMIN),
    summary="Acknowledge a cluster's alarms",
    responses=documented(404),
)
async def acknowledge_alarms(hub: TheHub, caller: TheCaller, name: Id) -> None:
    """Take the hub's alarms about a cluster for looked into; its agent's own problems stay."""
    async with hub.database.write() as connection:
        await clusters.load(connection, name)
        await enrolments.acknowledge(connection, name, hub.author(caller))


async def _alarm(hub: Hub, token: str, cluster: str, what: str) -> NotPermittedError:
    """Keep the alarm, and return the refusal."""
    hub.metrics.refused.labels("403").inc()
    now = render_instant(hub.now())
    sentence = (
        f"{what}, at {now}; if that was not you, delete the cluster and enrol it anew: "
        "somebody else may hold its token"
    )
    async with hub.database.write() as connection:
        await enrolments.raise_alarm(connection, token, cluster, sentence, now)
    return NotPermittedError(f"refused, and an administrator is told: {what}")


HANDLERS = (create_enrolment, enrol, acknowledge_alarms)
