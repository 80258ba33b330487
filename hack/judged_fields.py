"""Writes docs/reference/judged-fields.md: every field of Kubernetes that names an image.

The fields come from the OpenAPI documents of a real API server (`/openapi/v3`): of every object
that can be created or replaced, each text below a field whose name has "image" in it, and each
object whose fields nobody lists. Whether the gate judges a field is tried out, not looked up: an
object with an image in that place alone goes through the gate's own reader. What is not judged
needs a reason here.

`tests/e2e/test_judged_fields.py` asks the API server, and rewrites the page by `make golden`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidegate.domain.workload import images_of
from tidegate.wire.webhook import JUDGED
from tidegate.wire.workload_v1 import parse_object, runs_images

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "judged-fields.md"
MARK = "registry.example/team/app:1.0"
OPERATIONS = {"post": "CREATE", "put": "UPDATE"}
"""How the API server calls a request (a patch reaches webhooks as the UPDATE that it makes)."""

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Field:
    """A place in an object that can be sent."""

    group: str
    resource: str
    """With its subresource: `pods/resize`."""
    kind: str
    path: str
    """`spec.containers[].image`."""
    is_open: bool
    """An object whose fields nobody lists: anything may stand in it."""
    operations: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Resource and group as Kubernetes writes them: `deployments.apps`."""
        resource, slash, sub = self.resource.partition("/")
        return f"{resource}{f'.{self.group}' if self.group else ''}{slash}{sub}"


@dataclass(frozen=True, slots=True)
class Exemption:
    """Why fields are not judged."""

    fields: str
    """Pattern of paths."""
    reason: str
    resources: str = r".*"
    """Pattern of resources with their group."""


EXEMPTIONS = (
    Exemption(
        r".*\.(imagePullPolicy|image\.pullPolicy)", "says when an image is pulled, not which"
    ),
    Exemption(r"(.*\.)?imagePullSecrets\[\]\.name", "names a secret"),
    Exemption(r"(.*\.)?rbd\.image", "names a block device of Ceph, which no container runs from"),
    Exemption(
        r"spec\..*",
        "of this request the API server takes the resources of containers alone; the rest stays "
        "as it was stored, which a test shows",
        r"pods/resize",
    ),
    Exemption(
        r"status\..*",
        "tells what runs; nothing is started by it. The inventory reads it, and what it finds "
        "running is judged again",
        r"pods(/.*)?",
    ),
    Exemption(
        r"status\..*",
        "tells what a node has on its disk, and its own operating system",
        r"nodes(/status)?",
    ),
    Exemption(
        r"template\.spec\..*",
        "nothing in Kubernetes makes pods of a PodTemplate; who copies one creates a workload or a "
        "pod, and that is judged",
        r"podtemplates",
    ),
    Exemption(
        r"data",
        "keeps an older template of a StatefulSet or DaemonSet; the pods that their controllers "
        "make of it are judged when they are created, and a rollback updates the owner, which is",
        r"controllerrevisions\.apps",
    ),
    Exemption(
        r".*\.opaque\.parameters|status\.devices\[\]\.data",
        "is between a device driver and its devices; Kubernetes starts nothing by it",
        r".*\.resource\.k8s\.io(/status)?",
    ),
    Exemption(
        r".*\.(disruptionMode\.(all|single)|schedulingPolicy\.basic|subresources\.status)",
        "has no fields: that it is there is all it says",
    ),
    Exemption(
        r"(spec|data)\..*",
        "of this request the API server keeps the status alone; the rest stays as it was stored, "
        "which a test shows for each kind that is judged",
        r".*/status",
    ),
)


def fields_of(documents: Iterable[Schema]) -> list[Field]:
    """Return every field of `documents` (OpenAPI v3) that may name an image, each once, sorted."""
    found: dict[Field, set[str]] = {}
    for document in documents:
        schemas = document.get("components", {}).get("schemas", {})
        for path, methods in document.get("paths", {}).items():
            for method, operation in OPERATIONS.items():
                for field in _of_request(path, methods.get(method, {}), schemas):
                    found.setdefault(field, set()).add(operation)
    return sorted(
        Field(f.group, f.resource, f.kind, f.path, f.is_open, tuple(sorted(operations)))
        for f, operations in found.items()
    )


def _of_request(path: str, request: Schema, schemas: Schema) -> Iterator[Field]:
    kind = request.get("x-kubernetes-group-version-kind", {})
    resource = re.search(
        r"/v\d\w*/(?:namespaces/\{namespace\}/)?([a-z]+)(?:/\{name\})?(/[a-z]+)?$", path
    )
    content = request.get("requestBody", {}).get("content", {})
    if resource is None or not kind or not content:
        return
    body = next(iter(content.values()))["schema"]
    for place, is_open in _places(body, schemas, "", ()):
        yield Field(
            kind["group"], resource[1] + (resource[2] or ""), kind["kind"], place, is_open
        )  # fmt: skip


def _places(
    schema: Schema, schemas: Schema, path: str, within: tuple[str, ...]
) -> Iterator[tuple[str, bool]]:
    """Yield each place below `schema` and whether it is open; `within` ends recursion."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in within:
            yield from _places(schemas[name], schemas, path, (*within, name))
        return
    for inner in (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _places(inner, schemas, path, within)
    for name, inner in schema.get("properties", {}).items():
        yield from _places(inner, schemas, f"{path}.{name}".removeprefix("."), within)
    if "items" in schema:
        yield from _places(schema["items"], schemas, f"{path}[]", within)
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        yield from _places(values, schemas, f"{path}{{}}", within)
    named = any("image" in step.lower() for step in path.split("."))
    if schema.get("type") == "string" and named:
        yield path, False
    listed = schema.get("properties") or isinstance(values, dict)
    # managedFields names the fields that a client wrote, and none of their values.
    if schema.get("type") == "object" and not listed and not path.endswith(".fieldsV1"):
        yield path, True


def is_judged(field: Field) -> bool:
    """Whether the API server asks the gate about requests with `field`, and the gate judges it."""
    asked = any(
        field.group == group
        and field.resource in resources
        and {*field.operations} <= {*operations}
        for group, resources, operations in JUDGED
    )
    if field.is_open or not asked or not runs_images(field.group, field.kind):
        return False
    body = json.dumps({"kind": field.kind, **_with_image(field.path)}).encode()
    wanted = [(field.path.replace("[]", "[0]"), MARK)]
    return [
        (use.field_path, use.image) for use in images_of(parse_object(field.kind, body))
    ] == wanted


def _with_image(path: str) -> dict[str, Any]:
    """Return an object that has an image at `path` and nothing else."""
    value: Any = MARK
    for step in reversed(path.split(".")):
        name = step.removesuffix("[]")
        value = {name: [value] if name != step else value}
    return dict(value)


def exemption_of(field: Field) -> Exemption | None:
    """Return why `field` is not judged, None where nobody said."""
    return next(
        (
            each
            for each in EXEMPTIONS
            if re.fullmatch(each.resources, field.name) and re.fullmatch(each.fields, field.path)
        ),
        None,
    )


def forgotten(fields: Iterable[Field]) -> list[Field]:
    """Return the fields that are neither judged nor explained."""
    return [f for f in fields if not is_judged(f) and exemption_of(f) is None]


HEAD = """\
# Judged fields

<!-- Generated by `make golden` from a real API server; edit hack/judged_fields.py instead. -->

Every field of the objects of Kubernetes {version} that may name an image, from the OpenAPI
documents of a real API server: each text below a field with "image" in its name, and each object
whose fields are not listed. A field that is neither judged nor explained fails a test.

Objects of kinds that Kubernetes does not bring along, such as an Argo Rollout, are not judged
themselves. Their controllers make pods or workloads of the kinds below, and those are.

## Judged

Resources with their group, and the requests about which the API server asks the gate. A patch is
an UPDATE, and so is `kubectl debug`. A ReplicaSet or Job that has a controller passes here: its
pods are judged. On an update only images are judged that their place did not name before.

| field | requests |
|---|---|
"""

NOT_JUDGED = """
## Not judged, and why

`…` stands for `spec.template.spec` and its like.

| fields | of | why |
|---|---|---|
"""


def render(fields: Iterable[Field], version: str) -> str:
    """Return the page."""
    judged: dict[str, list[str]] = {}
    explained: dict[Exemption, tuple[list[str], list[str]]] = {
        each: ([], []) for each in EXEMPTIONS
    }
    for field in fields:
        if is_judged(field):
            request = f"`{field.name}` {' and '.join(field.operations)}"
            judged.setdefault(f"`{field.path}`", []).append(request)
        elif (exemption := exemption_of(field)) is not None:
            paths, resources = explained[exemption]
            paths.append(f"`{_shown(field.path)}`")
            resources.append(f"`{field.name}`")
    rows = [f"| {path} | {', '.join(requests)} |\n" for path, requests in judged.items()]
    reasons = [
        f"| {_listed(paths)} | {_listed(resources)} | {exemption.reason} |\n"
        for exemption, (paths, resources) in explained.items()
    ]
    return HEAD.format(version=version) + "".join(rows) + NOT_JUDGED + "".join(reasons)


def _listed(words: list[str]) -> str:
    return ", ".join(sorted(set(words)))


def _shown(path: str) -> str:
    """Return `path` with its beginning shortened where many kinds have it at different places."""
    return re.sub(r"^(?:spec\.)?(?:jobTemplate\.spec\.)?template\.spec\.", "….", path)
