"""What Azure Container Registry tells of: by its webhook, and through Event Grid.

Forms: "Azure Container Registry webhook reference", `push` and `delete`; "Azure Container Registry
as an Event Grid source", in the schemas `CloudEventSchemaV1_0` and `EventGridSchema`; "Webhook
event delivery" for the handshake. Azure adds fields now and then, so unknown ones are skipped.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.wire.distribution_v2 import NotifiedRequestV2, TargetV2
from tidegate.wire.told_push import Told, ToldDeletion, ToldPush, event_key

PUSHED = "Microsoft.ContainerRegistry.ImagePushed"
DELETED = "Microsoft.ContainerRegistry.ImageDeleted"
VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"


class AcrPushV1(msgspec.Struct, rename="camel"):
    """The webhook's body, and the `data` of both of Event Grid's schemas."""

    id: str = ""
    action: str = ""
    target: TargetV2 = msgspec.field(default_factory=TargetV2)
    request: NotifiedRequestV2 = msgspec.field(default_factory=NotifiedRequestV2)
    validation_code: str = ""
    """Of the event by which Event Grid asks whether its events are wanted here."""


class AcrEventV1(AcrPushV1, rename="camel"):
    """One event: the webhook's own, or Event Grid's around it."""

    type: str = ""
    """CloudEvents."""
    event_type: str = ""
    """Event Grid's own schema."""
    data: AcrPushV1 | None = None

    @property
    def kind(self) -> str:
        """What Event Grid calls the event; empty for the webhook's own body."""
        return self.type or self.event_type


AcrNotificationV1 = AcrEventV1 | Annotated[list[AcrEventV1], Meta(max_length=5000)]
"""Event Grid sends lists, of up to 5,000 events."""


def read_events(notification: AcrEventV1 | list[AcrEventV1]) -> Told:
    """Return the images that were pushed or deleted; charts and pings are something else."""
    events = notification if isinstance(notification, list) else [notification]
    pushes = [push for event in events if (push := _push(event)) is not None]
    deletions = [gone for event in events if (gone := _deletion(event)) is not None]
    return Told(pushes, deletions, len(events) - len(pushes) - len(deletions))


def validation_code(notification: AcrEventV1 | list[AcrEventV1]) -> str:
    """Return what Event Grid wants to hear before it delivers; empty: it does not ask."""
    events = notification if isinstance(notification, list) else [notification]
    asked = [e.data.validation_code for e in events if e.kind == VALIDATION and e.data is not None]
    return asked[0] if asked else ""


def _push(event: AcrEventV1) -> ToldPush | None:
    said = _said(event, PUSHED, "push")
    if said is None:
        return None
    target = said.target
    return ToldPush(
        host=said.request.host,
        repository=target.repository,
        digest=target.digest,
        tag=target.tag,
        media_type=target.media_type,
        event_key=event_key("acr", said.id) if said.id else "",
    )


def _deletion(event: AcrEventV1) -> ToldDeletion | None:
    said = _said(event, DELETED, "delete")
    if said is None:
        return None
    return ToldDeletion(
        host=said.request.host,
        repository=said.target.repository,
        digest=said.target.digest,
    )


def _said(event: AcrEventV1, kind: str, action: str) -> AcrPushV1 | None:
    """Return what an event says, where it is of this kind; None: of another."""
    said = event.data if event.kind else event
    if event.kind not in ("", kind) or said is None or said.action != action:
        return None
    return said
