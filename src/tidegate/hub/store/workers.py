"""Scan workers: what each last said of its registries, advisories and evidence key."""

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.clock import parse_instant, render_instant
from tidegate.hub.event_body import column_text
from tidegate.hub.store.schema import evidence_keys, workers
from tidegate.wire.hub_data_v1 import AdvisorySourceV1, EvidenceKeyV1, WorkerHeartbeatV1, WorkerV1

HEARD_OF = timedelta(minutes=5)
"""A worker silent for longer is not counted on."""

_X25519_HEAD = bytes.fromhex("302a300506032b656e032100")

_HOSTS = msgspec.json.Decoder(list[str])
_SOURCES = msgspec.json.Decoder(list[AdvisorySourceV1])


async def note_heartbeat(
    connection: AsyncConnection, name: str, body: WorkerHeartbeatV1, now: datetime
) -> None:
    """Keep what a worker said; not audited: it says the same every minute."""
    instant = render_instant(now)
    values = {
        "last_seen_at": instant,
        "version": column_text(body.version),
        "key_fingerprint": column_text(body.key_fingerprint),
        "registries": msgspec.json.encode(body.registries).decode(),
        "sealing_key": column_text(body.sealing_key),
        "advisories": msgspec.json.encode(body.advisories).decode(),
    }
    known = update(workers).where(workers.c.name == name).values(values)
    if not (await connection.execute(known)).rowcount:
        await connection.execute(insert(workers).values(name=name, **values))
    if body.key_fingerprint:
        used = parse_instant(body.key_used_at)
        used_at = render_instant(min(used, now)) if used else ""
        await _note_key(connection, name, body, used_at)


async def list_all(connection: AsyncConnection, now: datetime) -> list[WorkerV1]:
    """Return all workers by name, those silent for long included until they are pruned."""
    since = render_instant(now - HEARD_OF)
    rows = await connection.execute(select(workers).order_by(workers.c.name))
    return [
        WorkerV1(
            row.name,
            row.last_seen_at,
            row.version,
            row.key_fingerprint,
            _HOSTS.decode(row.registries),
            _sealing_fingerprint(row.sealing_key),
            row.last_seen_at >= since,
        )
        for row in rows
    ]


async def registries(connection: AsyncConnection, now: datetime) -> set[str]:
    """Return the hosts that some worker, heard of lately, may contact."""
    since = render_instant(now - HEARD_OF)
    rows = await connection.execute(
        select(workers.c.registries).where(workers.c.last_seen_at >= since)
    )
    return {host for text in rows.scalars() for host in _HOSTS.decode(text)}


async def sealing_keys(connection: AsyncConnection, now: datetime) -> dict[str, str]:
    """Return the sealing key, PEM, of each worker that has one and was heard of lately."""
    since = render_instant(now - HEARD_OF)
    query = (
        select(workers.c.name, workers.c.sealing_key)
        .where(workers.c.last_seen_at >= since, workers.c.sealing_key != "")
        .order_by(workers.c.name)
    )
    return {row.name: row.sealing_key for row in await connection.execute(query)}


async def advisories(connection: AsyncConnection) -> list[AdvisorySourceV1]:
    """Return each ecosystem's advisories; of several workers' the oldest: some images get those."""
    rows = await connection.execute(select(workers.c.advisories).order_by(workers.c.name))
    oldest: dict[str, AdvisorySourceV1] = {}
    for source in _all_sources(rows.scalars()):
        known = oldest.get(source.ecosystem)
        if known is None or source.updated_at < known.updated_at:
            oldest[source.ecosystem] = source
    return [oldest[ecosystem] for ecosystem in sorted(oldest)]


async def keys(connection: AsyncConnection) -> list[EvidenceKeyV1]:
    """Return all evidence keys that workers told of, last used first."""
    query = select(evidence_keys).order_by(
        evidence_keys.c.last_used_at.desc(), evidence_keys.c.fingerprint
    )
    return [
        EvidenceKeyV1(row.name, row.fingerprint, row.public_key, row.last_used_at)
        for row in await connection.execute(query)
    ]


async def prune(connection: AsyncConnection, older_than: str, limit: int) -> int:
    """Forget up to `limit` workers silent since `older_than`; their keys stay."""
    old = select(workers.c.name).where(workers.c.last_seen_at < older_than).limit(limit)
    return (await connection.execute(delete(workers).where(workers.c.name.in_(old)))).rowcount


def _sealing_fingerprint(pem: str) -> str:
    """Return the SHA-256 of an X25519 key; empty for anything else: whoever seals by it is told."""
    try:
        body = base64.b64decode("".join(pem.split("-----")[2:3]))
    except ValueError:
        return ""
    # RFC 8410 section 4: a fixed head, then the key itself.
    is_key = len(body) == len(_X25519_HEAD) + 32 and body.startswith(_X25519_HEAD)
    return hashlib.sha256(body[len(_X25519_HEAD) :]).hexdigest() if is_key else ""


async def _note_key(
    connection: AsyncConnection, name: str, body: WorkerHeartbeatV1, used_at: str
) -> None:
    fingerprint = column_text(body.key_fingerprint)
    same = evidence_keys.c.fingerprint == fingerprint
    row = (await connection.execute(select(evidence_keys).where(same))).first()
    if row is None:
        values: dict[str, Any] = {
            "fingerprint": fingerprint,
            "name": name,
            "public_key": column_text(body.public_key),
            "last_used_at": used_at,
        }
        await connection.execute(insert(evidence_keys).values(values))
    elif used_at > row.last_used_at:
        await connection.execute(update(evidence_keys).where(same).values(last_used_at=used_at))


def _all_sources(texts: Iterable[str]) -> Iterable[AdvisorySourceV1]:
    return (source for text in texts for source in _SOURCES.decode(text))
