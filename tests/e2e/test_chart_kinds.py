"""What the chart makes for cert-manager and the Prometheus Operator, on an API server that has their kinds."""

from collections.abc import Iterator

import pytest
import yaml

from support.foreign_kinds import find_kinds
from support.helm import VALUE_SETS, Manifest, find_helm, render
from support.outside_pod import Kubectl

pytestmark = pytest.mark.e2e

GROUPS = ("cert-manager.io/", "monitoring.coreos.com/")
SETS = [path.name.removesuffix("-values.yaml") for path in VALUE_SETS]


@pytest.fixture(scope="module")
def definitions() -> list[Manifest]:
    return [yaml.safe_load(path.read_text("utf-8")) for path in find_kinds()]


@pytest.fixture
def known(kubectl: Kubectl, definitions: list[Manifest]) -> Iterator[Kubectl]:
    """Give kubectl for an API server that knows the kinds, until the test ends."""
    names = [f"crd/{body['metadata']['name']}" for body in definitions]
    made = kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(definitions))
    assert made.returncode == 0, made.stderr
    try:
        waited = kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)
        assert waited.returncode == 0, waited.stderr
        yield kubectl
    finally:
        kubectl("delete", "--wait=false", *names)


def foreign(name: str) -> list[Manifest]:
    return [body for body in render(name) if body["apiVersion"].startswith(GROUPS)]


def tried(kubectl: Kubectl, objects: list[Manifest]) -> tuple[int, str]:
    said = kubectl(
        "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-",
        stdin=yaml.safe_dump_all(objects),
    )  # fmt: skip
    return said.returncode, said.stderr


def test_their_own_kinds_take_every_object_of_the_chart_and_would_refuse_others(
    known: Kubectl,
) -> None:
    find_helm()
    kinds = set()
    for name in SETS:
        objects = foreign(name)
        kinds |= {body["kind"] for body in objects}
        if objects:
            assert tried(known, objects) == (0, ""), name
    assert kinds == {"Certificate", "Issuer", "ServiceMonitor", "PrometheusRule"}

    (monitor, *_) = [body for body in foreign("everything") if body["kind"] == "ServiceMonitor"]
    monitor["spec"]["endpoints"][0]["interval"] = "often"
    code, said = tried(known, [monitor])
    assert code == 1
    assert "interval" in said
    (certificate, *_) = [body for body in foreign("issuer") if body["kind"] == "Certificate"]
    certificate["spec"]["secretNames"] = "x"
    code, said = tried(known, [certificate])
    assert code == 1
    assert "secretNames" in said
