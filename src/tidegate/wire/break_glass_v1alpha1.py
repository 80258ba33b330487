"""`tidegate.io/v1alpha1` BreakGlass objects: cluster-scoped, so that cluster rights make them.

`python -m tidegate.wire.break_glass_v1alpha1` prints their CustomResourceDefinition;
`config/crd/breakglasses.yaml` keeps a copy that a test compares. An object is never changed: the
API server refuses that, and its hours count from the instant at which the API server made it.
"""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from tidegate.domain.break_glass import BreakGlass
from tidegate.domain.digest import parse_digest
from tidegate.domain.errors import InputError, InvalidBreakGlassError
from tidegate.wire.custom_resource import (
    ResourceNames,
    Schema,
    define,
    object_schema,
    render_definition,
)
from tidegate.wire.policy_times import parse_duration
from tidegate.wire.policy_v1alpha1 import GROUP, VERSION

KIND = "BreakGlass"
PLURAL = "breakglasses"

MAX_DURATION = timedelta(hours=24)

_NAMESPACE = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
_DIGEST = r"^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$"
_DURATION = r"^(([1-9]|1[0-9]|2[0-4])h|([1-9][0-9]{0,2}|1[0-3][0-9]{2}|14[0-3][0-9]|1440)m)$"

FIELDS = {
    "namespace": "namespace is the one namespace in which the image is let in. Required.",
    "digest": (
        "digest names the image: what its reference resolves to, of several platforms the digest "
        "of their index. A refusal and its event show it. Required."
    ),
    "reason": ("reason says why, for the event of every use. Required, from 10 to 512 characters."),
    "duration": (
        "duration says how long it holds from its creation on: hours or minutes, as 4h or 90m. "
        "At most 24h. Required; to end it earlier, delete the object."
    ),
}
"""What each field means: for `kubectl explain` and the reference page."""


class _Spec(msgspec.Struct, forbid_unknown_fields=True):
    namespace: Annotated[str, Meta(min_length=1, max_length=63, pattern=_NAMESPACE)]
    digest: Annotated[str, Meta(pattern=_DIGEST)]
    reason: Annotated[str, Meta(min_length=10, max_length=512)]
    duration: Annotated[str, Meta(pattern=_DURATION)]


class _Metadata(msgspec.Struct, rename="camel"):
    name: Annotated[str, Meta(min_length=1, max_length=253)]
    creation_timestamp: str = ""


class _Object(msgspec.Struct, rename="camel"):
    metadata: _Metadata
    spec: _Spec


def parse_break_glass(body: Mapping[str, Any]) -> BreakGlass:
    """Return what the decoded object `body` lets in.

    Raises:
        InvalidBreakGlassError: not of this form, or not made by an API server.
    """
    try:
        parsed = msgspec.convert(dict(body), _Object)
        spec, since = parsed.spec, _created(parsed.metadata.creation_timestamp)
        duration = min(parse_duration(spec.duration), MAX_DURATION)
        return BreakGlass(
            name=parsed.metadata.name,
            namespace=spec.namespace,
            digest=parse_digest(spec.digest),
            reason=spec.reason,
            since=since,
            until=since + duration,
        )
    except (msgspec.MsgspecError, InputError, ValueError, OverflowError) as error:
        raise InvalidBreakGlassError(f"BreakGlass object: {error}") from error


def _created(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"creationTimestamp {text!r} has no zone")
    return moment.astimezone(UTC)


def custom_resource_definition() -> Schema:
    """Return the CustomResourceDefinition as a mapping."""
    columns = [
        {"name": "Namespace", "type": "string", "jsonPath": ".spec.namespace"},
        {"name": "Digest", "type": "string", "jsonPath": ".spec.digest"},
        {"name": "Duration", "type": "string", "jsonPath": ".spec.duration"},
        {"name": "Reason", "type": "string", "jsonPath": ".spec.reason"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]
    return define(ResourceNames(GROUP, VERSION, KIND, PLURAL), _schema(), columns)


def _schema() -> Schema:
    bounds: dict[str, Schema] = {
        "namespace": {"minLength": 1, "maxLength": 63, "pattern": _NAMESPACE},
        "digest": {"pattern": _DIGEST, "maxLength": 135},
        "reason": {"minLength": 10, "maxLength": 512},
        "duration": {"pattern": _DURATION, "maxLength": 5},
    }
    return object_schema(
        "BreakGlass lets one image into one namespace for some hours although rules deny it: each "
        "use is a warning and an admission event.",
        {
            "spec": {
                "type": "object",
                "description": "spec says what is let in, where, for how long and why.",
                "required": list(bounds),
                "x-kubernetes-validations": [
                    {
                        "rule": "self == oldSelf",
                        "message": "a BreakGlass is never changed; delete it and make another one",
                    }
                ],
                "properties": {
                    name: {"description": FIELDS[name], "type": "string", **bound}
                    for name, bound in bounds.items()
                },
            },
        },
    )


def render_crd() -> str:
    """Return the CustomResourceDefinition as YAML."""
    return render_definition(custom_resource_definition(), "break_glass_v1alpha1.py")


if __name__ == "__main__":
    sys.stdout.write(render_crd())
