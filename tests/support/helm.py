"""The real helm on our chart: what it renders, as parsed objects and as text."""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parents[2] / "charts" / "tidegate"
VALUE_SETS = sorted((CHART / "ci").glob("*-values.yaml"))
GENERATED_BY = "# Source: "

Manifest = dict[str, Any]


def find_helm(environ: Mapping[str, str] = os.environ) -> Path:
    """Return helm: `TIDEGATE_HELM`, or what `make helm` built; skips loudly without one."""
    cache = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    program = Path(environ.get("TIDEGATE_HELM") or cache / "tidegate/helm/current/helm")
    if not os.access(program, os.X_OK):
        pytest.skip("NO HELM: helm is not installed; run `make helm` once")
    return program


def helm(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run helm; never raises by exit code."""
    return subprocess.run(
        [find_helm(), *words], capture_output=True, text=True, check=False, timeout=60
    )


def try_render(
    values: Path | str, *sets: str, namespace: str = "tidegate"
) -> subprocess.CompletedProcess[str]:
    """Render the chart with a value set of `ci/` and `--set` words."""
    file = CHART / "ci" / f"{values}-values.yaml" if isinstance(values, str) else values
    words = [word for pair in sets for word in ("--set", pair)]
    return helm("template", "tidegate", CHART, "--namespace", namespace, "--values", file, *words)


def render(values: Path | str, *sets: str) -> list[Manifest]:
    """Return the objects of the rendered chart, hooks included."""
    done = try_render(values, *sets)
    assert done.returncode == 0, done.stderr
    return [body for body in yaml.safe_load_all(done.stdout) if body]


def of_kind(objects: Iterable[Manifest], kind: str, name: str = "") -> list[Manifest]:
    """Return the objects of `kind`, and of `name` where one is given."""
    return [o for o in objects if o["kind"] == kind and name in ("", o["metadata"]["name"])]


def is_hook(body: Manifest) -> bool:
    """Whether helm takes `body` for a hook and not for a part of the release."""
    return "helm.sh/hook" in body["metadata"].get("annotations", {})


def pods_of(objects: Iterable[Manifest]) -> dict[str, Manifest]:
    """Return the pod spec of each workload, by kind and name."""
    found = {}
    for body in objects:
        spec = body.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template:
            found[f"{body['kind']}/{body['metadata']['name']}"] = template["spec"]
    return found


KINDS = (
    "validatingwebhookconfigurations", "clusterroles", "clusterrolebindings", "roles",
    "rolebindings", "serviceaccounts", "services", "deployments", "networkpolicies",
    "poddisruptionbudgets", "secrets",
)  # fmt: skip
"""Of what the chart makes, other than namespaces, kinds and rules, which are asked to stay."""


def first_deleted(said: str) -> tuple[str, str]:
    """Return name and kind of what `helm uninstall --debug` deleted first."""
    found = re.search(r'Starting delete for "([^"]+)" (\w+)', said)
    return (found[1], found[2]) if found else ("", "")


def left_behind(names: str) -> list[str]:
    """Return what is ours among what `kubectl get -o name` printed."""
    return [name for name in names.split() if "tidegate" in name]
