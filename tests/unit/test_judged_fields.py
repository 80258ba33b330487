"""The page of judged fields says what the gate's reader does; the walk over a schema misses nothing."""

import re

import pytest

from support.judged_fields import judged_fields as script
from tidegate.domain.workload import POD_SPEC_PATHS

PAGE = script.PAGE.read_text("utf-8")
JUDGED = re.findall(r"^\| `([^`]+)` \| (.+) \|$", PAGE.partition("## Not judged")[0], re.MULTILINE)
KINDS = {
    "pods": "Pod",
    "replicationcontrollers": "ReplicationController",
    "replicasets.apps": "ReplicaSet",
    "deployments.apps": "Deployment",
    "statefulsets.apps": "StatefulSet",
    "daemonsets.apps": "DaemonSet",
    "jobs.batch": "Job",
    "cronjobs.batch": "CronJob",
}


def told() -> list[tuple[str, str]]:
    """Return each field of the page with each resource."""
    return [(path, name) for path, cell in JUDGED for name in re.findall(r"`([^`]+)`", cell)]


def field(path: str, name: str) -> object:
    resource, slash, sub = name.partition("/")
    resource, _, group = resource.partition(".")
    kind = KINDS[name.partition("/")[0]]
    return script.Field(group, resource + slash + sub, kind, path, False, ("UPDATE",))  # noqa: FBT003 - as the walk makes it


@pytest.mark.parametrize(("path", "name"), told(), ids=lambda part: part)
def test_what_the_page_says_is_judged_is(path: str, name: str) -> None:
    assert script.is_judged(field(path, name))


def test_every_kind_is_on_the_page() -> None:
    assert {KINDS[name.partition("/")[0]] for _, name in told()} == POD_SPEC_PATHS.keys()
    assert len(told()) == 4 * (len(POD_SPEC_PATHS) + 1)  # pods once more, by kubectl debug


def document(**properties: object) -> dict[str, object]:
    """Return an OpenAPI document of one kind that has `properties`, and a list of itself."""
    schema = {"type": "object", "properties": properties}
    request = {
        "x-kubernetes-group-version-kind": {"group": "x.example", "kind": "Thing"},
        "requestBody": {
            "content": {"*/*": {"schema": {"$ref": "#/components/schemas/Thing"}}},
        },
    }
    return {
        "components": {"schemas": {"Thing": schema, "Step": STEP}},
        "paths": {
            "/apis/x.example/v1/namespaces/{namespace}/things": {"post": request},
            "/apis/x.example/v1/namespaces/{namespace}/things/{name}": {"put": request},
        },
    }


TEXT = {"type": "string"}
STEP = {"type": "object", "properties": {"image": TEXT, "args": {"type": "array", "items": TEXT}}}
STEPS = {"type": "array", "items": {"allOf": [{"$ref": "#/components/schemas/Step"}]}}


@pytest.mark.parametrize(
    ("properties", "path"),
    [
        ({"image": TEXT}, "image"),
        ({"baseImageRef": TEXT}, "baseImageRef"),
        ({"steps": STEPS}, "steps[].image"),
        ({"steps": {"type": "object", "additionalProperties": STEP}}, "steps{}.image"),
        ({"image": {"type": "object", "properties": {"reference": TEXT}}}, "image.reference"),
        ({"images": {"type": "array", "items": TEXT}}, "images[]"),
        ({"raw": {"type": "object"}}, "raw"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_field_that_nobody_thought_of_is_found_and_forgotten(
    properties: dict[str, object], path: str
) -> None:
    again = {"$ref": "#/components/schemas/Thing"}
    found = script.fields_of([document(**properties, again=again, name=TEXT)])
    assert [(f.name, f.kind, f.path) for f in found] == [("things.x.example", "Thing", path)]
    assert found[0].operations == ("CREATE", "UPDATE")
    assert script.forgotten(found) == found
