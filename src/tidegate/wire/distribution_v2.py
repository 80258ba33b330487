"""Push notifications in the envelope of Docker's distribution registry.

Form: distribution/distribution, `notifications/event.go`. Registries send more than we read, so
unknown fields are skipped here, unlike in our own bodies.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

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
    """What was pushed."""

    media_type: str = ""
    digest: str = ""
    repository: str = ""
    tag: str = ""


class NotifiedRequestV2(msgspec.Struct, rename="camel"):
    """The request that pushed it; `host` is what the pushing client called the registry."""

    host: str = ""


class NotifiedEventV2(msgspec.Struct, rename="camel"):
    """One thing that happened at a registry."""

    action: str
    target: TargetV2
    request: NotifiedRequestV2 = msgspec.field(default_factory=NotifiedRequestV2)


class NotificationV2(msgspec.Struct, rename="camel"):
    """A batch of events."""

    events: Annotated[list[NotifiedEventV2], Meta(max_length=10_000)]
