"""Harbor's webhooks `PUSH_ARTIFACT` and `DELETE_ARTIFACT`, in its own form and as CloudEvents.

Forms: Harbor, "Configure Webhook Notifications", payload formats `Default` and `CloudEvents`
(2.8 and later). Harbor adds fields now and then, so unknown ones are skipped.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.domain.reference import is_tag
from tidegate.wire.told_push import Told, ToldDeletion, ToldPush, event_key

PUSHED = frozenset({"PUSH_ARTIFACT", "harbor.artifact.pushed"})
DELETED = frozenset({"DELETE_ARTIFACT", "harbor.artifact.deleted"})
"""Each event in the one form and in the other."""


class HarborResourceV1(msgspec.Struct):
    """An artifact that the event is about."""

    digest: str = ""
    tag: str = ""
    """Repeats the digest where the artifact was pushed without a tag."""
    resource_url: str = ""
    """`HOST/PROJECT/REPOSITORY:TAG`, or with the digest; without a scheme."""


class HarborRepositoryV1(msgspec.Struct):
    """Where it lies."""

    repo_full_name: str = ""
    """`PROJECT/REPOSITORY`."""


class HarborDataV1(msgspec.Struct):
    """What happened to what."""

    resources: Annotated[list[HarborResourceV1], Meta(max_length=1000)] = []
    repository: HarborRepositoryV1 = msgspec.field(default_factory=HarborRepositoryV1)


class HarborNotificationV1(msgspec.Struct):
    """One event: `event_data` in Harbor's own form, `data` in a CloudEvent."""

    type: str
    occur_at: int = 0
    """Seconds since 1970."""
    event_data: HarborDataV1 | None = None
    specversion: str = ""
    id: str = ""
    data: HarborDataV1 | None = None


def read_events(notification: HarborNotificationV1) -> Told:
    """Return the artifacts that were pushed or deleted; every other event is something else."""
    data = notification.data if notification.specversion else notification.event_data
    if notification.type not in PUSHED | DELETED or data is None:
        return Told((), others=1)
    name = data.repository.repo_full_name
    when = notification.id or str(notification.occur_at)
    if notification.type in DELETED:
        return Told((), _deletions(data, name))
    return Told(
        [
            ToldPush(
                host=resource.resource_url.partition("/")[0],
                repository=name,
                digest=resource.digest,
                tag=resource.tag if is_tag(resource.tag) else "",
                event_key=event_key("harbor", when, name, resource.digest, resource.tag),
            )
            for resource in data.resources
        ]
    )


def _deletions(data: HarborDataV1, name: str) -> list[ToldDeletion]:
    return [
        ToldDeletion(
            host=resource.resource_url.partition("/")[0],
            repository=name,
            digest=resource.digest,
        )
        for resource in data.resources
    ]
