"""Push notifications in the envelope of Docker's distribution registry.

Form: distribution/distribution, `notifications/event.go`. Registries send more than we read, so
unknown fields are skipped here, unlike in our own bodies.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.wire.told_push import Told, ToldDeletion, ToldPush, event_key

NOTIFICATION_MEDIA_TYPE = "application/vnd.docker.distribution.events.v1+json"

IMAGE_MEDIA_TYPES = frozenset(
    {
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    }
)
INDEX_MEDIA_TYPES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)


class TargetV2(msgspec.Struct, rename="camel"):
    """What was pushed, or deleted: then it has neither type nor, mostly, tag."""

    media_type: str = ""
    digest: str = ""
    repository: str = ""
    tag: str = ""


class NotifiedRequestV2(msgspec.Struct, rename="camel"):
    """The request that did it; `host` is what its client called the registry."""

    host: str = ""


class NotifiedEventV2(msgspec.Struct, rename="camel"):
    """One thing that happened at a registry."""

    action: str
    target: TargetV2
    request: NotifiedRequestV2 = msgspec.field(default_factory=NotifiedRequestV2)
    id: str = ""


class NotificationV2(msgspec.Struct, rename="camel"):
    """A batch of events."""

    events: Annotated[list[NotifiedEventV2], Meta(max_length=10_000)]


def read_events(notification: NotificationV2) -> Told:
    """Return pushes and deletions of manifests; pulls, mounts, tags and blobs are something else.

    A deletion does not say of what type; one of a blob names nothing that anybody asks for.
    """
    pushes = [
        ToldPush(
            host=event.request.host,
            repository=event.target.repository,
            digest=event.target.digest,
            tag=event.target.tag,
            media_type=event.target.media_type,
            event_key=event_key("distribution", event.id) if event.id else "",
        )
        for event in notification.events
        if event.action == "push" and event.target.media_type not in ("", _BLOB)
    ]
    deletions = [
        ToldDeletion(
            host=event.request.host,
            repository=event.target.repository,
            digest=event.target.digest,
        )
        for event in notification.events
        if event.action == "delete" and event.target.digest
    ]
    return Told(pushes, deletions, len(notification.events) - len(pushes) - len(deletions))


_BLOB = "application/octet-stream"
