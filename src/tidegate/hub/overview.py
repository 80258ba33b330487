"""What needs attention: clusters that may not enforce, exemptions about to end, and the buckets."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from tidegate.domain.errors import InvalidPolicyError
from tidegate.hub.clock import parse_instant, render_instant
from tidegate.hub.store.event_tallies import HOUR_CHARS, SLOT_CHARS, Tally
from tidegate.hub.store.rules import StoredRule
from tidegate.wire.hub_data_v1 import BucketV1, ClusterProblemV1, ExpiringExemptionV1
from tidegate.wire.hub_v1 import ClusterV1
from tidegate.wire.policy_times import parse_end_date

SILENT = timedelta(seconds=30)
"""Agents are heard of every five seconds."""

GENERATION_GRACE = timedelta(seconds=15)
"""A change of the rules is in force within seconds; sooner it is no problem."""

FEED_OLD = timedelta(minutes=5)
"""A batch of the feed comes every minute, with or without rows; gates warn as late."""

SOON = timedelta(days=14)
MAX_EXEMPTIONS = 50
MAX_PROBLEMS = 200

SLOT_S = 600


def bucket_s(hours: int) -> int:
    """Return the length of a bucket, so that a chart has 6 to 48 of them (90 days: 90)."""
    for most, length_s in ((4, SLOT_S), (48, 3600), (240, 6 * 3600)):
        if hours <= most:
            return length_s
    return 24 * 3600


def first_start(now: datetime, hours: int) -> datetime:
    """Return the start of the oldest bucket: the newest holds `now`, and together they are `hours`.

    Buckets begin at multiples of their length since 1970, UTC: at midnight and on the hour.
    """
    length_s = bucket_s(hours)
    newest = int(now.timestamp()) // length_s * length_s
    count = max(hours * 3600 // length_s, 1)
    return datetime.fromtimestamp(newest - (count - 1) * length_s, UTC)


def slot_chars(hours: int) -> int:
    """Return how much of an instant tells apart what falls into different buckets."""
    return SLOT_CHARS if bucket_s(hours) == SLOT_S else HOUR_CHARS


def buckets(tallies: Mapping[str, Tally], now: datetime, hours: int) -> list[BucketV1]:
    """Return the tallies, by the start of their time, as buckets without gaps."""
    length_s, first = bucket_s(hours), first_start(now, hours)
    count = (int(now.timestamp()) - int(first.timestamp())) // length_s + 1
    made = [
        BucketV1(render_instant(first + timedelta(seconds=length_s * i)), 0, 0, 0, 0)
        for i in range(count)
    ]
    for start, tally in tallies.items():
        place = int((_slot_start(start) - first).total_seconds()) // length_s
        # An event may be up to ten minutes ahead of this clock: it belongs to the newest.
        bucket = made[min(place, count - 1)]
        bucket.denied += tally.denied
        bucket.audited += tally.audited
        bucket.allowed += tally.allowed
        bucket.unscanned += tally.unscanned
    return made


def expiring(rules: Iterable[StoredRule], now: datetime) -> list[ExpiringExemptionV1]:
    """Return the exemptions of enabled rules that end within two weeks, the first to end first."""
    found: list[tuple[datetime, ExpiringExemptionV1]] = []
    for rule in rules:
        if not rule.entry.enabled:
            continue
        for exemption in rule.entry.configuration.exemptions:
            if not exemption.time_bound:
                continue
            try:
                ends = parse_end_date(exemption.time_bound.end_date)
            except InvalidPolicyError:
                continue  # checked when it was saved; a later version may have another form
            if now <= ends <= now + SOON:
                entry = ExpiringExemptionV1(
                    rule=rule.entry.name,
                    kind="resource" if exemption.matcher_type else "vulnerability",
                    value=exemption.value,
                    end_date=exemption.time_bound.end_date,
                    reason=exemption.reason,
                )
                found.append((ends, entry))
    found.sort(key=lambda pair: (pair[0], pair[1].rule, pair[1].value))
    return [entry for _, entry in found[:MAX_EXEMPTIONS]]


def problems(
    clusters: Sequence[ClusterV1], edited_at: str, now: datetime
) -> list[ClusterProblemV1]:
    """Return why clusters may not enforce what the hub wants, a sentence each.

    `edited_at`: the last change of anything that reaches clusters.
    """
    return [
        ClusterProblemV1(cluster.name, problem)
        for cluster in clusters
        for problem in _problems(cluster, edited_at, now)
    ][:MAX_PROBLEMS]


def is_old(feed_at: str, now: datetime) -> bool:
    """Whether the feed stands still where its last batch came at `feed_at`; never where none did.

    Without a feed gates ask registries.
    """
    heard = parse_instant(feed_at)
    return heard is not None and now - heard > FEED_OLD


def _problems(cluster: ClusterV1, edited_at: str, now: datetime) -> Iterable[str]:
    if cluster.gating == "Off":
        yield "Security gating is off: everything is admitted."
    seen = parse_instant(cluster.last_seen_at)
    if seen is None:
        yield "Its agent has not been heard of yet."
        return
    if now - seen > SILENT:
        yield f"Its agent has not been heard of since {cluster.last_seen_at[:19]}Z."
    edited = parse_instant(edited_at)
    fresh = edited is not None and now - edited < GENERATION_GRACE
    if cluster.policy_generation != cluster.wanted_generation and not fresh:
        yield "The rules in force there are not the current ones."
    if is_old(cluster.feed_at, now):
        yield f"No findings were fed to it since {cluster.feed_at[:19]}Z."
    yield from cluster.problems


def _slot_start(text: str) -> datetime:
    """Return the instant that the first 13 or 15 characters of instants stand for."""
    whole = f"{text}0:00" if len(text) == SLOT_CHARS else f"{text}:00:00"
    return datetime.fromisoformat(f"{whole}+00:00")
