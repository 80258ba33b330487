"""From the schema before on a filled database: nothing is lost, and the previous release still runs.

The rows of that schema are written with plain SQL, as that release wrote them.
"""

import json
import zlib
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, text

from support.hub_world import START
from tidegate.hub.overview import buckets
from tidegate.hub.store import event_tallies, events, images
from tidegate.hub.store.database import Database
from tidegate.hub.store.events import EventFilter
from tidegate.hub.store.images import Subject
from tidegate.hub.store.migrate import _config, migrate

DIGEST = "sha256:" + "a" * 64
LONG = "R" * 4000

OLD_EVENT = text(
    "INSERT INTO events (cluster, id, at, action, namespace, search, body)"
    " VALUES (:cluster, :id, :at, :action, 'shop', '', :body)"
)
OLD_DETAIL = text(
    "INSERT INTO image_details (image_id, digest, platform, media_type, size, config, manifest,"
    " referrers, statement, findings, packages, updated_at)"
    " VALUES (1, :digest, '', '', 1, '{}', :empty, :empty, :statement, :empty, :empty, '')"
)
OLD_IMAGE = text(
    "INSERT INTO event_images (event_seq, position, image, rule) VALUES (:s, 0, :i, :r)"
)


def body(number: int, action: str) -> str:
    row = {
        "image": "r.example/app:1", "fieldPath": "spec", "action": action, "message": "",
        "reason": "MissingArtifact", "digest": DIGEST, "rule": "R", "evidence": "missing",
    }  # fmt: skip
    event = {
        "id": f"e{number}", "time": "2026-11-23T08:00:00Z", "action": action, "kind": "Pod",
        "name": f"app-{number}", "namespace": "shop", "user": "jane", "topOwner": "Deployment/app",
        "images": [row],
    }  # fmt: skip
    return json.dumps(event)


def fill(connection: Connection) -> None:
    for number in range(1200):
        action = "deny" if number < 700 else "audit"
        at = f"2026-11-23T{7 + number // 700:02}:{number % 60:02}:00.000000Z"
        values = {"id": f"e{number}", "at": at, "action": action, "body": body(number, action)}
        connection.execute(OLD_EVENT, {"cluster": "c1", **values})
        connection.execute(OLD_IMAGE, {"s": number + 1, "i": "r.example/app:1", "r": "R"})
    connection.execute(
        text("UPDATE event_images SET rule = :long WHERE event_seq = 1"), {"long": LONG}
    )
    reports = [
        {
            "digest": DIGEST, "platform": name, "scannedAt": "", "scanner": "", "complete": True,
            "counts": {"critical": 0, "high": high, "medium": 0, "low": 0, "unknown": 0},
        }
        for name, high in (("linux/amd64", 1), ("linux/arm64", 7))
    ]  # fmt: skip
    connection.execute(
        text(
            "INSERT INTO images (registry, repository, digest, pushed_at, status, error, reports)"
            " VALUES ('r.example', 'app', :digest, '2026', 'scanned', '', :reports)"
        ),
        {"digest": DIGEST, "reports": json.dumps(reports)},
    )


@pytest.fixture
async def old(tmp_path: Path) -> Database:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'hub.db'}")
    await to(database, "0006")
    async with database.write() as connection:
        await connection.run_sync(fill)
    return database


async def to(database: Database, revision: str) -> None:
    def upgrade(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    async with database.write() as connection:
        await connection.run_sync(upgrade)


async def test_a_filled_database_of_the_previous_release_is_taken_along(old: Database) -> None:
    await migrate(old)
    async with old.read() as connection:
        tallies = await event_tallies.by_slot(connection, "2026-11-22T00:00", 13)
        newest = buckets(tallies, START, 24)
        assert [(b.denied, b.audited, b.unscanned) for b in newest[-3:-1]] == [
            (700, 0, 700),
            (0, 500, 500),
        ]
        assert await event_tallies.top_rules(connection, "2026", 5) == [("R", 700, 500)]
        groups = await events.page_of_groups(connection, EventFilter(), None, 10)
        assert [(group.count, event.action) for group, event in groups] == [
            (500, "audit"),
            (700, "deny"),
        ]
        named = EventFilter(kind="Pod", user="jane", reason="MissingArtifact")
        assert len(await events.page(connection, named, None, 2000)) == 1200
        assert len(await events.page(connection, EventFilter(rule="R"), None, 2000)) == 1199
        assert len(await events.page(connection, EventFilter(rule=LONG), None, 2)) == 1
        image = await images.load(connection, Subject("r.example", "app", DIGEST))
        assert len(image.reports) == 2
        row = await connection.execute(text("SELECT counts, risk FROM images"))
        counts, risk = row.one()
        assert (json.loads(counts)["high"], risk) == (7, 7 << 30)
    await old.close()


def told(finished: bytes) -> bytes:
    """Return a statement as it is stored, with text that looks like the field in a finding."""
    text = rb'{"result":[{"id":"\\"scanFinishedOn\\":\\"1999-01-01T00:00:00Z\\""}],'
    return zlib.compress(text + rb'"metadata":{"scanFinishedOn":"' + finished + rb'"}}')


@pytest.mark.parametrize(
    ("statements", "reported_at"),
    [
        pytest.param([told(b"2026-03-01T10:00:00Z")], "2026-03-01T10:00:00.000000Z", id="one"),
        pytest.param(
            [told(b"2026-03-01T10:00:00Z"), told(b"2026-02-01T10:00:00.5+01:00")],
            "2026-02-01T09:00:00.500000Z",
            id="oldest-platform",
        ),
        pytest.param([zlib.compress(b"")], "", id="none"),
        pytest.param([b"damaged"], "", id="damaged"),
        pytest.param([told(b"2026-99-99T10:00:00Z")], "", id="no-time"),
    ],
)
async def test_when_images_were_reported_on_is_taken_from_statements(
    old: Database, statements: list[bytes], reported_at: str
) -> None:
    await to(old, "0008")
    async with old.write() as connection:
        for number, statement in enumerate(statements):
            row = {"digest": f"sha256:{number}", "statement": statement, "empty": b""}
            await connection.execute(OLD_DETAIL, row)
    await migrate(old)
    async with old.read() as connection:
        query = text("SELECT reported_at, rematchable FROM images")
        assert (await connection.execute(query)).one() == (reported_at, 0)
        query = text("SELECT DISTINCT packages_signature, package_ids FROM image_details")
        assert (await connection.execute(query)).all() == [("", None)]
        # What the version before kept of packages is not enough: the image waits for a scan.
        due = await connection.execute(text("SELECT kind, images FROM images_due ORDER BY kind"))
        assert due.all() == [(kind, None) for kind in ("attach", "later", "rematch", "scan")]
    await old.close()


async def test_the_previous_release_still_writes_to_the_new_schema(old: Database) -> None:
    await migrate(old)
    async with old.write() as connection:
        values = {"id": "late", "at": "2026-11-23T09:00:00.000000Z", "action": "deny"}
        await connection.execute(OLD_EVENT, {"cluster": "c1", **values, "body": body(1, "deny")})
        await connection.execute(
            text(
                "INSERT INTO organisation (id, evaluation_mode, security_findings, revision,"
                " edited_at) VALUES (1, 'FirstMatch', 'On', 1, '')"
            )
        )
    async with old.read() as connection:
        assert (await events.load(connection, "late", "c1")).id == "e1"
    await old.close()
