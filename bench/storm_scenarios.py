"""What fails in which storm. A script runs beside its storm and leaves everything in order."""

import asyncio
from datetime import UTC, datetime

from storm_run import Scenario, Script, Stage
from storm_site import (
    GateSettings,
    Process,
    can_make_small_disks,
)
from valve import Weather

BEGINS, ENDS = 1 / 3, 2 / 3
"""When most of what fails begins and ends, as shares of the storm."""

POLICY_CHANGES = 24
CLOCK_S = 300
SMALL_DISK_BYTES = 2**20
CONNECTION_REUSE = 20
"""Requests of a connection where new ones have to be opened all the time."""


async def _calm(_stage: Stage) -> None:
    """Nothing fails."""


async def _limited(stage: Stage) -> None:
    stage.site.valve.limit(stage.scale.reads_per_min)


async def _gone(stage: Stage) -> None:
    stage.site.valve.weather = Weather.GONE


def _weather(weather: Weather) -> Script:
    async def script(stage: Stage) -> None:
        await stage.at(BEGINS)
        stage.site.valve.weather = weather
        await stage.at(ENDS)
        stage.site.valve.weather = Weather.FAIR

    return script


async def _replica(stage: Stage) -> None:
    await stage.at(BEGINS)
    await stage.kill_gate(stage.gates[0])
    await stage.at(ENDS)
    await stage.restart_gate(stage.gates[0])


async def _away(stage: Stage, part: Process) -> None:
    await stage.at(BEGINS)
    await part.kill()
    await stage.at(ENDS)
    await part.start()


async def _hub(stage: Stage) -> None:
    await _away(stage, stage.site.hub)


async def _agent(stage: Stage) -> None:
    await _away(stage, stage.site.agent)


async def _certificates(stage: Stage) -> None:
    """The first new certificate is the old authority's, the next ones are of a new authority."""
    for i, authority in enumerate(("authority", "next", "next")):
        await stage.at((i + 1) / 4)
        for j, gate in enumerate(stage.gates):
            pair = stage.site.authority(authority).issue(
                f"rotated-{id(stage)}-{i}-{j}",
                datetime.now(UTC),
                common_name="gate",
                hosts=["127.0.0.1"],
            )
            gate.put_certificate(pair)


async def _policy(stage: Stage) -> None:
    for i in range(POLICY_CHANGES):
        await stage.at((i + 1) / (POLICY_CHANGES + 1))
        stage.change_policy()


async def _clock(stage: Stage) -> None:
    """One clock ahead, one behind; in the middle they change places."""
    ahead, behind = stage.gates
    for share, offset_s in ((0.1, CLOCK_S), (0.5, -CLOCK_S), (0.9, 0)):
        await stage.at(share)
        ahead.set_clock(offset_s)
        behind.set_clock(-offset_s)


async def _disk(stage: Stage) -> None:
    """Nobody takes events, so that they fill the small file systems of the spools."""
    await stage.site.agent.kill()
    await stage.at(0.8)
    await stage.site.agent.start()


async def _everything(stage: Stage) -> None:
    site = stage.site
    site.valve.limit(stage.scale.reads_per_min)
    await asyncio.gather(
        _weather(Weather.SLOW)(stage),
        _replica(stage),
        _away(stage, site.hub),
        _away(stage, site.agent),
        _certificates(stage),
        _policy(stage),
        _clock(stage),
    )


def _needs_disk() -> str:
    return "" if can_make_small_disks() else "user namespaces with mounts, for a small file system"


SCENARIOS = (
    Scenario("calm", "nothing fails", _calm),
    Scenario("limited", "registry held to its limit of reads, throughout", _limited),
    Scenario("slow", "registry takes 5 s for each answer", _weather(Weather.SLOW)),
    Scenario("429", "registry answers 429 to everything", _weather(Weather.REFUSING)),
    Scenario("gone", "registry closes every connection", _weather(Weather.GONE)),
    Scenario("fed", "findings from the feed, registry held to its limit", _limited,
             gates=(GateSettings(fed=True),) * 2),
    Scenario("fed-gone", "findings from the feed, registry gone throughout", _gone,
             gates=(GateSettings(fed=True),) * 2),
    Scenario("replica", "one of two gates killed (SIGKILL), started again", _replica,
             kills_replica=True),
    Scenario("hub", "hub killed, started again", _hub),
    Scenario("agent", "agent killed, started again", _agent),
    Scenario("certificates", "certificates replaced three times, then of a new authority",
             _certificates, reuse=CONNECTION_REUSE),
    Scenario("policy", f"rules replaced {POLICY_CHANGES} times", _policy),
    Scenario("clock", "gates' clocks 5 min ahead and behind, changing places", _clock,
             gates=(GateSettings(off_clock=True),) * 2),
    Scenario("disk", "spools on a disk of 1 MiB, agent away", _disk,
             gates=(GateSettings(tmpfs_bytes=SMALL_DISK_BYTES),) * 2, loses_events=True,
             missing=_needs_disk),
    Scenario("everything", "limit, slow registry, replica, hub, agent, certificates, rules and "
             "clocks at once", _everything, gates=(GateSettings(off_clock=True),) * 2,
             reuse=CONNECTION_REUSE, kills_replica=True),
)  # fmt: skip
