"""Objects of which only the outline was read, to what is judged of them.

What their specifications ask for is known by text; equal texts give the very same `PodFacts`, so
that what follows from them can be remembered by identity.
"""

from dataclasses import dataclass, replace
from functools import partial

from msgspec import Raw

from tidegate.domain.workload import (
    POD_SPEC_PATHS,
    ControllerReference,
    ObjectFacts,
    PodFacts,
)
from tidegate.wire.known_texts import NO_SUFFIX, KnownTexts, without_token_suffix
from tidegate.wire.review_outline import Metadata, ObjectOutline
from tidegate.wire.workload_v1 import parse_spec


@dataclass(slots=True)
class _Spec:
    """What a specification asks for, with the labels that pods last had who have it."""

    pod: PodFacts


def known_object(
    outline: ObjectOutline, kind: str, name: str, namespace: str, *, judged: bool
) -> ObjectFacts | None:
    """Return what `parse_object` says of an object of `kind`; None for one that is not judged.

    Raises:
        msgspec.MsgspecError: a field that is read has another type than Kubernetes gives it.
        ValueError: this cannot be said by the outline: the object has to be read as a whole.
    """
    if not all(map(in_order, outline.texts())):
        raise ValueError("want parts in compact JSON")
    if not judged:
        if not in_order(outline.spec):
            raise ValueError("want a specification in compact JSON")
        return None
    if outline.kind != kind:
        raise ValueError(f"want an object of kind {kind}")
    spec = _SPECS[kind].meaning(without_token_suffix(bytes(outline.spec)))
    if spec is None:
        raise ValueError("want a specification in compact JSON")
    meta = outline.metadata
    labels = meta.labels or {}
    if kind == "Pod" and spec.pod.labels != labels:
        spec.pod = replace(spec.pod, labels=labels)
    return ObjectFacts(
        kind=kind,
        name=meta.name or name,
        generate_name=meta.generate_name or "",
        namespace=namespace,
        pod=spec.pod,
        controller=_controller_of(meta),
        uid=meta.uid or "",
    )


def in_order(text: Raw) -> bool:
    """Whether `text` is one unambiguous JSON text; False: that takes a closer look."""
    return _IN_ORDER.meaning(bytes(text)) is not None


def _controller_of(meta: Metadata) -> ControllerReference | None:
    for owner in meta.owner_references or ():
        if owner.controller:
            return ControllerReference(owner.api_version, owner.kind, owner.name, owner.uid)
    return None


def _read(kind: str, text: bytes) -> _Spec:
    pod = parse_spec(kind, text)
    if NO_SUFFIX in repr(pod):
        raise ValueError("want to see the whole name of a token volume")
    return _Spec(pod)


_SPECS = {
    kind: KnownTexts(partial(_read, kind), max_bytes=(8 if kind == "Pod" else 1) * 2**20)
    for kind in POD_SPEC_PATHS
}
"""Nearly all reviews are of pods."""

_IN_ORDER = KnownTexts(lambda _: True, max_bytes=4 * 2**20)
