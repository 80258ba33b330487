"""Reviews of every kind as hypothesis builds them, and the many ways to write the same one.

`objects` makes what is judged and what rules may match on, and nothing else. `dressed` adds whatever
else an object may hold; `written` is one of the JSON texts of a value.
"""

import copy
import json
from random import Random
from typing import Any

from hypothesis import strategies as st

from tidegate.domain.workload import POD_SPEC_PATHS

Mapping = dict[str, Any]

IMAGES = (
    "r.example/clean:1",
    "r.example/vulnerable:1",
    "r.example/unknown:1",
    "nginx",
    "Odd//image",
)
GROUPS = {"Pod": "", "ReplicationController": "", "Job": "batch", "CronJob": "batch"}
SECTIONS = ("containers", "initContainers", "ephemeralContainers", "volumes")

FIELDS = (
    "annotations", "args", "command", "env", "finalizers", "generation", "hostNetwork", "lifecycle",
    "managedFields", "ports", "priority", "replicas", "resources", "resourceVersion",
    "restartPolicy", "securityContext", "status", "tolerations", "volumeMounts",
    "imagePullPolicy", "imagePullSecrets", "imageID", "Image", "images", "Containers",
    "containerz", "x-unknown", "", "ключ", "a\u2028b", "\x7f",
)  # fmt: skip
"""Names of fields that are not read anywhere, true ones and others."""

SCALARS = (None, True, False, 0, -1, 2**53, 0.5, "", "ключ", "\U0001f600", '"}],{', [], {})

words = st.sampled_from(["a", "web", "gate-1", "team"])


@st.composite
def objects(draw: st.DrawFn, kind: str) -> Mapping:
    """Return an object of `kind` with what is read of it."""
    pod: Mapping = {"containers": draw(_containers(1))}
    for section in ("initContainers", "ephemeralContainers"):
        if draw(st.booleans()):
            pod[section] = draw(_containers(0))
    if draw(st.booleans()):
        names = draw(st.lists(words, max_size=2, unique=True))
        pod["volumes"] = [
            {"name": name, "image": {"reference": draw(st.sampled_from(IMAGES))}} for name in names
        ]
    if draw(st.booleans()):
        pod["serviceAccountName"] = draw(words)
    if draw(st.booleans()):
        pod["nodeSelector"] = {"kubernetes.io/arch": draw(st.sampled_from(["arm64", "amd64"]))}
    metadata: Mapping = {"name": draw(words), "namespace": "default"}
    labels = draw(st.dictionaries(words, words, max_size=2))
    if kind == "Pod":
        metadata["labels"] = labels
    if draw(st.booleans()):
        metadata["ownerReferences"] = [
            {"apiVersion": "apps/v1", "kind": "Thing", "name": "t", "uid": "u", "controller": True}
        ]
    inner: Mapping = pod
    for step in reversed(POD_SPEC_PATHS[kind].split(".")):
        inner = {step: inner}
        if step == "spec" and kind != "Pod" and inner["spec"] is pod:
            inner["metadata"] = {"labels": labels}
    return {"kind": kind, "metadata": metadata, **inner}


@st.composite
def _containers(draw: st.DrawFn, least: int) -> list[Mapping]:
    names = draw(st.lists(words, min_size=least, max_size=3, unique=True))
    return [{"name": name, "image": draw(st.sampled_from(IMAGES))} for name in names]


def review(new: Mapping, old: Mapping | None) -> Mapping:
    """Return the review of creating `new`, or of making it of `old`."""
    kind = new["kind"]
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "00000000-0000-0000-0000-000000000001",
            "kind": {"group": GROUPS.get(kind, "apps"), "version": "v1", "kind": kind},
            "operation": "UPDATE" if old else "CREATE",
            "name": new["metadata"]["name"],
            "namespace": "default",
            "object": new,
            "oldObject": old,
        },
    }


def dressed(value: Mapping, random: Random) -> Mapping:
    """Return `value` with other fields anywhere, and its containers and volumes in any order.

    By `random` and not drawn: of thousands of choices none is worth its time to a shrinker.
    """
    result = copy.deepcopy(value)
    _dress(result, random)
    return result


def _dress(place: Any, random: Random) -> None:  # noqa: ANN401 - decoded JSON
    if isinstance(place, list):
        for entry in place:
            _dress(entry, random)
    if not isinstance(place, dict):
        return
    for name, inner in place.items():
        if name in {"labels", "nodeSelector"}:
            continue  # maps whose keys are the user's: rules match on them
        if name in SECTIONS:
            random.shuffle(inner)
        _dress(inner, random)
    for name in random.choices(FIELDS, k=random.randrange(3)):
        place.setdefault(name, _anything(random, 3))


def _anything(random: Random, depth: int) -> Any:  # noqa: ANN401 - anything that JSON holds
    """Return a value that looks like what is read elsewhere as often as not."""
    if depth and random.random() < 0.4:
        names = random.choices((*FIELDS, "image", "containers", "spec", "kind"), k=2)
        inner = {name: _anything(random, depth - 1) for name in names}
        return inner if random.random() < 0.7 else [inner]
    return random.choice((*IMAGES, *SCALARS))


def written(value: Any, random: Random) -> bytes:  # noqa: ANN401 - anything that JSON holds
    """Return `value` as JSON: fields in any order, spaces anywhere, letters escaped or not."""
    return _text(value, random).encode()


def _text(value: Any, random: Random) -> str:  # noqa: ANN401 - as above
    match value:
        case dict():
            fields = list(value.items())
            random.shuffle(fields)
            inner = (f"{_string(k, random)}{_space(random)}:{_text(v, random)}" for k, v in fields)
            text = f"{{{','.join(inner)}{_space(random)}}}"
        case list():
            text = f"[{','.join(_text(entry, random) for entry in value)}{_space(random)}]"
        case str():
            text = _string(value, random)
        case _:
            text = json.dumps(value)
    return f"{_space(random)}{text}{_space(random)}"


def _space(random: Random) -> str:
    return random.choice(("", "", "", " ", "\n", "\t \r\n"))


def _string(text: str, random: Random) -> str:
    if random.random() < 0.5:
        return json.dumps(text, ensure_ascii=random.random() < 0.5)
    units = text.encode("utf-16-be")
    pairs = (units[n : n + 2] for n in range(0, len(units), 2))
    return '"' + "".join(f"\\u{int.from_bytes(pair):04x}" for pair in pairs) + '"'
