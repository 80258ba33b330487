"""The rows of the matrix: what is lost or started, and what is seen until the cluster is right.

Each row ends with a good pod admitted and a bad one denied, made for real, and without anybody's
hand but what the row itself says.
"""

import asyncio
import random
import secrets
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

from recovery.node import NAMESPACE, PODS
from recovery.probing import NAMESPACE as APP
from recovery.probing import Came, Record, pod
from recovery.world import RELEASE, World, run_node, until
from support.helm import KINDS, first_deleted, left_behind
from tidegate.local.images import CLEAN_DEBIAN, DemoImage, build_image, debian_files
from tidegate.local.install import kubectl
from tidegate.wire.oci_v1 import OCI_MANIFEST

NONE = "none"
LOOKS_OFF = 40
OBJECTS = "/apis/tidegate.io/v1alpha1/securityartifactpolicies"
RULES_S = 5.0
"""From a policy object that stands to gates that decide by it, at the latest."""
"""Looks while clocks are off: gates are probed meanwhile, and certificates looked at."""

SERVES_S = 3.0
"""How long a part has before the next is started: longer than each takes to serve."""


@dataclass(frozen=True)
class Outcome:
    """One row as it is printed."""

    words: str
    seconds: float
    """Until the first of the right answers that stayed right, from `words`' last event."""
    reviews: int
    """Looks while the API server answered."""
    refused: int
    """Of them, those in which the good pod was refused."""
    let_in: int
    """Bad pods that were admitted."""
    hand: str = NONE
    note: str = ""

    @property
    def broken(self) -> str:
        """What must not be and was; empty: nothing."""
        return f"{self.let_in} bad pods were admitted" if self.let_in else ""


@asynccontextmanager
async def seen(world: World) -> AsyncIterator[Record]:
    """Look at the cluster throughout, and try both pods for real at the end."""
    async with world.prober.running() as record:
        yield record
        made = await world.create_both()
        assert made == (Came.ADMITTED.value, Came.DENIED.value), (made, world.trouble(record))


def outcome(
    words: str, seconds: float, record: Record, hand: str = NONE, note: str = ""
) -> Outcome:
    return Outcome(words, seconds, record.asked, record.refused, record.let_in, hand, note)


# Every order

PARTS = ("API server", "gates", "agent", "hub")
SPEAK = {
    frozenset(pair)
    for pair in (
        ("API server", "gates"), ("API server", "agent"), ("gates", "agent"), ("agent", "hub"),
    )
}  # fmt: skip
"""Who speaks with whom: neither the hub and the API server nor the hub and the gates."""


def orders() -> list[tuple[str, ...]]:
    """Return one of each set of orders that differ only where two that never speak change places."""
    found: dict[frozenset[tuple[str, str]], tuple[str, ...]] = {}
    for order in permutations(PARTS):
        earlier = frozenset(
            (one, other)
            for i, one in enumerate(order)
            for other in order[i + 1 :]
            if frozenset((one, other)) in SPEAK
        )
        found.setdefault(earlier, order)
    return list(found.values())


async def start_in_order(world: World, order: tuple[str, ...]) -> Outcome:
    """Lose everything at once, the disks of gates and agent too; start the parts in `order`."""
    start: dict[str, Callable[[], Awaitable[None]]] = {
        "API server": world.start_cluster_again,
        "gates": lambda: world.node.release("gate"),
        "agent": lambda: world.node.release("agent"),
        "hub": world.hub.start,
    }
    await asyncio.gather(world.kill_cluster(), world.node.hold("gate", "agent"), world.hub.kill())
    async with seen(world) as record:
        for part in order:
            await start[part]()
            if part != order[-1]:
                await asyncio.sleep(SERVES_S)
        began_s = time.monotonic()
        seconds = await world.recovered(record, began_s)
    return outcome(", ".join(order), seconds, record)


# What is lost

LOST = {
    "gates": "all gates at once, with their disks",
    "gates agent": "all gates and the agent, the agent stays away",
    "gates hub": "all gates and the hub, the hub stays away",
    "gates agent hub": "all gates, agent and hub, the two stay away",
}


async def lose(world: World, which: str) -> Outcome:
    """Delete all gates by force while the webhook refuses everything; others stay away."""
    away = which.split()[1:]
    if "agent" in away:
        await world.node.hold("agent")
    if "hub" in away:
        await world.hub.kill()
    before = {p.uid for p in world.node.of("gate")}
    async with seen(world) as record:
        await world.node.hold("gate")
        selector = "labelSelector=app.kubernetes.io/component=gate&gracePeriodSeconds=0"
        await world.api.request("DELETE", f"{PODS}?{selector}")
        began_s = time.monotonic()
        await world.node.release("gate")
        seconds = await world.recovered(record, began_s)
    assert not before & {p.uid for p in world.node.of("gate")}, "the pods are the old ones"
    if "agent" in away:
        await world.node.release("agent")
    if "hub" in away:
        await world.start_hub()
    return outcome(LOST[which], seconds, record)


async def needed_without_gates(world: World) -> Outcome:
    """With no gate at all: what nodes and Tidegate itself need passes, what is gated does not."""
    await world.node.hold("gate")
    system = pod("registry.example/proxy:1", f"proxy-{secrets.token_hex(2)}")
    leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
    name = f"node-{secrets.token_hex(2)}"
    daemons = {
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": system["spec"]},
        },
    }
    wanted: dict[str, tuple[str, Any, bool]] = {
        "a pod of kube-system": ("/api/v1/namespaces/kube-system/pods", system, True),
        "a DaemonSet of kube-system": (
            "/apis/apps/v1/namespaces/kube-system/daemonsets", daemons, True,
        ),
        "a pod of ours": (PODS, pod("registry.example/own:1"), True),
        "a Node": ("/api/v1/nodes", {"metadata": {"name": name}}, True),
        "a Lease": (leases, {"metadata": {"name": name}, "spec": {}}, True),
        "a pod of somebody": (f"/api/v1/namespaces/{APP}/pods", pod(world.prober.good), False),
    }  # fmt: skip
    async with seen(world) as record:
        await until(lambda: _no_endpoint(world), 10)
        for what, (path, body, passes) in wanted.items():
            answer = await world.api.post(f"{path}?dryRun=All", json=body)
            assert answer.is_success == passes, (what, answer.text)
        began_s = time.monotonic()
        await world.node.release("gate")
        seconds = await world.recovered(record, began_s)
    words = "no gate: pods of kube-system and ours, DaemonSets, Nodes and Leases pass; gates back"
    return outcome(words, seconds, record)


async def _no_endpoint(world: World) -> bool:
    return not world.node.endpoints()


async def _in_service(world: World) -> bool:
    return len(world.node.endpoints()) >= 2


# The control plane and clocks


async def control_plane_crashes(world: World) -> Outcome:
    """Etcd, API server and controller-manager crash and come back; Tidegate goes on."""
    async with seen(world) as record:
        await world.kill_cluster()
        await world.start_cluster_again()
        seconds = await world.recovered(record, time.monotonic())
    return outcome("etcd, API server and controller-manager crash", seconds, record)


async def clocks_jump(world: World, hours: int) -> Outcome:
    """The clocks of all gates jump, and some seconds later they are right again."""
    offset = world.folder / "clock-offset"
    await asyncio.to_thread(offset.write_text, "0")
    world.site.clock_offset = offset
    await world.node.hold("gate", lose_data=False)
    await world.node.release("gate")
    await until(lambda: _in_service(world), 60)
    async with seen(world) as record:
        await asyncio.to_thread(offset.write_text, str(3600 * hours))
        await until(lambda: _looks(record, LOOKS_OFF), 120)
        wrong = sum(not sight.is_right for sight in record.sights)
        in_service = len(world.node.endpoints())
        await asyncio.to_thread(offset.write_text, "0")
        seconds = await world.recovered(record, time.monotonic())
    world.site.clock_offset = None
    word = "ahead" if hours > 0 else "behind"
    span = f"{abs(hours)} h" if abs(hours) < 200 else f"{abs(hours) // 24} days"
    note = f"with the clocks off {wrong} of {LOOKS_OFF} looks were not right, {in_service} gates in service"
    return outcome(f"the gates' clocks jump {span} {word}, then back", seconds, record, note=note)


async def _looks(record: Record, count: int) -> bool:
    return len(record.sights) >= count


# The hub's database


async def hub_database_restored(world: World) -> Outcome:
    """The hub's database is lost and comes back from an older backup, with a new chain after it."""
    await until(lambda: _in_service(world), 60)
    before = max(await world.gate_metric("tidegate_gate_feed_subjects"), default=0.0)
    dump = await asyncio.to_thread(_dump, world)
    marker = {"etc/made-for": secrets.token_bytes(8)}
    built = build_image([debian_files(CLEAN_DEBIAN), marker])
    image = DemoImage("demo/app", "later", ((built.manifest, OCI_MANIFEST),), built.blobs)
    await world.push(image, "later")
    await until(lambda: _holds_rows(world, before + 1), 90)
    epochs = await world.gate_metric("tidegate_gate_feed_epoch")
    async with seen(world) as record:
        await world.hub.kill()
        await asyncio.to_thread(_restore, world, dump)
        await world.start_hub()
        began_s = time.monotonic()
        seconds = await world.recovered(record, began_s)
        await until(lambda: _is_fed(world, before + 1, began_s), 200, lambda: world.trouble(record))
        fed_s = time.monotonic() - began_s
    after = await world.gate_metric("tidegate_gate_feed_epoch")
    note = (
        f"gates held batch {max(epochs):.0f} of the chain, and {max(after):.0f} of the chain that the "
        f"hub has since, with every row, after {fed_s:.0f} s"
    )
    words = "hub's database lost, restored from a backup of before the last scan"
    return outcome(words, seconds, record, "restore the backup, start the hub", note)


async def _holds_rows(world: World, subjects: float) -> bool:
    """Whether every gate holds rows about so many manifests."""
    held = await world.gate_metric("tidegate_gate_feed_subjects")
    return bool(held) and min(held) >= subjects


async def _is_fed(world: World, subjects: float, since_s: float) -> bool:
    """Whether every gate has all rows, and a batch that was made after `since_s`."""
    ages = await world.gate_metric("tidegate_gate_feed_age_seconds")
    passed_s = time.monotonic() - since_s
    return await _holds_rows(world, subjects) and bool(ages) and max(ages) < passed_s


def _dump(world: World) -> str:
    path = world.folder / f"backup-{secrets.token_hex(2)}.dump"
    program = world.postgres.bin / "pg_dump"
    url = world.postgres.url(world.database)
    subprocess.run([program, "--format=custom", f"--file={path}", url], check=True, timeout=60)
    return str(path)


def _restore(world: World, dump: str) -> None:
    server, name = world.postgres, world.database
    server.drop(name)
    server.sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    program = server.bin / "pg_restore"
    words = [
        "--exit-on-error",
        "--no-owner",
        "--single-transaction",
        f"--dbname={server.url(name)}",
    ]
    subprocess.run([program, *words, dump], check=True, timeout=60)


# A new cluster


async def kinds_come_late(world: World) -> Outcome:
    """Install the chart without its kinds; they are applied when gates and agent run already."""
    async with AsyncExitStack() as stack:
        await world.start_cluster(stack)
        await world.install("--set", "crds.enabled=false")
        await world.enrol()
        await run_node(world, stack)
        async with seen(world) as record:
            await until(lambda: _all_run(world), 60, lambda: world.trouble(record))
            began_s = time.monotonic()
            await world.install()
            await until(lambda: _has_rules(world), 60, lambda: world.trouble(record))
            in_force_s = time.monotonic() + RULES_S
            seconds = await world.recovered(record, began_s)
        restarts = sum(p.restarts for p in world.node.pods.values())
    # Until the agent has written the hub's rules no gate knows any but its own, which audits.
    audited = record.let_in_before(in_force_s)
    note = f"{restarts} containers ended meanwhile"
    if audited:
        note += f"; {audited} bad pods passed with a warning before there were rules"
    words = "a new cluster: the kinds applied when gates and agent run"
    made = outcome(words, seconds, record, "apply the kinds", note)
    return replace(made, let_in=made.let_in - audited)


async def _has_rules(world: World) -> bool:
    """Whether the agent has written the hub's rules."""
    answer = await world.api.get(OBJECTS)
    return answer.is_success and bool(answer.json()["items"])


async def _all_run(world: World) -> bool:
    """Whether two gates and an agent run, and the agent serves."""
    agents, gates = world.node.of("agent"), world.node.of("gate")
    run = all(pod.is_running for pod in (*agents, *gates))
    return run and len(gates) == 2 and any(agent.is_ready for agent in agents)


# Upgrades


async def upgrade(world: World, words: str, step: Callable[[], Awaitable[object]]) -> Outcome:
    """Roll all gates to what `step` asks for, while reviews come at random instants."""
    before = {p.uid for p in world.node.of("gate")}
    async with seen(world) as record:
        began_s = time.monotonic()
        load = asyncio.create_task(_load(world))
        try:
            await step()
            await until(lambda: _rolled(world, before), 150, lambda: world.trouble(record))
            took_s = time.monotonic() - began_s
        finally:
            load.cancel()
            failed, asked = await load
        seconds = await world.recovered(record, began_s)
        failed += record.refusals
        assert not failed, (failed[:3], world.trouble(record))
    note = f"{asked} more reviews under way in the {took_s:.0f} s of the rollout: none failed"
    return outcome(words, seconds, record, "the upgrade itself", note)


LOAD_PER_S = 8.0


async def _load(world: World) -> tuple[list[str], int]:
    """Ask for pods, whether or not earlier ones were answered; return what went wrong, and how many."""
    tasks: list[asyncio.Task[tuple[Came, str]]] = []
    try:
        while True:
            tasks.append(asyncio.create_task(world.prober.try_pod(world.prober.good)))
            await asyncio.sleep(random.expovariate(LOAD_PER_S))
    except asyncio.CancelledError:
        came = await asyncio.gather(*tasks)
        return [why for what, why in came if what is not Came.ADMITTED], len(tasks)


async def _rolled(world: World, before: set[str]) -> bool:
    """Whether the gates are all new and in service, and the old ones are gone."""
    status = await world.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/tidegate-gate")
    gates = world.node.of("gate")
    return (
        not before & {p.uid for p in gates}
        and len(gates) == status["spec"]["replicas"]
        and all(p.is_ready for p in gates)
    )


# The end


async def uninstalled(world: World) -> Outcome:
    """Uninstall while no gate answers: a webhook that stayed would be noticed."""
    await world.node.hold("gate")
    async with world.prober.running() as record:
        await until(lambda: _no_endpoint(world), 10)
        began_s = time.monotonic()
        said = await world.helm("uninstall", RELEASE, "--debug")
        assert first_deleted(said) == ("tidegate", "ValidatingWebhookConfiguration"), said
        left = await kubectl(world.cluster, "get", ",".join(KINDS), "-A", "-o", "name")
        assert left_behind(left) == []
        await until(lambda: _free(record), 30)
        seconds = time.monotonic() - began_s
    words = "uninstalled while no gate answers: webhook first, nothing left"
    note = "from then on nothing is gated"
    hand = "the uninstallation itself"
    return Outcome(words, seconds, record.asked, record.refused, 0, hand, note)


async def _free(record: Record) -> bool:
    """Whether nothing is gated any more."""
    last = record.sights[-1] if record.sights else None
    return last is not None and (last.good, last.bad) == (Came.ADMITTED, Came.ADMITTED)
