"""What a Kubernetes object asks to run: its images with their field paths, and whose it is.

The rules of what is judged (PRODUCT, "What is judged"):

* Every place of an image: containers, init containers, ephemeral containers, image volumes.
* On an update only places that name an image which the same place did not name before: a place is
  a section and a name within it, so moving an image from one container to another is judged, and
  reordering containers is not.
* A change of node selector or required node affinity judges every image again: other platforms of
  the same image may run from now on.
* A ReplicaSet or Job with a controller passes: its pods are judged. A claimed controller that does
  not exist gains nothing, because pods are always judged, owned or not.

Not done here: bytes, owners (the cluster is asked elsewhere), rules.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from tidegate.domain.identity import ByIdentity

MAX_PLATFORMS = 64
"""Platforms that node selectors may name; naming more restricts nothing."""

MAX_PODS = 1024
"""Pods whose images are remembered: those of one controller are read as one."""

GENERATED_BASE_CHARS = 58
"""Of a controller's name in its pods' names: 63 less five random characters
(k8s.io/apiserver/pkg/storage/names, `MaxGeneratedNameLength`)."""

ARCHITECTURE_LABEL = "kubernetes.io/arch"
OS_LABEL = "kubernetes.io/os"

POD_SPEC_PATHS = {
    "Pod": "spec",
    "ReplicationController": "spec.template.spec",
    "ReplicaSet": "spec.template.spec",
    "Deployment": "spec.template.spec",
    "StatefulSet": "spec.template.spec",
    "DaemonSet": "spec.template.spec",
    "Job": "spec.template.spec",
    "CronJob": "spec.jobTemplate.spec.template.spec",
}
"""Where each kind that is judged keeps its pod specification."""

_PODS_ARE_JUDGED_INSTEAD = frozenset({"ReplicaSet", "Job"})


class Lookup(StrEnum):
    """Why a fact about the cluster is not at hand."""

    FAILED = "failed"
    """It could not be looked up: the image is unavailable for a rule that asks for it."""
    ABSENT = "absent"
    """The object names an owner that is shown not to exist: matches no `In` and every `NotIn`."""


@dataclass(frozen=True, slots=True)
class Owner:
    """One controller above an object."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class ImageUse:
    """One place of an object that names an image."""

    field_path: str
    """`spec.template.spec.containers[0].image`."""
    image: str
    """The reference as written; not yet parsed."""
    container: str = ""
    """Name of the container or volume."""


@dataclass(frozen=True, slots=True)
class Workload:
    """The facts about an object that rules may look at."""

    kind: str
    name: str
    """metadata.name; for an object without one yet, its generateName."""
    namespace: str
    cluster: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    """Of the pod, or of the pod template."""
    namespace_labels: dict[str, str] | Lookup = field(default_factory=dict)
    service_account: str = "default"
    owners: tuple[Owner, ...] | Lookup = ()
    """From the direct controller up to the top-most one. Empty: none."""
    pod_name: str = ""
    """The pod's final name; empty for a controller."""
    pod_name_prefix: str = ""
    """What the names of a controller's pods begin with; empty for a pod."""
    node_platforms: tuple[str, ...] = ()
    """Platforms that node selectors and affinity leave (`linux/arm64`, `linux/*`); empty: all."""


@dataclass(frozen=True, slots=True)
class ControllerReference:
    """The owner reference of an object with `controller: true`: a claim of the object's writer."""

    api_version: str
    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class NamedImage:
    """A container or an image volume, as far as judging it goes."""

    name: str
    image: str
    index: int
    """Position in its list: part of the field path."""


@dataclass(frozen=True, slots=True)
class NodeTerm:
    """One alternative of a required node affinity: label keys and the values that each allows."""

    allowed: tuple[tuple[str, frozenset[str]], ...] = ()


@dataclass(frozen=True, slots=True)
class PodFacts:
    """What an object says about the pods to run."""

    containers: tuple[NamedImage, ...] = ()
    init_containers: tuple[NamedImage, ...] = ()
    ephemeral_containers: tuple[NamedImage, ...] = ()
    image_volumes: tuple[NamedImage, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    service_account: str = "default"
    node_selector: dict[str, str] = field(default_factory=dict)
    node_terms: tuple[NodeTerm, ...] = ()
    """Alternatives of the required node affinity; empty: none is required."""


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What an object of one of the kinds in `POD_SPEC_PATHS` says."""

    kind: str
    name: str
    generate_name: str
    namespace: str
    pod: PodFacts
    controller: ControllerReference | None = None
    uid: str = ""
    """metadata.uid; empty where the API server did not say."""


def images_of(obj: ObjectFacts) -> tuple[ImageUse, ...]:
    """Return every place of `obj` that names an image, owned or not; of one pod always the same."""
    return _images_of(obj.kind, ByIdentity(obj.pod))


@lru_cache(maxsize=MAX_PODS)
def _images_of(kind: str, pod: ByIdentity[PodFacts]) -> tuple[ImageUse, ...]:
    return tuple(use for _, use in _places(kind, pod.value))


def changed_images(new: ObjectFacts, old: ObjectFacts | None) -> tuple[ImageUse, ...]:
    """Return the images of `new` that are to be judged; `old` is None when it is created."""
    if new.kind in _PODS_ARE_JUDGED_INSTEAD and new.controller is not None:
        return ()
    if old is None or _scheduling(new.pod) != _scheduling(old.pod):
        return images_of(new)
    before = {(section, use.container, use.image) for section, use in _places(old.kind, old.pod)}
    return tuple(
        use
        for section, use in _places(new.kind, new.pod)
        if (section, use.container, use.image) not in before
    )


def node_platforms(pod: PodFacts) -> tuple[str, ...]:
    """Return the platforms on which `pod` may run, as globs `os/architecture`; empty: all.

    Node selector and affinity must both hold; the terms of an affinity are alternatives. A term
    that no node can meet adds nothing. Only `In` restricts: what is not understood allows more.
    """
    if not pod.node_selector and not pod.node_terms:
        return ()
    selector = [(key, frozenset({value})) for key, value in pod.node_selector.items()]
    found: dict[str, None] = {}
    for term in pod.node_terms or (NodeTerm(),):
        requirements = [*selector, *term.allowed]
        systems = _allowed_values(OS_LABEL, requirements)
        architectures = _allowed_values(ARCHITECTURE_LABEL, requirements)
        if len(found) + len(systems) * len(architectures) > MAX_PLATFORMS:
            return ()
        found.update({f"{s}/{a}": None for s in systems for a in architectures})
    return () if "*/*" in found else tuple(found)


def workload_of(
    obj: ObjectFacts,
    *,
    cluster: str = "",
    namespace_labels: dict[str, str] | Lookup = Lookup.FAILED,
    owners: tuple[Owner, ...] | Lookup = (),
) -> Workload:
    """Return the facts that rules look at, with what the cluster said about `obj`."""
    is_pod = obj.kind == "Pod"
    base = f"{obj.name}-" if obj.name else obj.generate_name
    return Workload(
        kind=obj.kind,
        name=obj.name or obj.generate_name,
        namespace=obj.namespace,
        cluster=cluster,
        labels=obj.pod.labels,
        namespace_labels=namespace_labels,
        service_account=obj.pod.service_account,
        owners=owners,
        pod_name=(obj.name or obj.generate_name) if is_pod else "",
        pod_name_prefix="" if is_pod else base[:GENERATED_BASE_CHARS],
        node_platforms=node_platforms(obj.pod),
    )


def _places(kind: str, pod: PodFacts) -> Iterator[tuple[str, ImageUse]]:
    """Yield each place with its section, which is the list that it stands in."""
    path = POD_SPEC_PATHS[kind]
    sections = (
        ("containers", "image", pod.containers),
        ("initContainers", "image", pod.init_containers),
        ("ephemeralContainers", "image", pod.ephemeral_containers),
        ("volumes", "image.reference", pod.image_volumes),
    )
    for section, leaf, entries in sections:
        for entry in entries:
            field_path = f"{path}.{section}[{entry.index}].{leaf}"
            yield section, ImageUse(field_path, entry.image, entry.name)


def _scheduling(pod: PodFacts) -> tuple[dict[str, str], tuple[NodeTerm, ...]]:
    return pod.node_selector, pod.node_terms


def _allowed_values(label: str, requirements: list[tuple[str, frozenset[str]]]) -> list[str]:
    """Return the values that all requirements on `label` leave; `*` where there is none."""
    sets = [values for key, values in requirements if key == label]
    return sorted(frozenset.intersection(*sets)) if sets else ["*"]
