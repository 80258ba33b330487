"""How long a saved rule takes to be enforced, and a decision to be seen: `python bench/sync.py`.

Two clusters with real API servers under one hub. A rule for both is switched on and off; after each
change the same pod is sent to both API servers as a dry run, until both answer by the rule as it is
now. Then pods are really created, denied, and waited for in the hub's stream of events.
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from lightkube import ApiError, AsyncClient
from lightkube.models.core_v1 import Container, PodSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod

from measures import number, python_environment, say, table
from tidegate.domain.rule import Action
from tidegate.hubclient import HubClient
from tidegate.kube.client import connect
from tidegate.local.kubernetes import find_programs
from tidegate.testing.fleet import Ground, running_fleet
from tidegate.wire.hub_v1 import CloudScopeV1, ClusterEnrolV1, RuleWriteV1
from tidegate.wire.policy_v1alpha1 import ConfigurationV1, RuleV1

CLUSTERS = (
    ClusterEnrolV1("east", "aws", "42", {"env": "prod"}),
    ClusterEnrolV1("west", "azure", "subscription-7", {"env": "prod"}),
)
IMAGE = "registry.example/nobody/scanned:this"
LOOK_S = 0.01
PATIENCE_S = 30.0
WANTED_S = {"enforced": 5.0, "visible": 1.0}
"""The 95th of a hundred stays below; issue "The hub and the portal", cluster sync."""

HEADER = ("", "n", "median, ms", "p95, ms", "p99, ms", "longest, ms", "p95 wanted, ms")


async def main(changes: int) -> None:
    """Measure, and print the section."""
    load_before = os.getloadavg()[0]
    with TemporaryDirectory(prefix="tidegate-sync-") as folder:
        environment = python_environment()
        programs = find_programs(os.environ)
        ground = Ground(Path(folder), programs, environment, lambda: datetime.now(UTC))
        async with (
            running_fleet(ground, CLUSTERS) as fleet,
            fleet.client() as hub,
            contextlib.AsyncExitStack() as stack,
        ):
            clusters = {}
            for member in fleet.members.values():
                clusters[member.name] = connect(member.kubeconfig, "bench")
                stack.push_async_callback(clusters[member.name].close)
            say("sync: rules")
            enforced = await switches(hub, clusters, changes)
            say("sync: events")
            visible = await decisions(hub, clusters, changes)
    told(load_before, enforced, visible)


async def switches(
    hub: HubClient, clusters: dict[str, AsyncClient], changes: int
) -> dict[str, list[float]]:
    """Return for each cluster the seconds from Save to the first verdict by the changed rule."""
    configuration = ConfigurationV1(block_unscanned_images=True)
    entry = RuleV1("sync", Action.DENY, configuration, enabled=False)
    rule = await hub.create_rule(RuleWriteV1(entry, CloudScopeV1(labels=["env=prod"])))
    seconds: dict[str, list[float]] = {name: [] for name in clusters}
    for number_ in range(changes):
        denied = number_ % 2 == 0
        started = time.monotonic()
        await (hub.enable_rule if denied else hub.disable_rule)(rule.id)
        ends = await asyncio.gather(*(reached(c, denied=denied) for c in clusters.values()))
        for name, end in zip(clusters, ends, strict=True):
            seconds[name].append(end - started)
    if changes % 2 == 0:
        await hub.enable_rule(rule.id)
        await asyncio.gather(*(reached(c, denied=True) for c in clusters.values()))
    return seconds


async def decisions(
    hub: HubClient, clusters: dict[str, AsyncClient], count: int
) -> dict[str, list[float]]:
    """Return for each cluster the seconds from a denial's answer to its event in the stream."""
    seconds: dict[str, list[float]] = {name: [] for name in clusters}
    async with streamed(hub) as seen:
        for warm_up in itertools.count():  # until the stream is there
            for cluster in clusters.values():
                await is_denied(cluster, f"warm-{warm_up}", dry_run=False)
            await asyncio.sleep(0.2)
            if {cluster for cluster, _ in seen} >= clusters.keys():
                break
        for number_ in range(count):
            for name, cluster in clusters.items():
                await is_denied(cluster, f"p-{number_}", dry_run=False)
                decided = time.monotonic()
                async with asyncio.timeout(PATIENCE_S):
                    while (name, f"p-{number_}") not in seen:
                        await asyncio.sleep(LOOK_S / 2)
                seconds[name].append(max(0.0, seen[name, f"p-{number_}"] - decided))
    return seconds


@contextlib.asynccontextmanager
async def streamed(hub: HubClient) -> AsyncIterator[dict[tuple[str, str], float]]:
    """Yield when each event, by its cluster and object, came in the hub's stream."""
    seen: dict[tuple[str, str], float] = {}

    async def tail() -> None:
        async for tailed in hub.tail_events():
            seen.setdefault((tailed.event.cluster, tailed.event.name), time.monotonic())

    following = asyncio.create_task(tail())
    try:
        yield seen
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def reached(cluster: AsyncClient, *, denied: bool) -> float:
    """Return when the cluster answered so for the first time."""
    async with asyncio.timeout(PATIENCE_S):
        while await is_denied(cluster, "probe", dry_run=True) != denied:
            await asyncio.sleep(LOOK_S)
    return time.monotonic()


async def is_denied(cluster: AsyncClient, name: str, *, dry_run: bool) -> bool:
    pod = Pod(
        metadata=ObjectMeta(name=name, namespace="default"),
        spec=PodSpec(containers=[Container(name="c", image=IMAGE)]),
    )
    try:
        await cluster.create(pod, dry_run=dry_run)
    except ApiError as error:
        if "denied the request" in str(error):
            return True
        raise
    return False


def told(
    load_before: float,
    enforced: dict[str, list[float]],
    visible: dict[str, list[float]],
) -> None:
    print("## Cluster sync\n")
    print(
        "Two clusters, each with a real API server, agent and gate, and one hub on SQLite, all on\n"
        f"this machine: {os.cpu_count()} processors for everything. *Save to enforced*: from the\n"
        "request that switches a rule to the first verdict by it, asked of each API server every\n"
        f"{LOOK_S * 1000:g} ms as a dry run. *Decision to visible*: from the API server's refusal\n"
        "of a pod to its event in the hub's stream, as the portal reads it. Nothing was removed.\n"
        f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; load before {load_before:.2f} (1 min).\n"
    )
    lines = [
        *rows("Save to enforced", enforced, WANTED_S["enforced"]),
        *rows("Decision to visible", visible, WANTED_S["visible"]),
    ]
    print(table(HEADER, lines))


def rows(what: str, seconds: dict[str, list[float]], wanted_s: float) -> Iterator[Sequence[str]]:
    for name, each in seconds.items():
        ranked = sorted(each)
        shown = [quantile(ranked, percent) * 1000 for percent in (50, 95, 99)]
        longest = ranked[-1] * 1000
        cells = [number(value) for value in (*shown, longest)]
        yield (f"{what}, {name}", str(len(ranked)), *cells, number(wanted_s * 1000, 4))


def quantile(ranked: Sequence[float], percent: int) -> float:
    """Return the value that `percent` of a hundred do not exceed."""
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=100)
    asyncio.run(main(parser.parse_args().changes))
