"""What a hub says about itself, its clusters and its scan jobs, as `tidegate doctor` judges it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx2

from tidegate.cli.cluster import rules_word
from tidegate.cli.context import HubAddress
from tidegate.cli.doctor_lines import Check, fail, ok, warn
from tidegate.domain.errors import InputError, UnavailableError
from tidegate.hubclient import HubClient
from tidegate.wire.hub_v1 import ClusterV1, JobPageV1

TIMEOUT_S = 10.0
SILENT = timedelta(seconds=60)
"""An agent speaks every 5 s."""

WAITING = timedelta(minutes=5)
"""A worker that lives takes a job within seconds, or while it scans another one, minutes."""

CLOCK_OFF = timedelta(seconds=30)
CLOCK_WRONG = timedelta(minutes=5)
"""Scan times more than 10 minutes ahead do not verify (PRODUCT, "What is known")."""


async def examine_hub(address: HubAddress, now: Callable[[], datetime]) -> list[Check]:
    """Return how the hub is, and what it knows."""
    ready = await _ready(address, now)
    if len(ready) == 1:  # no answer, so nothing more to ask
        return ready
    try:
        async with HubClient(address.url, address.token) as hub:
            clusters = await hub.list_clusters()
            jobs = await hub.list_jobs(state="queued", limit=200)
    except (InputError, UnavailableError) as error:
        return [*ready, fail("hub", str(error), "give a token of an administrator or reader")]
    return [*ready, *judge_clusters(clusters, now()), judge_jobs(jobs, now())]


def judge_clusters(clusters: list[ClusterV1], now: datetime) -> list[Check]:
    """Return how each cluster is."""
    if not clusters:
        return [warn("clusters", "none is enrolled", "enrol one: `tidegate cluster enrol NAME`")]
    return [_cluster(cluster, now) for cluster in clusters]


def judge_jobs(page: JobPageV1, now: datetime) -> Check:
    """Return whether somebody takes the scan jobs; the oldest that waits tells."""
    waiting, running = page.counts.get("queued", 0), page.counts.get("leased", 0)
    said = f"{waiting} scans wait, {running} run, {page.counts.get('failed', 0)} failed"
    ripe = [moment for job in page.items if (moment := _moment(job.not_before)) is not None]
    if ripe and not running and now - min(ripe) > WAITING:
        return fail("scan worker", f"{said}; nobody takes them", "start a worker, or see its log")
    if page.counts.get("failed", 0):
        return warn("scan worker", said, "see why: GET /api/v1/jobs?state=failed")
    return ok("scan worker", said)


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
        return [fail("hub", f"{address.url} does not answer ({why})", "start it, or see its log")]
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
    seen = _moment(cluster.last_seen_at)
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


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
