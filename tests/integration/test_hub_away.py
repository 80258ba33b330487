"""With the hub away a cluster keeps its rules, its gate keeps its events, and each counts once."""

import asyncio
import os
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from support.cli_site import run_tidegate
from tidegate.domain.errors import HubUnavailableError
from tidegate.domain.rule import Action
from tidegate.hubclient import HubClient
from tidegate.local.certificates import Authority
from tidegate.local.data_folder import CLUSTER_NAME, DataFolder, UpState
from tidegate.local.part import Part, PartPlan
from tidegate.local.plans import Site, plan_agent, plan_gate, plan_hub
from tidegate.wire.hub_v1 import RuleWriteV1
from tidegate.wire.policy_v1alpha1 import ConfigurationV1, RuleV1

pytestmark = pytest.mark.integration

DENIED_AWAY = 12
DEADLINE_S = 40


def make_site(root: Path) -> Site:
    folder = DataFolder(root)
    ports = folder.ensure()
    now = datetime.now(UTC)
    authority = Authority(root / "tls", "ca").ensure(now)
    pair = authority.issue("gate", now, common_name="gate", hosts=("127.0.0.1", "localhost"))
    site = Site(folder, ports, pair)
    state = UpState(
        hub=site.url("hub"),
        portal=site.url("hub"),
        registry=site.registry_host,
        gate=site.url("gate"),
        gate_ca=str(root / "tls" / "ca.crt"),
        kubeconfig=None,
        admin_token=folder.token("admin"),
        data_dir=str(root),
        public_key=str(folder.public_key),
    )
    folder.state.write_bytes(msgspec.json.encode(state))
    return site


async def start(stack: AsyncExitStack, plan: PartPlan) -> Part:
    part = Part(plan, os.environ)
    stack.push_async_callback(part.stop)
    await part.start()
    return part


async def denied(site: Site, name: str) -> bool:
    image = f"--image={site.registry_host}/nobody/pushed:this"
    done = await asyncio.to_thread(run_tidegate, "run", name, image, data_dir=site.folder.root)
    return done.returncode == 1 and "denied the request" in done.stderr


async def names_of(hub: HubClient) -> list[str]:
    page = await hub.list_events(limit=500, action="deny")
    return sorted(event.name for event in page.items)


async def test_with_the_hub_away_rules_stay_and_every_event_is_counted_once_afterwards(
    tmp_path: Path,
) -> None:
    site = make_site(tmp_path / "data")
    async with AsyncExitStack() as stack:
        hub = await start(stack, plan_hub(site))
        await start(stack, plan_agent(site))
        await start(stack, plan_gate(site))
        admin = HubClient(site.url("hub"), site.folder.token("admin"))
        stack.push_async_callback(admin.close)
        entry = RuleV1("all", Action.DENY, ConfigurationV1(block_unscanned_images=True))
        await admin.create_rule(RuleWriteV1(entry))
        async with asyncio.timeout(DEADLINE_S):
            while not await denied(site, "before"):
                await asyncio.sleep(0.2)
            while "before" not in await names_of(admin):
                await asyncio.sleep(0.2)
        cluster = await admin.get_cluster(CLUSTER_NAME)
        await hub.stop()

        with pytest.raises(HubUnavailableError):
            await admin.list_rules()
        away = [f"away-{number}" for number in range(DENIED_AWAY)]
        assert await asyncio.gather(*(denied(site, name) for name in away)) == [True] * DENIED_AWAY

        await start(stack, plan_hub(site))
        wanted = sorted([*away, *(n for n in await names_of(admin) if n == "before")])
        async with asyncio.timeout(DEADLINE_S):
            while len(await names_of(admin)) < len(wanted):
                await asyncio.sleep(0.2)
            while (await admin.get_cluster(CLUSTER_NAME)).last_seen_at <= cluster.last_seen_at:
                await asyncio.sleep(0.2)
        assert await names_of(admin) == wanted
