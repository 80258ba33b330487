"""AdmissionReview: what is judged of it is what an independent reader finds in the same bytes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tidegate.domain.decide import JudgedImage, decide
from tidegate.domain.errors import InvalidReferenceError, MalformedReviewError
from tidegate.domain.evidence import ImageEvidence, Missing, MissingReason
from tidegate.domain.explain import denial_message, warnings
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.domain.rule import Action, Conditions, Policy, Rule
from tidegate.domain.scope import compile_policy
from tidegate.domain.workload import POD_SPEC_PATHS, changed_images, images_of, workload_of
from tidegate.wire.admission_v1 import AdmissionRequest, parse_review, read_uid, render_response

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WITHOUT_REPORT = Conditions(block_unscanned=True, unsupported_registries=frozenset())
DENIES_UNSCANNED = compile_policy(Policy(rules=(Rule("unscanned", Action.DENY, WITHOUT_REPORT),)))
NO_REPORT = ImageEvidence.of(Missing(MissingReason.NO_REPORT))


def check_review(data: bytes) -> None:
    """Parse, compare with a reader of another make, decide and answer."""
    uid = read_uid(data)
    request = _read(data)
    # With a space before it a review is read as a whole, and not by its outline.
    assert request == _read(b" " + data), "the outline says something else than the whole"
    if request is None:
        render_response(uid, allowed=False, message="not read")
        return
    assert request.uid == uid, f"two uids in one review: {uid!r} and {request.uid!r}"
    if request.object is None:
        return
    document = json.loads(data)
    named = {use.field_path: use.image for use in images_of(request.object)}
    found = dict(_images_in(document["request"]["object"], request.object.kind))
    assert named == found, f"judged {named}, but the object names {found}"
    changed = changed_images(request.object, request.old)
    assert {use.field_path for use in changed} <= named.keys()
    if changed:
        _require_denied(
            request, [JudgedImage(use, _parsed(use.image), NO_REPORT) for use in changed]
        )


def _read(data: bytes) -> AdmissionRequest | None:
    try:
        return parse_review(data)
    except MalformedReviewError:
        return None


def _parsed(image: str) -> ImageReference | None:
    try:
        return parse_reference(image)
    except InvalidReferenceError:
        return None


def _require_denied(request: AdmissionRequest, judged: list[JudgedImage]) -> None:
    """Whatever else the review says: an image without a report does not pass this rule."""
    assert request.object is not None
    verdict = decide(DENIES_UNSCANNED, workload_of(request.object), judged, NOW)
    assert not verdict.allowed
    message = denial_message(verdict, request.uid)
    body = render_response(request.uid, allowed=False, message=message, warnings=warnings(verdict))
    answer = json.loads(body)["response"]
    assert answer["uid"] == request.uid
    assert answer["allowed"] is False


def _images_in(obj: Any, kind: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - decoded JSON
    """Yield each image with its path, from a decoded object, as the documentation has it."""
    path = POD_SPEC_PATHS[kind]
    spec = obj
    for step in path.split("."):
        spec = (spec or {}).get(step)
    spec = spec or {}
    for section in ("containers", "initContainers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(section) or ()):
            if container.get("image"):
                yield f"{path}.{section}[{index}].image", container["image"]
    for index, volume in enumerate(spec.get("volumes") or ()):
        if reference := (volume.get("image") or {}).get("reference"):
            yield f"{path}.volumes[{index}].image.reference", reference
