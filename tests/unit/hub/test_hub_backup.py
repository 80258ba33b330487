"""Backup and restore as docs/how-to/back-up-and-restore.md says: everything is there again."""

import contextlib
import dataclasses
import shutil
import sqlite3
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from litestar import Litestar

from support.hub_world import World
from tidegate.domain.rule import Action
from tidegate.hub.app import prepare, with_headers
from tidegate.hub.settings import HubSettings
from tidegate.wire.event_v1 import AdmissionEventV1
from tidegate.wire.hub_v1 import (
    ClusterEnrolV1,
    EnrolV1,
    HeartbeatV1,
    RuleWriteV1,
    ScanRequestV1,
    TokenCreateV1,
)
from tidegate.wire.policy_v1alpha1 import ConfigurationV1, RuleV1


def event(event_id: str) -> AdmissionEventV1:
    return AdmissionEventV1(event_id, "2026-11-23T09:00:00.000000Z", "deny", "Pod", "p", [])


def rule(name: str) -> RuleWriteV1:
    return RuleWriteV1(RuleV1(name, Action.DENY, ConfigurationV1(block_unscanned_images=True)))


async def fill(world: World) -> str:
    """Put something of everything in; return a token that is shown only once."""
    await world.admin.create_rule(rule("kept"))
    announced = await world.admin.announce_cluster(ClusterEnrolV1("prod", "aws", "42", {"e": "p"}))
    granted = await world.client("").enrol(EnrolV1(announced.token, "1.0"))
    await world.c1.send_heartbeat("c1", HeartbeatV1("1.0", "g", ["disk full"]))
    await world.c1.post_events([event("e1"), event("e2")])
    await world.admin.request_scan(ScanRequestV1("r.example", "a", "sha256:" + "a" * 64))
    await world.admin.create_token(TokenCreateV1("w2", "scanner"))
    return granted.token


async def everything(world: World) -> tuple[object, ...]:
    return (
        await world.admin.list_rules(),
        await world.admin.get_settings(),
        await world.admin.list_clusters(),
        (await world.admin.list_events()).items,
        (await world.admin.list_images()).items,
        (await world.admin.list_jobs()).items,
        await world.admin.list_tokens(),
        (await world.admin.list_audit(limit=500)).items,
    )


def back_up(url: str, backup: Path) -> None:
    """Copy the database of a hub that runs."""
    if url.startswith("postgresql:"):
        dump = ["pg_dump", "--format=custom", f"--file={backup}", url]
        subprocess.run(dump, check=True, capture_output=True)
        return
    with (
        contextlib.closing(sqlite3.connect(url.partition("///")[2])) as running,
        contextlib.closing(sqlite3.connect(backup)) as copy,
    ):
        running.backup(copy)  # what the shell's .backup calls


def restore(backup: Path, url: str) -> None:
    """Bring a backup to a place with nothing in it."""
    if url.startswith("postgresql:"):
        words = ["--exit-on-error", "--no-owner", "--single-transaction", f"--dbname={url}"]
        subprocess.run(["pg_restore", *words, backup], check=True, capture_output=True)
        return
    shutil.copy(backup, url.partition("///")[2])


@pytest.fixture
def restored_settings(settings: HubSettings, empty_database_url: str) -> HubSettings:
    return dataclasses.replace(settings, database_url=empty_database_url)


async def test_a_backup_taken_while_the_hub_runs_brings_everything_back(
    world: World, routed: Litestar, restored_settings: HubSettings, tmp_path: Path
) -> None:
    agents_token = await fill(world)
    before = await everything(world)
    back_up(world.hub.settings.database_url, tmp_path / "backup")
    await world.admin.create_rule(rule("after the backup"))
    restore(tmp_path / "backup", restored_settings.database_url)
    async with AsyncExitStack() as stack:
        again = World(with_headers(routed), restored_settings, stack)
        stack.push_async_callback(again.hub.database.close)
        routed.state.hub = again.hub
        await prepare(again.hub)
        assert await everything(again) == before
        # Nobody needs another token, and what comes now finds its place after what was there.
        assert await again.client(agents_token).fetch_policy("prod") is not None
        result = await again.c1.post_events([event("e2"), event("e3")])
        assert (result.stored, result.duplicates) == (1, 1)
        await again.admin.create_rule(rule("new"))
        assert [r.rule.name for r in await again.admin.list_rules()][:2] == ["kept", "new"]
