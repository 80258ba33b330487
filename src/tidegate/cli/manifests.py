"""What `tidegate check` judges: the workloads in manifests, as the API server would send them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from tidegate.cli.files import read_objects
from tidegate.domain.errors import InputError
from tidegate.domain.workload import Lookup, ObjectFacts
from tidegate.wire.workload_v1 import parse_object, runs_images

MAX_WORKLOADS = 1000
"""Workloads judged in one run."""


@dataclass(slots=True)
class Manifests:
    """The workloads of some files, and what stands beside them."""

    workloads: list[ObjectFacts] = field(default_factory=list)
    namespace_labels: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of the namespaces that the files themselves define."""
    skipped: list[str] = field(default_factory=list)
    """`Kind/name` of objects that run no image."""

    def labels_of(self, namespace: str) -> dict[str, str] | Lookup:
        """Return a namespace's labels; only the cluster knows those of one not in the files."""
        return self.namespace_labels.get(namespace, Lookup.FAILED)


def read_manifests(paths: Iterable[str], namespace: str) -> Manifests:
    """Return the workloads in the files `paths`; `namespace` is that of objects that name none.

    Raises:
        InputError: a file cannot be read, or an object has a field of another type.
    """
    found = Manifests()
    for path in paths:
        for body in read_objects(path):
            _add(found, body, path, namespace)
    if len(found.workloads) > MAX_WORKLOADS:
        raise InputError(f"{len(found.workloads)} workloads, want at most {MAX_WORKLOADS} at once")
    return found


def facts_of(body: dict[str, Any], namespace: str) -> ObjectFacts:
    """Return what the object `body` says, in `namespace` where it names none.

    Raises:
        InputError: a field has another type than Kubernetes gives it.
    """
    kind = str(body.get("kind"))
    try:
        facts = parse_object(kind, json.dumps(body).encode())
    except (msgspec.MsgspecError, ValueError) as error:
        raise InputError(f"{kind}/{_name(body)}: {error}") from error
    return replace(facts, namespace=facts.namespace or namespace)


def _add(found: Manifests, body: dict[str, Any], path: str, namespace: str) -> None:
    kind, version = body.get("kind"), body.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(version, str):
        raise InputError(f"{path}: an object without apiVersion and kind; want Kubernetes objects")
    group = version.rpartition("/")[0]
    if runs_images(group, kind):
        try:
            found.workloads.append(facts_of(body, namespace))
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        return
    if (group, kind) == ("", "Namespace"):
        found.namespace_labels[_name(body)] = _labels(body)
    found.skipped.append(f"{kind}/{_name(body)}")


def _metadata(body: dict[str, Any]) -> dict[str, Any]:
    metadata = body.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _name(body: dict[str, Any]) -> str:
    metadata = _metadata(body)
    return str(metadata.get("name") or metadata.get("generateName") or "")


def _labels(body: dict[str, Any]) -> dict[str, str]:
    labels = _metadata(body).get("labels")
    given = {str(k): str(v) for k, v in labels.items()} if isinstance(labels, dict) else {}
    return {**given, "kubernetes.io/metadata.name": _name(body)}
