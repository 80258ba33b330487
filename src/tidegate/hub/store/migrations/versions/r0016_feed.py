"""The feed: batches and snapshots that workers signed, on their way to the clusters.

Revision ID: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and tell other hubs when something is appended."""
    order = op.create_table(
        "feed_order",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_feed_order_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_order")),
    )
    op.bulk_insert(order, [{"id": 1, "last": 0}])
    op.create_table(
        "feed_heads",
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        *_position(),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.String(length=32), nullable=False),
        sa.Column("lease_hash", sa.String(length=64), nullable=False),
        sa.Column("lease_expires_at", sa.String(length=32), nullable=False),
        sa.Column("filled_upto", sa.Integer(), nullable=False),
        sa.Column("filled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_feed_heads")),
    )
    op.create_table(
        "feed_batches",
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        *_position(),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False),
        sa.Column("received_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_feed_batches")),
        sa.UniqueConstraint(
            "fingerprint", "chain", "epoch", name=op.f("uq_feed_batches_fingerprint_chain_epoch")
        ),
    )
    op.create_index(
        op.f("ix_feed_batches_fingerprint_place"), "feed_batches", ["fingerprint", "place"]
    )
    _snapshots()
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER tidegate_notice_update AFTER UPDATE ON feed_order "
            "FOR EACH STATEMENT EXECUTE FUNCTION tidegate_notice('feed')"
        )


def _position() -> tuple[sa.Column[str], sa.Column[int], sa.Column[str]]:
    return (
        sa.Column("chain", sa.String(length=36), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
    )


def _snapshots() -> None:
    op.create_table(
        "feed_snapshots",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=True),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("chain", sa.String(length=36), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False),
        sa.Column("touched_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_snapshots")),
        sa.UniqueConstraint("place", name=op.f("uq_feed_snapshots_place")),
    )
    op.create_index(
        op.f("ix_feed_snapshots_fingerprint_place"), "feed_snapshots", ["fingerprint", "place"]
    )
    op.create_table(
        "feed_snapshot_parts",
        sa.Column("snapshot", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot"],
            ["feed_snapshots.id"],
            name=op.f("fk_feed_snapshot_parts_snapshot_feed_snapshots"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("snapshot", "number", name=op.f("pk_feed_snapshot_parts")),
    )
