"""What the portal's pages read: grouped and counted events, image details, inventory, workers.

New columns have defaults, so that the previous release still writes to this schema. What it wrote
is filled in here, in the order of time. Nothing is imported from the rest of the program: a
migration means the same for ever.

Revision ID: 0008
"""

import hashlib
import json
import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_STEP_ROWS = 500
_HOUR = timedelta(hours=1)
_MAX_KEY_CHARS = 512

_EVENTS = sa.table(
    "events",
    *(sa.column(name) for name in ("seq", "cluster", "at", "action", "body")),
    *(sa.column(name) for name in ("kind", "subject_user", "group_id")),
)
_EVENT_IMAGES = sa.table(
    "event_images",
    *(sa.column(name) for name in ("event_seq", "position", "reason", "digest", "image", "rule")),
)
_IMAGES = sa.table("images", *(sa.column(n) for n in ("id", "reports", "counts", "risk")))
_GROUPS = sa.table(
    "event_groups",
    *(sa.column(n) for n in ("id", "key", "first_at", "last_at", "last_seq", "count")),
)
_TALLIES = sa.table(
    "event_tallies",
    *(sa.column(n) for n in ("slot", "rule", "denied", "audited", "allowed", "unscanned")),
)

_Event = dict[str, Any]


def upgrade() -> None:
    """Create tables and columns, and fill them from what is stored."""
    _columns()
    _event_tables()
    _image_tables()
    _worker_tables()
    _fill_events()
    _fill_images()


def _columns() -> None:
    for name in ("registry_access", "security_gating"):
        op.add_column("organisation", _added(name, sa.String(length=8), "On"))
    op.add_column("events", _added("kind", sa.Text(), ""))
    op.add_column("events", _added("subject_user", sa.Text(), ""))
    op.add_column("events", _added("group_id", sa.String(length=32), ""))
    op.add_column("event_images", _added("reason", sa.String(length=64), ""))
    op.add_column("event_images", _added("digest", sa.String(length=160), ""))
    op.add_column("images", _added("counts", sa.Text(), "{}"))
    op.add_column("images", _added("risk", sa.BigInteger(), "0"))


def _added(name: str, kind: sa.types.TypeEngine[Any], default: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, server_default=default)


def _event_tables() -> None:
    op.create_table(
        "event_groups",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("first_at", sa.String(length=32), nullable=False),
        sa.Column("last_at", sa.String(length=32), nullable=False),
        sa.Column("last_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_groups")),
    )
    op.create_table(
        "event_tallies",
        sa.Column("slot", sa.String(length=15), nullable=False),
        sa.Column("rule", sa.String(length=512), nullable=False),
        sa.Column("denied", sa.Integer(), nullable=False),
        sa.Column("audited", sa.Integer(), nullable=False),
        sa.Column("allowed", sa.Integer(), nullable=False),
        sa.Column("unscanned", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("slot", "rule", name=op.f("pk_event_tallies")),
    )
    op.create_index(op.f("ix_event_groups_key_last_at"), "event_groups", ["key", "last_at"])
    op.create_index(op.f("ix_event_groups_last_at_id"), "event_groups", ["last_at", "id"])


def _image_tables() -> None:
    op.create_table(
        "image_details",
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=160), nullable=False),
        sa.Column("platform", sa.String(length=128), nullable=False),
        sa.Column("media_type", sa.String(length=255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.LargeBinary(), nullable=False)
            for name in ("manifest", "referrers", "statement", "findings", "packages")
        ),
        sa.Column("updated_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["images.id"], name=op.f("fk_image_details_image_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_id", "digest", name=op.f("pk_image_details")),
    )
    op.create_table(
        "scans",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["images.id"], name=op.f("fk_scans_image_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scans")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_images_digest"), "images", ["digest"])
    op.create_index(op.f("ix_image_details_digest"), "image_details", ["digest"])
    op.create_index(op.f("ix_scans_image_id_id"), "scans", ["image_id", "id"])
    op.create_index(op.f("ix_scans_recorded_at"), "scans", ["recorded_at"])


def _worker_tables() -> None:
    op.create_table(
        "running_images",
        sa.Column("cluster", sa.String(length=128), nullable=False),
        sa.Column("image", sa.String(length=512), nullable=False),
        sa.Column("digest", sa.String(length=160), nullable=False),
        sa.Column("pods", sa.Integer(), nullable=False),
        sa.Column("namespaces", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cluster"],
            ["clusters.name"],
            name=op.f("fk_running_images_cluster"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("cluster", "image", "digest", name=op.f("pk_running_images")),
    )
    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("last_seen_at", sa.String(length=32), nullable=False),
        sa.Column("version", sa.String(length=128), nullable=False),
        sa.Column("key_fingerprint", sa.String(length=128), nullable=False),
        sa.Column("registries", sa.Text(), nullable=False),
        sa.Column("advisories", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    op.create_table(
        "evidence_keys",
        sa.Column("fingerprint", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("last_used_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_evidence_keys")),
    )
    op.create_index(op.f("ix_running_images_digest"), "running_images", ["digest"])


def _fill_events() -> None:
    connection = op.get_bind()
    open_groups: dict[str, dict[str, Any]] = {}
    groups: list[dict[str, Any]] = []
    tallies: dict[tuple[str, str], dict[str, int]] = defaultdict(
        lambda: dict.fromkeys(("denied", "audited", "allowed", "unscanned"), 0)
    )
    # Long texts would not fit the new index of PostgreSQL, 2,704 bytes an entry.
    for name in ("image", "rule"):
        column = _EVENT_IMAGES.c[name]
        connection.execute(
            sa.update(_EVENT_IMAGES)
            .where(sa.func.length(column) > _MAX_KEY_CHARS)
            .values({name: sa.func.substr(column, 1, _MAX_KEY_CHARS)})
        )
    for rows in _event_steps(connection):
        updates, image_updates = [], []
        for row in rows:
            event = json.loads(row.body)
            group = _group_of(row, event, open_groups, groups)
            updates.append(
                {
                    "b_seq": row.seq,
                    "kind": _column_text(event.get("kind", "")),
                    "subject_user": _column_text(event.get("user", "")),
                    "group_id": group["id"],
                }
            )
            for position, image in enumerate(event.get("images", [])):
                image_updates.append(
                    {
                        "b_seq": row.seq,
                        "b_position": position,
                        "reason": _column_text(image.get("reason", ""))[:64],
                        "digest": _column_text(image.get("digest", ""))[:160],
                    }
                )
            _tally(row, event, tallies)
        connection.execute(_UPDATE_EVENT, updates)
        if image_updates:
            connection.execute(_UPDATE_IMAGE, image_updates)
    for start in range(0, len(groups), _STEP_ROWS):
        connection.execute(sa.insert(_GROUPS), groups[start : start + _STEP_ROWS])
    for (slot, rule), counts in tallies.items():
        connection.execute(sa.insert(_TALLIES).values(slot=slot, rule=rule, **counts))
    # After the filling, which would have kept them up to date row by row.
    op.create_index(op.f("ix_events_group_id_seq"), "events", ["group_id", "seq"])
    op.create_index(op.f("ix_event_images_image_event_seq"), "event_images", ["image", "event_seq"])


_UPDATE_EVENT = (
    sa.update(_EVENTS)
    .where(_EVENTS.c.seq == sa.bindparam("b_seq"))
    .values(
        kind=sa.bindparam("kind"),
        subject_user=sa.bindparam("subject_user"),
        group_id=sa.bindparam("group_id"),
    )
)
_UPDATE_IMAGE = (
    sa.update(_EVENT_IMAGES)
    .where(
        _EVENT_IMAGES.c.event_seq == sa.bindparam("b_seq"),
        _EVENT_IMAGES.c.position == sa.bindparam("b_position"),
    )
    .values(reason=sa.bindparam("reason"), digest=sa.bindparam("digest"))
)


def _event_steps(connection: sa.Connection) -> Iterator[list[Any]]:
    at, seq = "", 0
    while True:
        later = sa.or_(_EVENTS.c.at > at, sa.and_(_EVENTS.c.at == at, _EVENTS.c.seq > seq))
        query = sa.select(_EVENTS).where(later).order_by(_EVENTS.c.at, _EVENTS.c.seq)
        rows = list(connection.execute(query.limit(_STEP_ROWS)))
        if not rows:
            return
        yield rows
        at, seq = rows[-1].at, rows[-1].seq


def _group_of(
    row: Any,  # noqa: ANN401  # a row of the query above
    event: _Event,
    open_groups: dict[str, dict[str, Any]],
    groups: list[dict[str, Any]],
) -> dict[str, Any]:
    key = _key(row.cluster, event)
    group = open_groups.get(key)
    if group is None or _moment(row.at) - _moment(group["first_at"]) >= _HOUR:
        group = {"id": uuid.uuid4().hex, "key": key, "first_at": row.at, "count": 0}
        open_groups[key] = group
        groups.append(group)
    group.update(last_at=row.at, last_seq=row.seq, count=group["count"] + 1)
    return group


def _key(cluster: str, event: _Event) -> str:
    owner = event.get("topOwner") or f"{event.get('kind', '')}/{event.get('name', '')}"
    rows = sorted(
        [i.get("digest") or i.get("image", ""), i.get("rule", ""), i.get("action", "")]
        for i in event.get("images", [])
    )
    whole = [cluster, event.get("namespace", ""), owner, event.get("action", ""), rows]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def _tally(row: Any, event: _Event, tallies: dict[tuple[str, str], dict[str, int]]) -> None:  # noqa: ANN401  # a row
    field = {"deny": "denied", "audit": "audited", "allow": "allowed"}
    images = event.get("images", [])
    unscanned = any(image.get("evidence") == "missing" for image in images)
    whole = tallies[row.at[:15], ""]
    whole[field.get(row.action, "allowed")] += 1
    whole["unscanned"] += unscanned
    worst: dict[str, str] = {}
    order = ("allow", "audit", "deny")
    for image in images:
        rule, action = _column_text(image.get("rule", ""))[:_MAX_KEY_CHARS], image.get("action", "")
        if rule and action in order:
            worst[rule] = max(worst.get(rule, "allow"), action, key=order.index)
    for rule, action in worst.items():
        tallies[row.at[:15], rule][field[action]] += 1


def _fill_images() -> None:
    connection = op.get_bind()
    last = 0
    while True:
        query = sa.select(_IMAGES).where(_IMAGES.c.id > last).order_by(_IMAGES.c.id)
        rows = list(connection.execute(query.limit(_STEP_ROWS)))
        if not rows:
            return
        for row in rows:
            counts = [report.get("counts", {}) for report in json.loads(row.reports)]
            if counts:
                worst = max(counts, key=_risk)
                connection.execute(
                    sa.update(_IMAGES)
                    .where(_IMAGES.c.id == row.id)
                    .values(counts=json.dumps(worst), risk=_risk(worst))
                )
        last = rows[-1].id


def _risk(counts: dict[str, int]) -> int:
    risk = 0
    for severity in ("critical", "high", "medium", "low"):
        risk = (risk << 15) | min(counts.get(severity, 0), 2**15 - 1)
    return risk


def _moment(instant: str) -> datetime:
    return datetime.fromisoformat(instant)


def _column_text(text: str) -> str:
    return text.replace("\0", "\ufffd")
