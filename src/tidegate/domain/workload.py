"""What a Kubernetes object asks to run: its images with their field paths, and whose it is."""

from dataclasses import dataclass, field
from enum import StrEnum


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
