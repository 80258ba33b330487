"""Events counted by ten minutes and rule as they are stored: the overview reads only these."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.event_body import key_text
from tidegate.hub.store.schema import event_tallies
from tidegate.wire.event_v1 import Action, AdmissionEventV1

SLOT_CHARS = 15
"""Of an instant: `2026-11-23T09:1`, ten minutes."""
HOUR_CHARS = 13

_STRICTER: tuple[Action, ...] = ("allow", "audit", "deny")

_ADD = text(
    # Both databases have this form; SQLAlchemy has one construct for each.
    "INSERT INTO event_tallies (slot, rule, denied, audited, allowed, unscanned)"
    " VALUES (:slot, :rule, :denied, :audited, :allowed, :unscanned)"
    " ON CONFLICT (slot, rule) DO UPDATE SET"
    " denied = event_tallies.denied + excluded.denied,"
    " audited = event_tallies.audited + excluded.audited,"
    " allowed = event_tallies.allowed + excluded.allowed,"
    " unscanned = event_tallies.unscanned + excluded.unscanned"
)


@dataclass(slots=True)
class Tally:
    """How many events, by what became of them."""

    denied: int = 0
    audited: int = 0
    allowed: int = 0
    unscanned: int = 0

    def count(self, action: Action) -> None:
        """Count an event."""
        match action:
            case "deny":
                self.denied += 1
            case "audit":
                self.audited += 1
            case "allow":
                self.allowed += 1


async def add(connection: AsyncConnection, batch: Iterable[tuple[AdmissionEventV1, str]]) -> None:
    """Count events that are stored, each with its instant."""
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    for event, at in batch:
        if event.origin == "rejudged":
            continue  # nothing was admitted or refused
        slot = at[:SLOT_CHARS]
        whole = tallies[slot, ""]
        whole.count(event.action)
        whole.unscanned += any(row.evidence == "missing" for row in event.images)
        for rule, action in _decided(event).items():
            tallies[slot, rule].count(action)
    # In one order everywhere, so that two transactions never wait for each other.
    rows = [
        {
            "slot": slot,
            "rule": rule,
            "denied": tally.denied,
            "audited": tally.audited,
            "allowed": tally.allowed,
            "unscanned": tally.unscanned,
        }
        for (slot, rule), tally in sorted(tallies.items(), key=lambda item: item[0])
    ]
    if rows:
        await connection.execute(_ADD, rows)


async def by_slot(connection: AsyncConnection, since: str, chars: int) -> dict[str, Tally]:
    """Return all events from `since` on, by the first `chars` characters of their instants."""
    slot = func.substr(event_tallies.c.slot, 1, chars).label("start")
    sums = [func.sum(event_tallies.c[name]).label(name) for name in Tally.__slots__]
    query = (
        select(slot, *sums)
        .where(event_tallies.c.slot >= since[:SLOT_CHARS], event_tallies.c.rule == "")
        .group_by(slot)
    )
    rows = await connection.execute(query)
    return {row.start: Tally(*map(int, row[1:])) for row in rows}


async def top_rules(
    connection: AsyncConnection, since: str, limit: int
) -> list[tuple[str, int, int]]:
    """Return the rules that denied or audited most from `since` on, with these two numbers."""
    denied, audited = (func.sum(event_tallies.c[name]) for name in ("denied", "audited"))
    query = (
        select(event_tallies.c.rule, denied, audited)
        .where(event_tallies.c.slot >= since[:SLOT_CHARS], event_tallies.c.rule != "")
        .group_by(event_tallies.c.rule)
        .having(denied + audited > 0)
        .order_by((denied + audited).desc(), event_tallies.c.rule)
        .limit(limit)
    )
    rows = await connection.execute(query)
    return [(rule, int(denials), int(audits)) for rule, denials, audits in rows]


async def prune(connection: AsyncConnection, older_than: str, limit: int) -> int:
    """Delete up to `limit` counters from before `older_than`."""
    slots = (
        select(event_tallies.c.slot)
        .where(event_tallies.c.slot < older_than[:SLOT_CHARS])
        .distinct()
        .limit(max(limit // 100, 1))
    )
    gone = delete(event_tallies).where(event_tallies.c.slot.in_(slots))
    return (await connection.execute(gone)).rowcount


def _decided(event: AdmissionEventV1) -> dict[str, Action]:
    """Return the rules that decided about an image of `event`, each with its strictest action."""
    strictest: dict[str, Action] = {}
    for row in event.images:
        rule = key_text(row.rule)
        if rule:
            strictest[rule] = max(strictest.get(rule, "allow"), row.action, key=_STRICTER.index)
    return strictest
