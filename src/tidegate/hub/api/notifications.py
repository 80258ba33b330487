"""Notifications of registries: each format has a path of its own and ends in the same place.

What an event says is its registry's word, of a push as of a deletion. It decides what a worker
looks at, nothing more: a worker fetches the digest and checks every byte.
"""

from contextlib import suppress
from typing import Annotated, Any, Literal

from litestar import Request, Response, post, route
from litestar.enums import HttpMethod
from litestar.params import JSONBody, QueryParameter

from tidegate.domain.errors import InputError
from tidegate.domain.reference import is_tag
from tidegate.hub.api.access import TheCaller, TheHub, allow
from tidegate.hub.api.images import queue_scan, require_host, subject_of
from tidegate.hub.api.problems import documented
from tidegate.hub.clock import render_instant
from tidegate.hub.context import Hub
from tidegate.hub.store import deletions, notices
from tidegate.hub.store.database import Turn
from tidegate.hub.store.images import Subject
from tidegate.hub.store.jobs import Asked
from tidegate.hub.store.tokens import Caller, Role
from tidegate.wire import acr_v1, distribution_v2, harbor_v1
from tidegate.wire.distribution_v2 import IMAGE_MEDIA_TYPES, INDEX_MEDIA_TYPES, NotificationV2
from tidegate.wire.harbor_v1 import HarborNotificationV1
from tidegate.wire.hub_data_v1 import EventGridValidationV1
from tidegate.wire.hub_v1 import NotificationResultV1
from tidegate.wire.told_push import Told, ToldPush

SIGNATURE_TAG_PREFIXES = ("sha256-", "sha512-")
"""Tags of signatures, attestations and fallback referrers (INTEROP): never an image's."""

MAX_EVENT_BYTES = 2**20
"""Harbor sends one event at a time, Event Grid 1 MiB at most."""

Format = Literal["distribution", "harbor", "acr"]

RegistryName = Annotated[
    str,
    QueryParameter(
        max_length=261,
        description="What the registry is called in image references, whatever its events say.",
    ),
]


@post(
    "/registries/notifications",
    guards=allow(Role.REGISTRY),
    status_code=202,
    summary="Take push notifications of a registry",
    responses=documented(),
)
async def post_notification(
    hub: TheHub, caller: TheCaller, data: JSONBody[NotificationV2], registry: RegistryName = ""
) -> NotificationResultV1:
    """Queue a scan for each image that was pushed, in Docker distribution's envelope.

    What is no image's push is counted as skipped, never refused: a registry would repeat it.
    """
    told = distribution_v2.read_events(data)
    return await _take(hub, caller, "distribution", told, registry or hub.settings.notify_registry)


@post(
    "/registries/notifications/harbor",
    guards=allow(Role.REGISTRY),
    status_code=202,
    request_max_body_size=MAX_EVENT_BYTES,
    summary="Take a webhook of Harbor",
    responses=documented(),
)
async def post_harbor(
    hub: TheHub,
    caller: TheCaller,
    data: JSONBody[HarborNotificationV1],
    registry: RegistryName = "",
) -> NotificationResultV1:
    """Queue a scan for each artifact that was pushed, in either of Harbor's payload formats."""
    return await _take(hub, caller, "harbor", harbor_v1.read_events(data), registry)


@post(
    "/registries/notifications/acr",
    guards=allow(Role.REGISTRY),
    status_code=202,
    request_max_body_size=MAX_EVENT_BYTES,
    summary="Take events of Azure Container Registry",
    responses=documented(),
)
async def post_acr(
    hub: TheHub,
    caller: TheCaller,
    data: JSONBody[acr_v1.AcrNotificationV1],
    registry: RegistryName = "",
) -> Response[NotificationResultV1 | EventGridValidationV1]:
    """Queue a scan for each image that was pushed: the registry's webhook, or Event Grid.

    Event Grid's question whether its events are wanted is answered with 200.
    """
    code = acr_v1.validation_code(data)
    if code:
        return Response(EventGridValidationV1(code), status_code=200)
    result = await _take(hub, caller, "acr", acr_v1.read_events(data), registry)
    return Response(result, status_code=202)


@route(
    "/registries/notifications/acr",
    http_method=[HttpMethod.OPTIONS],
    status_code=200,
    include_in_schema=False,
)
async def allow_acr(request: Request[Any, Any, Any]) -> Response[None]:
    """Say that events may be sent; who sends them needs a token all the same.

    CloudEvents, "HTTP 1.1 Web Hooks for Event Delivery", section 4.
    """
    origin = request.headers.get("webhook-request-origin", "")[:253]
    headers = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"} if origin else {}
    return Response(None, status_code=200, headers={"Allow": "POST, OPTIONS", **headers})


async def _take(
    hub: Hub, caller: Caller, kind: Format, told: Told, registry: str
) -> NotificationResultV1:
    """Queue what was pushed and not told of before, and what lost something; count everything."""
    if registry:
        require_host(registry)
    looked_at = await _look_again(hub, told, registry)
    pushes = [(push, s) for push in told.pushes if (s := _subject(push, registry)) is not None]
    now = render_instant(hub.now())
    queued = 0
    async with hub.database.write_in_turn(Turn.IMAGES) as connection:
        keys = [push.event_key for push, _ in pushes if push.event_key]
        fresh = await notices.keep_new(connection, keys, now)
        for push, subject in pushes:
            if push.event_key in fresh or not push.event_key:
                # The same event twice in one batch is one event, too.
                fresh.discard(push.event_key)
                asked = Asked(caller.name, now, push.media_type)
                await queue_scan(connection, subject, [push.tag] if push.tag else [], asked)
                queued += 1
    if queued or looked_at:
        hub.signals.jobs.ring()
    counted = {
        "queued": queued + looked_at,
        "repeated": len(pushes) - queued,
        "ignored": len(told.pushes) - len(pushes) + len(told.deletions) - looked_at + told.others,
    }
    for result, count in counted.items():
        hub.metrics.notifications.labels(kind, result).inc(count)
    return NotificationResultV1(counted["queued"], counted["repeated"] + counted["ignored"])


async def _look_again(hub: Hub, told: Told, registry: str) -> int:
    """Have workers look at what was deleted; return how much of it concerns anything.

    That an event is told twice does not matter: what waits already waits once.
    """
    gone = set[Subject]()
    for each in told.deletions:
        with suppress(InputError):
            gone.add(subject_of(registry or each.host, each.repository, each.digest))
    if not gone:
        return 0
    async with hub.database.write_in_turn(Turn.PACKAGES) as connection:
        return len(await deletions.look_again(connection, gone))


def _subject(push: ToldPush, registry: str) -> Subject | None:
    """Return what is to be scanned, None where that is nothing."""
    if push.media_type and push.media_type not in IMAGE_MEDIA_TYPES | INDEX_MEDIA_TYPES:
        return None
    if push.tag.startswith(SIGNATURE_TAG_PREFIXES) or (push.tag and not is_tag(push.tag)):
        return None
    try:
        return subject_of(registry or push.host, push.repository, push.digest)
    except InputError:
        return None


# The framework makes an OPTIONS of its own for a path whose first handler is another method.
HANDLERS = (allow_acr, post_notification, post_harbor, post_acr)
