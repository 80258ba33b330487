"""The outline of an AdmissionReview as API servers write it, with its large parts left as text.

Most of a review is the same in thousands of reviews: the specification of a pod, the list of who
manages which field. So only what stands around these parts is made into objects here; what they
mean is known by their text (`wire.known_texts`).

That no key stands twice in the outline is shown as `wire.strict_json` shows it of a whole text: it
reads back as it was written. The order of fields is that of Go's structures
(k8s.io/api/admission/v1, `AdmissionReview`; k8s.io/apimachinery/pkg/apis/meta/v1, `ObjectMeta`). A
review written in another way is no outline, and is read as a whole instead.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]


class _Outline(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """Base of what is read: all fields that there are, in Go's order."""


class GroupVersionKind(_Outline):
    """metav1.GroupVersionKind."""

    group: str
    version: str
    kind: str


class GroupVersionResource(_Outline):
    """metav1.GroupVersionResource."""

    group: str
    version: str
    resource: str


class UserInfo(_Outline):
    """authenticationv1.UserInfo."""

    username: str | UnsetType = UNSET
    uid: str | UnsetType = UNSET
    groups: list[str] | UnsetType = UNSET
    extra: dict[str, list[str]] | UnsetType = UNSET


class OwnerReference(_Outline):
    """metav1.OwnerReference."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | UnsetType = UNSET
    block_owner_deletion: bool | UnsetType = UNSET


class ManagedFields(_Outline, kw_only=True):
    """metav1.ManagedFieldsEntry; which fields they are is text."""

    manager: str | UnsetType = UNSET
    operation: str | UnsetType = UNSET
    api_version: str | UnsetType = UNSET
    time: str | UnsetType = UNSET
    fields_type: str | UnsetType = UNSET
    fields: Raw = msgspec.field(name="fieldsV1")
    subresource: str | UnsetType = UNSET


class Metadata(_Outline):
    """metav1.ObjectMeta."""

    name: str | UnsetType = UNSET
    generate_name: str | UnsetType = UNSET
    namespace: str | UnsetType = UNSET
    self_link: str | UnsetType = UNSET
    uid: str | UnsetType = UNSET
    resource_version: str | UnsetType = UNSET
    generation: int | UnsetType = UNSET
    creation_timestamp: str | UnsetType | None = UNSET
    deletion_timestamp: str | UnsetType = UNSET
    deletion_grace_period_seconds: int | UnsetType = UNSET
    labels: dict[str, str] | UnsetType = UNSET
    annotations: dict[str, str] | UnsetType = UNSET
    owner_references: list[OwnerReference] | UnsetType = UNSET
    finalizers: list[str] | UnsetType = UNSET
    managed_fields: list[ManagedFields] | UnsetType = UNSET


class ObjectOutline(_Outline):
    """An object of a kind that has a specification and a status."""

    kind: str
    api_version: str
    metadata: Metadata
    spec: Raw
    status: Raw

    def texts(self) -> Iterator[Raw]:
        """Yield the parts of which only that they are in order is asked."""
        yield self.status
        for managed in self.metadata.managed_fields or ():
            yield managed.fields


class RequestOutline(_Outline, kw_only=True):
    """admissionv1.AdmissionRequest."""

    uid: str
    kind: GroupVersionKind
    resource: GroupVersionResource
    sub_resource: str | UnsetType = UNSET
    request_kind: GroupVersionKind | UnsetType = UNSET
    request_resource: GroupVersionResource | UnsetType = UNSET
    request_sub_resource: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    namespace: str | UnsetType = UNSET
    operation: Operation
    user_info: UserInfo
    object: ObjectOutline | None
    old_object: ObjectOutline | None
    dry_run: bool | UnsetType | None = UNSET
    options: Raw


class ReviewOutline(_Outline):
    """admissionv1.AdmissionReview of a request."""

    kind: str
    api_version: str
    request: RequestOutline


def outline_of(body: bytes) -> ReviewOutline | None:
    """Return the outline of the review in `body`; None for one that is written in another way."""
    try:
        outline = _DECODER.decode(body)
        written = _ENCODER.encode(outline)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return outline if written == body else None


_DECODER = msgspec.json.Decoder(ReviewOutline)
_ENCODER = msgspec.json.Encoder()
