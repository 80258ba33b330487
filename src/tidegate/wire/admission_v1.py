"""`admission.k8s.io/v1` AdmissionReview: bytes to what is judged, and a verdict to bytes.

Rules of reading, for bytes that may be hostile:

* Fields that nothing here reads are skipped, whatever they hold; fields that are read have types.
* Two equal keys in one object, and nesting beyond a limit, are refused (`wire.strict_json`).
* The object is read by the kind that the API server says it has.

Not done here: the size of the body (the server counts while it receives), policy, evidence.
"""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec

from tidegate.domain.errors import MalformedReviewError
from tidegate.domain.workload import ObjectFacts
from tidegate.wire.known_objects import in_order, known_object
from tidegate.wire.review_outline import Operation, outline_of
from tidegate.wire.strict_json import TOO_LARGE, read_strict_json
from tidegate.wire.workload_v1 import parse_object, runs_images

MAX_VALUES = 500_000
"""Values in one review; a real one has some thousands, each an object while it is read."""

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"

MAX_UID_CHARS = 128
"""Kubernetes sends 36; the uid is echoed, logged and used as the event's id."""


Part = TypeVar("Part")


class AdmissionRequest(msgspec.Struct, frozen=True, gc=False):
    """What the API server asks."""

    uid: str
    kind: str
    group: str
    resource: str
    subresource: str
    name: str
    namespace: str
    operation: Operation
    user: str
    dry_run: bool
    object: ObjectFacts | None
    """None: a kind without a pod specification, or an operation without an object."""
    old: ObjectFacts | None


class _Wire(msgspec.Struct, rename="camel", gc=False):
    """Base of what is read: camelCase names; unknown fields are skipped."""


class _GroupVersionKind(_Wire):
    group: str = ""
    version: str = ""
    kind: str = ""


class _GroupVersionResource(_Wire):
    group: str = ""
    version: str = ""
    resource: str = ""


class _UserInfo(_Wire):
    username: str = ""


class _Request(_Wire, Generic[Part]):
    uid: str
    kind: _GroupVersionKind
    operation: Operation
    resource: _GroupVersionResource = msgspec.field(default_factory=_GroupVersionResource)
    sub_resource: str = ""
    name: str = ""
    namespace: str = ""
    user_info: _UserInfo = msgspec.field(default_factory=_UserInfo)
    dry_run: bool | None = None
    object: Part | None = None
    old_object: Part | None = None


class _Review(_Wire, Generic[Part]):
    api_version: str
    kind: str
    request: _Request[Part]


class _UidOnly(_Wire):
    uid: str


class _UidReview(_Wire):
    request: _UidOnly


class _Status(msgspec.Struct):
    code: int
    message: str
    reason: str


class _Response(msgspec.Struct, omit_defaults=True):
    uid: str
    allowed: bool
    status: _Status | None = None
    warnings: list[str] = []


class _Answer(msgspec.Struct, rename="camel"):
    api_version: str
    kind: str
    response: _Response


def parse_review(body: bytes) -> AdmissionRequest:
    """Return what the AdmissionReview in `body` asks.

    Raises:
        MalformedReviewError: no AdmissionReview of admission.k8s.io/v1; says what came instead.
    """
    return request_by_outline(body) or _request_by_whole(body)


def request_by_outline(body: bytes) -> AdmissionRequest | None:
    """Return what a review asks that is written as API servers do; None for any other.

    It says what reading the whole would say (a law in tests/property), or nothing: whatever is
    refused is refused there.
    """
    outline = outline_of(body) if len(body) <= MAX_VALUES else None
    if outline is None or (outline.api_version, outline.kind) != (API_VERSION, KIND):
        return None
    request = outline.request
    kind, name, namespace = request.kind.kind, request.name or "", request.namespace or ""
    if not _is_uid(request.uid) or not in_order(request.options):
        return None
    judged = runs_images(request.kind.group, kind) and request.operation in ("CREATE", "UPDATE")
    try:
        old = new = None
        if request.old_object is not None:
            old = known_object(request.old_object, kind, name, namespace, judged=judged)
        if request.object is not None:
            new = known_object(request.object, kind, name, namespace, judged=judged)
        elif judged:
            return None
    except (msgspec.MsgspecError, ValueError):
        return None
    return AdmissionRequest(
        uid=request.uid,
        kind=kind,
        group=request.kind.group,
        resource=request.resource.resource,
        subresource=request.sub_resource or "",
        name=name,
        namespace=namespace,
        operation=request.operation,
        user=request.user_info.username or "",
        dry_run=request.dry_run is True,
        object=new,
        old=old,
    )


def read_uid(body: bytes) -> str:
    """Return the uid of a review that may be malformed elsewhere; empty where there is none."""
    try:
        uid = _UID_REVIEW.decode(body).request.uid
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""
    return uid if _is_uid(uid) else ""


def render_response(
    uid: str, *, allowed: bool, message: str = "", warnings: Sequence[str] = ()
) -> bytes:
    """Return the AdmissionReview that answers `uid`; `message` says why it is not allowed."""
    status = None if allowed else _Status(403, message, "Forbidden")
    return _ENCODER.encode(
        _Answer(API_VERSION, KIND, _Response(uid, allowed, status, list(warnings)))
    )


def _request_by_whole(body: bytes) -> AdmissionRequest:
    try:
        value = read_strict_json(body, max_values=MAX_VALUES)
        if value is TOO_LARGE:  # only what is needed becomes objects
            return _request_of(_LARGE_REVIEW.decode(body))
        return _request_of(msgspec.convert(value, _Review[Any]))
    except (msgspec.MsgspecError, ValueError) as error:
        raise MalformedReviewError(f"AdmissionReview: {error}") from error


def _request_of(review: _Review[Any]) -> AdmissionRequest:
    if (review.api_version, review.kind) != (API_VERSION, KIND):
        came = f"{review.api_version} {review.kind}"[:200]
        raise ValueError(f"got {came!r}, want {API_VERSION} {KIND}")
    request = review.request
    if not _is_uid(request.uid):
        raise ValueError(
            f"got a uid of {len(request.uid)} characters, want 1 to {MAX_UID_CHARS} printable ones"
        )
    return AdmissionRequest(
        uid=request.uid,
        kind=request.kind.kind,
        group=request.kind.group,
        resource=request.resource.resource,
        subresource=request.sub_resource,
        name=request.name,
        namespace=request.namespace,
        operation=request.operation,
        user=request.user_info.username,
        dry_run=bool(request.dry_run),
        object=_object_of(request, request.object, "object"),
        old=_object_of(request, request.old_object, "oldObject"),
    )


def _object_of(request: _Request[Any], part: object, place: str) -> ObjectFacts | None:
    kind = request.kind.kind
    if not runs_images(request.kind.group, kind) or request.operation in ("DELETE", "CONNECT"):
        return None
    if part is None or (isinstance(part, msgspec.Raw) and bytes(part).strip() == b"null"):
        if place == "object":
            raise ValueError(f"got no object for {request.operation} of {kind}, want one")
        return None
    try:
        # The request's namespace and name are the API server's own words; the object may lack them.
        return parse_object(kind, part, name=request.name, namespace=request.namespace)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ValueError(f"request.{place}: {error}") from error


def _is_uid(text: str) -> bool:
    return 0 < len(text) <= MAX_UID_CHARS and text.isprintable()


_ENCODER = msgspec.json.Encoder()
_LARGE_REVIEW = msgspec.json.Decoder(_Review[msgspec.Raw])
_UID_REVIEW = msgspec.json.Decoder(_UidReview)
