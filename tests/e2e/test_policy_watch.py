"""The gate's view of policy objects on a real API server."""

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from tidegate.gate.policy import PolicyStore
from tidegate.gate.policy_watch import KubernetesSource
from tidegate.kube.client import connect
from tidegate.local.install import write_account_kubeconfig
from tidegate.local.kubernetes import LocalCluster
from tidegate.wire.last_good import render_config_map, render_copy

pytestmark = pytest.mark.e2e

Kubectl = Callable[..., subprocess.CompletedProcess[str]]
NAME = "watched"


def manifest(*rules: str, end_date: str = "2026-12-03", name: str = NAME) -> dict[str, Any]:
    exemption = {"type": "timeBased", "value": "CVE-2022-1", "timeBound": {"endDate": end_date}}
    configuration = {"blockUnscannedImages": True, "exemptions": [exemption]}
    entries = [{"name": rule, "action": "deny", "configuration": configuration} for rule in rules]
    return {
        "apiVersion": "tidegate.io/v1alpha1",
        "kind": "SecurityArtifactPolicy",
        "metadata": {"name": name},
        "spec": {"vulnerabilityAssessmentGatedDeployment": entries},
    }


async def until(seen: Callable[[], bool], within_s: float = 10.0) -> float:
    """Wait for `seen`; return how long it took."""
    started = time.monotonic()
    while not seen():
        assert time.monotonic() - started < within_s, "not seen in time"
        await asyncio.sleep(0.01)
    return time.monotonic() - started


@asynccontextmanager
async def gate(cluster: LocalCluster) -> AsyncIterator[PolicyStore]:
    """A gate's policy store under the gate's own account, ready or with its reasons known."""
    path = cluster.data_dir / "gate.kubeconfig"
    await write_account_kubeconfig(cluster, "tidegate-gate", path)
    client = connect(path, "tidegate-gate")
    store = PolicyStore()
    task = asyncio.create_task(KubernetesSource(store, client, "tidegate").run())
    try:
        await until(lambda: store.ready != PolicyStore().ready)
        yield store
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await client.close()


def names(store: PolicyStore) -> list[str]:
    return [rule.name for rule in store.snapshot().rules[:-1]]


async def apply(kubectl: Kubectl, body: dict[str, Any]) -> None:
    answer = await asyncio.to_thread(kubectl, "apply", "-f", "-", stdin=json.dumps(body))
    assert answer.returncode == 0, answer.stderr


async def delete(kubectl: Kubectl, *what: str) -> None:
    await asyncio.to_thread(kubectl, "delete", "--ignore-not-found", "--wait=true", *what)


async def test_changes_are_in_force_within_a_second(
    cluster: LocalCluster, kubectl: Kubectl
) -> None:
    async with gate(cluster) as store:
        assert store.ready == (True, ())
        for rules in (("one",), ("two", "three")):
            await apply(kubectl, manifest(*rules))
            assert await until(lambda rules=rules: names(store) == list(rules)) < 1
        await delete(kubectl, "sap", NAME)
        assert await until(lambda: names(store) == []) < 1


async def test_a_restart_of_the_api_server_is_survived(
    cluster: LocalCluster, kubectl: Kubectl
) -> None:
    await apply(kubectl, manifest("one"))
    async with gate(cluster) as store:
        assert names(store) == ["one"]
        await cluster.stop_component("kube-apiserver")
        await until(lambda: any("cannot be read for now" in p for p in store.problems))
        assert names(store) == ["one"]
        assert store.ready == (True, ())
        await cluster.start_component("kube-apiserver")
        await apply(kubectl, manifest("two"))
        await until(lambda: names(store) == ["two"])
        await until(lambda: store.problems == ())
        await delete(kubectl, "sap", NAME)


async def test_a_bad_object_keeps_the_last_good_one_in_force(
    cluster: LocalCluster, kubectl: Kubectl
) -> None:
    await apply(kubectl, manifest("one"))
    async with gate(cluster) as store:
        await apply(kubectl, manifest("two", end_date="2026-02-31"))
        await until(lambda: len(store.problems) == 1)
        assert "endDate '2026-02-31'" in store.problems[0]
        assert names(store) == ["one"]
        assert store.ready == (True, ())
    await delete(kubectl, "sap", NAME)


async def test_after_a_restart_a_bad_object_needs_a_copy_before_the_gate_is_ready(
    cluster: LocalCluster, kubectl: Kubectl
) -> None:
    await apply(kubectl, manifest("two", end_date="2026-02-31"))
    async with gate(cluster) as store:
        ready, (why,) = store.ready
        assert not ready
        assert "gates that start now are not ready" in why
        copy = render_config_map(NAME, render_copy(manifest("one")), "tidegate")
        await apply(kubectl, copy)
        await until(lambda: store.ready == (True, ()))
        assert names(store) == ["one"]
    async with gate(cluster) as store:
        await until(lambda: store.ready == (True, ()))
        assert names(store) == ["one"]
    await delete(kubectl, "sap", NAME)
    await delete(kubectl, "configmap", "-n", "tidegate", copy["metadata"]["name"])
