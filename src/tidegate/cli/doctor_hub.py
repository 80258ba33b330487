"""What a hub says about itself, its clusters and its scan jobs, as `tidegate doctor` judges it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import httpx2

from tidegate.cli.cluster import rules_word
from tidegate.cli.context import HubAddress
from tidegate.cli.doctor_lines import Check, fail, ok, unknown, warn
from tidegate.cli.doctor_workers import (
    judge_advisories_told,
    judge_keys,
    judge_workers,
    signing_keys,
)
from tidegate.cli.moments import parse_moment
from tidegate.domain.errors import InputError, UnavailableError
from tidegate.hubclient import HubClient
from tidegate.wire.hub_v1 import ClusterV1, SettingsV1

TIMEOUT_S = 10.0
SILENT = timedelta(seconds=60)
"""An agent speaks every 5 s."""

CLOCK_OFF = timedelta(seconds=30)
CLOCK_WRONG = timedelta(minutes=5)
"""Scan times more than 10 minutes ahead do not verify (PRODUCT, "What is known")."""


class HubFindings(NamedTuple):
    """What the hub could tell."""

    checks: list[Check]
    signing_keys: frozenset[str] = frozenset()
    """Fingerprints of the keys that findings are signed with now."""


async def examine_hub(address: HubAddress, now: Callable[[], datetime]) -> HubFindings:
    """Return how the hub is, and what it knows."""
    ready = await _ready(address, now)
    if len(ready) == 1:  # no answer, so nothing more to ask
        return HubFindings(ready)
    try:
        async with HubClient(address.url, address.token) as hub:
            settings = await hub.get_settings()
            clusters = await hub.list_clusters()
            workers = await hub.list_workers()
            jobs = await hub.list_jobs(state="queued", limit=200)
            sources = await hub.list_advisories()
            keys = await hub.list_keys()
    except InputError as error:
        advice = "give a token of an administrator or reader"
        return HubFindings([*ready, fail("hub", str(error), advice)])
    except UnavailableError as error:
        return HubFindings([*ready, unknown("hub", str(error), "see its log; ask again")])
    checks = [
        *ready,
        *judge_switches(settings),
        *judge_clusters(clusters, now()),
        judge_workers(workers, jobs, now()),
        *judge_advisories_told(workers, sources, now()),
        judge_keys(workers, keys, now()),
    ]
    return HubFindings(checks, signing_keys(workers, now()))


def judge_switches(settings: SettingsV1) -> list[Check]:
    """Return a line for each component that is switched off."""
    words = {
        "registry_access": "registry access is off: workers contact no registry",
        "security_findings": "security findings are off: scans attach nothing",
        "security_gating": "security gating is off for clusters that are enrolled from now on",
    }
    return [
        warn("components", said, "switch it on in the portal, under Settings")
        for field, said in words.items()
        if getattr(settings, field) == "Off"
    ]


def judge_clusters(clusters: list[ClusterV1], now: datetime) -> list[Check]:
    """Return how each cluster is."""
    if not clusters:
        return [warn("clusters", "none is enrolled", "enrol one: `tidegate cluster enrol NAME`")]
    return [_cluster(cluster, now) for cluster in clusters]


def judge_clock(said: str, now: datetime) -> Check:
    """Return how far the hub's clock, as its answer's Date says it, is from this one."""
    try:
        away = abs(parsedate_to_datetime(said) - now)
    except (TypeError, ValueError):
        return warn("clock", "the hub's answer has no date", "compare the clocks yourself")
    words = f"the hub's clock and this one are {away.total_seconds():.0f} s apart"
    advice = "let both machines follow a time server"
    if away > CLOCK_WRONG:
        return fail("clock", words, advice)
    return warn("clock", words, advice) if away > CLOCK_OFF else ok("clock", words)


async def _ready(address: HubAddress, now: Callable[[], datetime]) -> list[Check]:
    url = f"{address.url}/readyz"
    try:
        async with httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = await client.get(url)
    except httpx2.RequestError as error:
        why = str(error) or type(error).__name__
        said = f"{address.url} does not answer ({why})"
        return [unknown("hub", said, "start it, or see its log")]
    if answer.status_code != httpx2.codes.OK:
        said = f"{address.url} is not ready: HTTP {answer.status_code} {answer.text[:200]}"
        return [fail("hub", said, "see its log; its database has to answer")]
    return [
        ok("hub", f"{address.url} is ready"),
        judge_clock(answer.headers.get("date", ""), now()),
    ]


def _cluster(cluster: ClusterV1, now: datetime) -> Check:
    part, name = "cluster", cluster.name
    rules = rules_word(cluster)
    seen = parse_moment(cluster.last_seen_at)
    if not cluster.enrolled_at:
        return warn(part, f"{name}: waits for its agent", "give the agent its one-time token")
    if seen is None or now - seen > SILENT:
        when = "never" if seen is None else f"{(now - seen).total_seconds():.0f} s ago"
        return fail(part, f"{name}: its agent was last heard {when}", "see the agent's log")
    if cluster.problems:
        return fail(part, f"{name}: {cluster.problems[0]}", f"`tidegate cluster show {name}`")
    if cluster.gating == "Off":
        advice = f"`tidegate cluster gating {name} on`"
        return warn(part, f"{name}: gating is off, every image is admitted", advice)
    if rules != "in force":
        return fail(part, f"{name}: the hub's rules are {rules}", "see the agent's log")
    return ok(part, f"{name}: the hub's rules are in force")
