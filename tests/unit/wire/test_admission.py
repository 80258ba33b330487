"""AdmissionReviews: what is read of good ones, and that bad ones are refused with a reason."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.examples import examples
from tidegate.domain.errors import MalformedReviewError
from tidegate.domain.workload import POD_SPEC_PATHS, ControllerReference, NodeTerm, images_of
from tidegate.wire.admission_v1 import parse_review, read_uid, render_response

GROUPS = {"Pod": "", "ReplicationController": "", "Job": "batch", "CronJob": "batch"}
POD_SPEC = {
    "containers": [{"name": "app", "image": "r.example/app:1"}],
    "initContainers": [{"name": "init", "image": "r.example/init:1"}],
    "ephemeralContainers": [{"name": "debug", "image": "r.example/debug:1"}],
    "volumes": [
        {"name": "e", "emptyDir": {}},
        {"name": "v", "image": {"reference": "r.example/v:1"}},
    ],
}


def as_object(kind: str, pod_spec: dict[str, Any]) -> dict[str, Any]:
    spec = pod_spec
    if kind != "Pod":
        spec = {"template": {"metadata": {"labels": {"app": "x"}}, "spec": pod_spec}}
    if kind == "CronJob":
        spec = {"jobTemplate": {"spec": spec}}
    metadata = {"name": "x", "labels": {"app": "x"}}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec}


def review(kind: str = "Pod", obj: object = None, **changes: object) -> dict[str, Any]:
    gvk = {"group": GROUPS.get(kind, "apps"), "version": "v1", "kind": kind}
    request = {
        "uid": "6f1c",
        "kind": gvk,
        "operation": "CREATE",
        "namespace": "default",
        "object": as_object(kind, POD_SPEC) if obj is None else obj,
        "oldObject": None,
        **changes,
    }
    whole = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    return deepcopy(whole)  # tests change it


def encode(value: object) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("kind", POD_SPEC_PATHS)
def test_t10_every_image_of_every_kind_is_read(kind: str) -> None:
    parsed = parse_review(encode(review(kind)))
    assert parsed.object is not None
    assert [use.image for use in images_of(parsed.object)] == [
        "r.example/app:1",
        "r.example/init:1",
        "r.example/debug:1",
        "r.example/v:1",
    ]
    assert images_of(parsed.object)[3].field_path.endswith(".volumes[1].image.reference")
    assert parsed.object.pod.labels == {"app": "x"}


def test_scheduling_and_owner_are_read() -> None:
    expressions = [
        {"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]},
        {"key": "kubernetes.io/os", "operator": "NotIn", "values": ["windows"]},
    ]
    selector = {"nodeSelectorTerms": [{"matchExpressions": expressions}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": selector}}
    pod = as_object("Pod", {**POD_SPEC, "affinity": affinity, "serviceAccountName": "ci"})
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "u"}
    pod["metadata"]["ownerReferences"] = [{**owner, "uid": "n"}, {**owner, "controller": True}]
    parsed = parse_review(encode(review(obj=pod)))
    assert parsed.object is not None
    assert parsed.object.pod.node_terms == (
        NodeTerm((("kubernetes.io/arch", frozenset({"arm64"})),)),
    )
    assert parsed.object.pod.service_account == "ci"
    assert parsed.object.controller == ControllerReference("apps/v1", "ReplicaSet", "web-1", "u")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"operation": "DELETE", "object": None, "oldObject": {}}, id="delete"),
        pytest.param({"operation": "CONNECT", "object": {"kind": "PodExecOptions"}}, id="connect"),
        pytest.param({"gvk": ("autoscaling", "Scale")}, id="scale"),
        pytest.param({"gvk": ("x.example", "Job")}, id="foreign"),
    ],
)
def test_what_runs_no_image_is_not_decoded(changes: dict[str, Any]) -> None:
    whole = review(**changes)
    if "gvk" in changes:
        group, kind = changes["gvk"]
        whole["request"]["kind"] = {"group": group, "version": "v1", "kind": kind}
    assert parse_review(encode(whole)).object is None


def replaced(path: str, value: object) -> bytes:
    whole = review()
    *steps, last = path.split(".")
    place = whole
    for step in steps:
        place = place[step]
    place[last] = value
    return encode(whole)


def doubled(key: str, value: object) -> bytes:
    """Return a review in which the first `key` stands a second time behind itself."""
    text = encode(review()).decode()
    return text.replace(f'"{key}":', f'"{key}": {json.dumps(value)}, "{key}":', 1).encode()


HOSTILE = {
    "empty": (b"", "no JSON"),
    "no-json": (b"hello", "no JSON"),
    "not-utf8": (b'{"apiVersion":"\xff"}', "utf-8"),
    "array": (b"[]", "object"),
    "truncated": (encode(review())[:-10], "no JSON"),
    "no-request": (b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}', "request"),
    "v1beta1": (replaced("apiVersion", "admission.k8s.io/v1beta1"), "v1beta1"),
    "other-kind": (replaced("kind", "Pod"), "Pod"),
    "no-uid": (replaced("request.uid", ""), "uid of 0"),
    "long-uid": (replaced("request.uid", "u" * 129), "uid of 129"),
    "uid-control": (replaced("request.uid", "a\nb"), "printable"),
    "operation": (replaced("request.operation", "PATCH"), "PATCH"),
    "no-object": (replaced("request.object", None), "no object"),
    "object-text": (replaced("request.object", "x"), "request.object"),
    "kind-mismatch": (replaced("request.object.kind", "Secret"), "Secret"),
    "containers-map": (replaced("request.object.spec.containers", {}), "array"),
    "image-number": (replaced("request.object.spec.containers", [{"image": 1}]), "image"),
    "labels-list": (replaced("request.object.metadata.labels", []), "labels"),
    "old-malformed": (replaced("request.oldObject", {"spec": []}), "oldObject"),
    "t17-twice-uid": (doubled("uid", "other"), "'uid' stands twice"),
    "t17-twice-image": (doubled("image", "r.example/clean:1"), "'image' stands twice"),
    "t17-twice-containers": (doubled("containers", []), "'containers' stands twice"),
    "t17-twice-object": (doubled("object", {}), "'object' stands twice"),
    "t17-twice-escaped": (
        encode(review()).replace(b'"image":', b'"im\\u0061ge": "x", "image":', 1),
        "'image' stands twice",
    ),
    "t03-deep": (b'{"x":' + b"[" * 65 + b"]" * 65 + b"}", "deep"),
    "t03-very-deep": (b'{"x":' + b"[" * 500_000 + b"]" * 500_000 + b"}", "deep"),
    "t03-many-values": (
        replaced("request.object.x", 0).replace(b'"x": 0', b'"x": [' + b"[]," * 600_000 + b"0]"),
        "more than 500000 values",
    ),
    "t03-unclosed": (b"[" * 2_000_000, "AdmissionReview"),
    "t03-long-number": (
        replaced("request.object.x", 0).replace(b'"x": 0', b'"x": ' + b"9" * 9999),
        "AdmissionReview",
    ),
}


@pytest.mark.parametrize(("body", "said"), HOSTILE.values(), ids=HOSTILE)
def test_t17_hostile_reviews_are_refused_with_what_came(body: bytes, said: str) -> None:
    with pytest.raises(MalformedReviewError, match="AdmissionReview") as refused:
        parse_review(body)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 600


@pytest.mark.parametrize(
    ("body", "uid"),
    [
        pytest.param(replaced("request.object", "x"), "6f1c", id="malformed-object"),
        pytest.param(doubled("image", "x"), "6f1c", id="duplicate-key"),
        pytest.param(b'{"request":{"uid":"6f1c"}}', "6f1c", id="only-a-uid"),
        pytest.param(replaced("request.uid", "u" * 129), "", id="uid-too-long"),
        pytest.param(b'{"request":{"uid":7}}', "", id="uid-number"),
        pytest.param(b"[" * 1_000_000, "", id="deep"),
        pytest.param(b"", "", id="empty"),
    ],
)
def test_a_uid_is_read_from_what_is_malformed_elsewhere(body: bytes, uid: str) -> None:
    assert read_uid(body) == uid


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["kind", "metadata", "spec", "containers", "image", "labels", "name", "x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=examples(60), deadline=None)
@given(obj=JSON, old=JSON, kind=st.sampled_from([*POD_SPEC_PATHS, "Secret"]), op=JSON)
def test_t17_any_json_in_a_review_is_read_or_refused(
    obj: object, old: object, kind: str, op: object
) -> None:
    whole = review(kind, obj=obj, oldObject=old)
    for changed in (whole, {**whole, "request": {**whole["request"], "operation": op}}):
        try:
            parse_review(encode(changed))
        except MalformedReviewError:
            continue


@settings(max_examples=examples(60), deadline=None)
@given(st.binary(max_size=200), st.integers(0, 900), st.binary(max_size=3))
def test_t17_any_bytes_are_read_or_refused(noise: bytes, place: int, patch: bytes) -> None:
    good = encode(review())
    for body in (noise, good[:place] + patch + good[place + len(patch) :], good[:place]):
        try:
            parse_review(body)
        except MalformedReviewError:
            continue


def test_a_denial_is_what_kubectl_shows() -> None:
    answer = json.loads(render_response("6f1c", allowed=False, message="no", warnings=("w",)))
    assert answer == {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {
            "uid": "6f1c",
            "allowed": False,
            "status": {"code": 403, "message": "no", "reason": "Forbidden"},
            "warnings": ["w"],
        },
    }


def test_an_allow_says_no_more_than_that() -> None:
    assert json.loads(render_response("6f1c", allowed=True))["response"] == {
        "uid": "6f1c",
        "allowed": True,
    }
