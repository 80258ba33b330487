"""Reviews of three sizes: one that a real API server sent, grown as pods grow in practice."""

import json
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from measures import ROOT

RECORDED = ROOT / "tests" / "golden" / "pod-of-deployment" / "review.json"
UID = "00000000-0000-0000-0000-000000000000"
"""In the place of the request's uid; the load generator writes one of the same length there."""

SIZES = {"5 KB": 5_000, "25 KB": 25_000, "100 KB": 100_000}


@dataclass(frozen=True)
class Review:
    """One body, and what has to be answered."""

    body: bytes
    allowed: bool
    says: str
    """Words that the answer must have in it; empty: it must have no warning."""
    weight: int
    """How many of a hundred requests are this one."""


def review(images: list[str], size: int, *, name: str, namespace: str = "shop") -> bytes:
    """Return the creation of a pod with `images`, about `size` bytes long."""
    recorded = json.loads(RECORDED.read_text())
    request = recorded["request"]
    request["uid"] = UID
    request["name"], request["namespace"] = name, namespace
    pod = request["object"]
    pod["metadata"].update(name=name, namespace=namespace)
    container, *_ = pod["spec"]["containers"]
    fields, *_ = pod["metadata"]["managedFields"]
    pod["spec"]["containers"] = [
        {**deepcopy(container), "name": f"c{i}", "image": image} for i, image in enumerate(images)
    ]
    _grow(recorded, pod["spec"]["containers"], fields["fieldsV1"]["f:spec"], size)
    return _rendered(recorded)


def _grow(
    recorded: dict[str, Any], containers: list[dict[str, Any]], owned: dict[str, Any], size: int
) -> None:
    """Add variables, mounts and the fields that a manager owns of them, until `size` is reached."""
    owned_containers = owned["f:containers"] = {
        f'k:{{"name":"{c["name"]}"}}': {".": {}, "f:image": {}, "f:env": {}} for c in containers
    }
    number = 0
    step = 0
    while (left := size - len(_rendered(recorded))) > (step or 300):
        container = containers[number % len(containers)]
        variable = f"SERVICE_ENDPOINT_{number:04d}"
        container.setdefault("env", []).append(
            {"name": variable, "value": f"https://service-{number}.shop.svc.cluster.local:8443/v1"}
        )
        container["volumeMounts"].append(
            {"name": f"config-{number}", "readOnly": True, "mountPath": f"/etc/config/{number}"}
        )
        place = owned_containers[f'k:{{"name":"{container["name"]}"}}']["f:env"]
        place[f'k:{{"name":"{variable}"}}'] = {".": {}, "f:name": {}, "f:value": {}}
        step = left - (size - len(_rendered(recorded)))
        number += 1


def _rendered(recorded: dict[str, Any]) -> bytes:
    return json.dumps(recorded, separators=(",", ":")).encode()
