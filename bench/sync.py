"""How long a saved rule takes to be enforced, and a decision to be seen: `python bench/sync.py`.

One cluster is real (an API server that asks the gate, an agent that writes the policy object), one
is a simulated agent that holds its connection to the same hub. A rule is switched on and off; each
time the same pod is sent to the API server as a dry run until the answer is the new one. Then pods
are really created, denied, and waited for in the hub's stream of events.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from lightkube import ApiError, AsyncClient
from lightkube.models.core_v1 import Container, PodSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod

from tidegate.domain.rule import Action
from tidegate.hubclient import HubClient
from tidegate.kube.client import connect
from tidegate.wire.hub_v1 import ClusterEnrolV1, EnrolV1, RuleWriteV1
from tidegate.wire.policy_v1alpha1 import ConfigurationV1, RuleV1

LOOK_S = 0.01
PATIENCE_S = 30.0


async def main(changes: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="tidegate-sync-"))
    up = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tidegate.cli", "up", "--json", "--cluster=local",
        f"--data-dir={folder / 'data'}", stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "XDG_STATE_HOME": str(folder / "state")},
    )  # fmt: skip
    try:
        line = b"" if up.stdout is None else await up.stdout.readline()
        if not line:
            raise SystemExit("`tidegate up` did not start; its words are above")
        await measure(json.loads(line), changes)
    finally:
        with contextlib.suppress(ProcessLookupError):
            up.terminate()
        await up.wait()
        shutil.rmtree(folder, ignore_errors=True)


async def measure(state: dict[str, str], changes: int) -> None:
    image = f"{state['registry']}/nobody/pushed:this"
    kubernetes = connect(Path(state["kubeconfig"]), "bench")
    async with HubClient(state["hub"], state["adminToken"]) as hub, simulated(state, hub) as other:
        entry = RuleV1(
            "sync", Action.DENY, ConfigurationV1(block_unscanned_images=True), enabled=False
        )
        rule = await hub.create_rule(RuleWriteV1(entry))
        await admitted(kubernetes, image)
        enforced, heard = [], []
        for number in range(changes):
            switch = hub.disable_rule if number % 2 else hub.enable_rule
            other.clear()
            started = time.monotonic()
            await switch(rule.id)
            await reached(kubernetes, image, denied=number % 2 == 0)
            enforced.append(time.monotonic() - started)
            heard.append(await other.wait() - started)
        if changes % 2 == 0:
            await hub.enable_rule(rule.id)
            await reached(kubernetes, image, denied=True)
        seen = await decisions(hub, kubernetes, image, changes)
    await kubernetes.close()
    print(f"{changes} changes, two clusters, {os.cpu_count()} processors")
    print(table("Save to enforcement at the gate, through the API server", enforced))
    print(table("Save to the simulated agent", heard))
    print(table("decision to visible event", seen))


class Other:
    """When the simulated agent last got rules."""

    def __init__(self) -> None:
        self._got = asyncio.Event()
        self._at = 0.0

    def clear(self) -> None:
        """Forget that it got some."""
        self._got.clear()

    def note(self) -> None:
        """Keep that it got some now."""
        self._at = time.monotonic()
        self._got.set()

    async def wait(self) -> float:
        """Return when it got some, once it did."""
        async with asyncio.timeout(PATIENCE_S):
            await self._got.wait()
        return self._at


@contextlib.asynccontextmanager
async def simulated(state: dict[str, str], hub: HubClient) -> AsyncIterator[Other]:
    announced = await hub.announce_cluster(ClusterEnrolV1("simulated"))
    async with HubClient(state["hub"], "") as stranger:
        token = (await stranger.enrol(EnrolV1(announced.token, "bench", "simulated"))).token
    other = Other()

    async def follow() -> None:
        generation = ""
        async with HubClient(state["hub"], token) as agent:
            while True:
                policy = await agent.fetch_policy("simulated", generation, 25)
                if policy is not None:
                    generation = policy.generation
                    other.note()

    following = asyncio.create_task(follow())
    await other.wait()
    yield other
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def decisions(hub: HubClient, kubernetes: AsyncClient, image: str, count: int) -> list[float]:
    decided: dict[str, float] = {}
    seen: dict[str, float] = {}
    tailing = asyncio.Event()

    async def tail() -> None:
        tailing.set()
        async for tailed in hub.tail_events():
            seen.setdefault(tailed.event.name, time.monotonic())

    following = asyncio.create_task(tail())
    await tailing.wait()
    for warm_up in itertools.count():  # until the stream is there
        await is_denied(kubernetes, image, f"warm-{warm_up}", dry_run=False)
        await asyncio.sleep(0.2)
        if seen:
            break
    for number in range(count):
        name = f"p-{number}"
        await is_denied(kubernetes, image, name, dry_run=False)
        decided[name] = time.monotonic()
        async with asyncio.timeout(PATIENCE_S):
            while name not in seen:
                await asyncio.sleep(LOOK_S / 2)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    return [max(0.0, seen[name] - decided[name]) for name in decided]


async def admitted(kubernetes: AsyncClient, image: str) -> None:
    await reached(kubernetes, image, denied=False)


async def reached(kubernetes: AsyncClient, image: str, *, denied: bool) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await is_denied(kubernetes, image, "probe", dry_run=True) != denied:
            await asyncio.sleep(LOOK_S)


async def is_denied(kubernetes: AsyncClient, image: str, name: str, *, dry_run: bool) -> bool:
    pod = Pod(
        metadata=ObjectMeta(name=name, namespace="default"),
        spec=PodSpec(containers=[Container(name="c", image=image)]),
    )
    try:
        await kubernetes.create(pod, dry_run=dry_run)
    except ApiError as error:
        if "denied the request" in str(error):
            return True
        raise
    return False


def table(what: str, seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    at = {f"p{p}": ordered[min(len(ordered) - 1, len(ordered) * p // 100)] for p in (50, 95, 99)}
    words = ", ".join(f"{name} {value * 1000:.0f} ms" for name, value in at.items())
    mean = statistics.fmean(ordered) * 1000
    return f"{what}: n {len(ordered)}, mean {mean:.0f} ms, {words}, max {ordered[-1] * 1000:.0f} ms"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=60)
    try:
        asyncio.run(main(parser.parse_args().changes))
    except subprocess.SubprocessError as error:
        raise SystemExit(str(error)) from error
