"""Matching again without pulling: packages by image, images by package, and what waits for it.

Defaults let the previous release still write to this schema. Packages stored before are not enough
to match again, so their images count as not rematchable, and are scanned again in time; when their
reports were made stands in the statements stored.

Revision ID: 0012
"""

import re
import zlib
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_STEP_ROWS = 200
_MAX_STATEMENT_BYTES = 256 * 2**20

_FINISHED = re.compile(rb'"scanFinishedOn":"([0-9T:.Z+-]{20,40})"')

_IMAGES = sa.table("images", *(sa.column(n) for n in ("id", "reported_at")))
_DETAILS = sa.table("image_details", *(sa.column(n) for n in ("image_id", "statement")))

_PLACE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create tables and columns, and fill in when images were reported on."""
    op.add_column("images", _added("reported_at", sa.String(length=32), ""))
    op.add_column("images", _added("rematchable", sa.Boolean(), sa.false()))
    op.add_column("image_details", _added("packages_signature", sa.Text(), ""))
    op.add_column("image_details", sa.Column("package_ids", sa.LargeBinary(), nullable=True))
    op.add_column("jobs", _added("kind", sa.String(length=8), "scan"))
    op.add_column("jobs", _added("priority", sa.Integer(), "2"))
    op.create_index(op.f("ix_images_reported_at"), "images", ["reported_at"])
    op.create_index(
        op.f("ix_jobs_state_priority_not_before"), "jobs", ["state", "priority", "not_before"]
    )
    op.create_index(op.f("ix_jobs_kind_created_at"), "jobs", ["kind", "created_at"])
    _package_tables()
    _pass_tables()
    _fill_images()


def _added(
    name: str, kind: sa.types.TypeEngine[Any], default: str | sa.ColumnElement[bool]
) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, server_default=default)


def _package_tables() -> None:
    op.create_table(
        "packages",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        *(
            sa.Column(name, sa.String(length=512), nullable=False)
            for name in ("name", "version", "ecosystem", "module")
        ),
        sa.Column("said", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_packages")),
        sa.UniqueConstraint("key", name=op.f("uq_packages_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_packages_name_id"), "packages", ["name", "id"])
    op.create_table(
        "package_images",
        sa.Column("package_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("images", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("package_id", name=op.f("pk_package_images")),
    )
    op.create_table(
        "package_changes",
        sa.Column("seq", _PLACE, autoincrement=True, nullable=False),
        sa.Column("package_id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_package_changes")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_package_changes_package_id_seq"), "package_changes", ["package_id", "seq"]
    )


def _pass_tables() -> None:
    due = op.create_table(
        "images_due",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("images", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_images_due")),
    )
    op.bulk_insert(due, [{"kind": kind} for kind in ("rematch", "scan", "attach", "later")])
    texts = {
        "state": 64, "rank": 80, "after_name": 512, "until_name": 512, "lease_hash": 64,
        "lease_expires_at": 32, "started_at": 32, "finished_at": 32,
    }  # fmt: skip
    numbers = ("after_id", "until_id", "matched", "changed", "affected")
    advisory_pass = op.create_table(
        "advisory_pass",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("names", sa.LargeBinary(), nullable=True),
        *(sa.Column(n, sa.String(length=size), nullable=False) for n, size in texts.items()),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in numbers),
        sa.CheckConstraint("id = 1", name=op.f("ck_advisory_pass_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advisory_pass")),
    )
    op.bulk_insert(
        advisory_pass, [{"id": 1, **dict.fromkeys(texts, ""), **dict.fromkeys(numbers, 0)}]
    )
    op.create_table(
        "advisory_workers",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("told_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_advisory_workers")),
    )


def _fill_images() -> None:
    """Write down the oldest report of each image; unread statements leave it unknown."""
    connection = op.get_bind()
    last = 0
    while True:
        query = sa.select(_IMAGES.c.id).where(_IMAGES.c.id > last).order_by(_IMAGES.c.id)
        found = list(connection.execute(query.limit(_STEP_ROWS)).scalars())
        if not found:
            return
        last = found[-1]
        oldest: dict[int, str] = {}
        rows = connection.execute(sa.select(_DETAILS).where(_DETAILS.c.image_id.in_(found)))
        for row in rows:
            at = _finished_at(row.statement)
            if at:
                oldest[row.image_id] = min(at, oldest.get(row.image_id, at))
        for image_id, at in oldest.items():
            connection.execute(
                sa.update(_IMAGES).where(_IMAGES.c.id == image_id).values(reported_at=at)
            )


def _finished_at(packed: bytes) -> str:
    try:
        statement = zlib.decompressobj().decompress(packed, _MAX_STATEMENT_BYTES)
    except zlib.error:
        return ""
    found = _FINISHED.search(statement)
    return _instant(found.group(1).decode()) if found else ""


def _instant(text: str) -> str:
    """Return an instant in the fixed width that the tables have."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
